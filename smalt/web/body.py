"""JSON bodies: known fields only, and text that is text."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Body(BaseModel):
    r"""A body that an endpoint takes. An unknown field is refused, and so is half a character.

    JSON can write half of a surrogate pair (``"\\ud800"``); no encoding can, so it could be neither sealed nor shown.
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_text(cls, sent: Any) -> Any:
        try:
            json.dumps(sent, ensure_ascii=False, default=repr).encode()  # a body of another type is bytes
        except UnicodeEncodeError:
            fault = ValueError("half a character")
        else:
            return sent
        raise fault
