"""The audit log in the forms that other systems read: JSON Lines, CSV (RFC 4180), and CEF for a SIEM."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from smalt import __version__
from smalt.kernel.ids import TenantId
from smalt.people.audit import Entry, committed, told
from smalt.tenancy.record import Outcome

COLUMNS = ("id", "begun_at", "finished_at", "actor_kind", "actor", "act", "target", "outcome", "salt")
_SEVERITY: Mapping[int | None, int] = MappingProxyType(
    {None: 3, Outcome.DONE: 2, Outcome.CANCELLED: 3, Outcome.ABANDONED: 5, Outcome.FAILED: 6, Outcome.DENIED: 7}
)
"""From 0 to 10, as CEF has it. What was denied is what a SIEM is to look at first."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the log is written: its name for files, its media type, the first line, and a line for each entry."""

    suffix: str
    media_type: str
    head: str
    line: Callable[[TenantId, Entry], str]


def _json_line(tenant: TenantId, entry: Entry) -> str:
    return json.dumps(committed(tenant, entry), separators=(",", ":")) + "\n"


def _csv_line(tenant: TenantId, entry: Entry) -> str:
    shown = {**committed(tenant, entry), **told(tenant, entry)}
    return _csv([shown[name] or "" for name in COLUMNS])


def _csv(values: list[Any] | tuple[Any, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(values)
    return out.getvalue()


def _cef_line(tenant: TenantId, entry: Entry) -> str:
    """ArcSight's Common Event Format, version 0. Nothing in an entry needs escaping: it has no bar, no equals sign."""
    shown = told(tenant, entry)
    fields = {
        "rt": int(entry["begun_at"].timestamp() * 1000),
        "externalId": shown["id"],
        "outcome": shown["outcome"].replace(" ", "_"),
        "suid": shown["actor"] or "system",
        "sourceUserPrivileges": shown["actor_kind"],
        "cs1Label": "target",
        "cs1": shown["target"] or "",
    }
    said = " ".join(f"{name}={value}" for name, value in fields.items() if value != "")
    return f"CEF:0|Smalt|Smalt|{__version__}|{entry['act']}|{entry['act']}|{_SEVERITY[entry['outcome']]}|{said}\n"


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "jsonl": Form("jsonl", "application/jsonl", "", _json_line),
        "csv": Form("csv", "text/csv; charset=utf-8", _csv(COLUMNS), _csv_line),
        "cef": Form("cef", "text/plain; charset=utf-8", "", _cef_line),
    }
)
