"""Loads the OSCAL documents named on the command line with compliance-trestle, and runs its validators on each.

Prints the problems of each; none for a document that loads, is valid, and says the same when it is written again.
"""

import argparse
import json
import sys
from pathlib import Path

from trestle.common import const
from trestle.core.validator_factory import validator_factory
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.component import ComponentDefinition

KINDS = {"component-definition": ComponentDefinition, "assessment-results": AssessmentResults}


def problems_of(path: Path) -> list[str]:
    (kind,) = json.loads(path.read_text("utf-8"))
    try:
        model = KINDS[kind].oscal_read(path)
    except Exception as wrong:
        return [f"does not load: {wrong}"[:2000]]
    if model is None:
        return ["does not load"]
    validator = validator_factory.get(argparse.Namespace(mode=const.VAL_MODE_ALL))
    if not validator.model_is_valid(model, True, path.parent):
        return [validator.error_msg()]
    again = json.loads(model.oscal_serialize_json())
    return [] if again.keys() == {kind} else ["says something else when it is written again"]


def main() -> None:
    print(json.dumps({name: problems_of(Path(name)) for name in sys.argv[1:]}))


main()
