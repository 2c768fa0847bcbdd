"""What the descriptions of replies have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time as it is written (RFC 3339)."""

EVENTS: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}
"""The content of a reply that tells events as they come."""
