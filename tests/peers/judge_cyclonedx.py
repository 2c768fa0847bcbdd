"""Judges the CycloneDX 1.6 JSON documents named on the command line by the strict schema: prints the problems of each."""

import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def main() -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    found = {}
    for name in sys.argv[1:]:
        problems = validator.validate_str(Path(name).read_text("utf-8"), all_errors=True) or ()
        found[name] = [str(one.data.message)[:300] for one in problems]
    print(json.dumps(found))


main()
