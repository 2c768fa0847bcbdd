"""The record of processing: every column of the database, read strictly from ``inventory.toml``.

The check of the schema compares it with the live catalogue, and the annex of the DPA is rendered from it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("inventory.toml")


@dataclass(frozen=True, slots=True)
class Field:
    """One column. ``table`` with its schema; ``purpose`` of the column, ``holds`` what the whole table is for.

    ``subjects``: categories of data subjects, empty where the table has nothing to do with people. ``personal``: it is,
    or leads to, something about a person. ``sealed``: its values are ciphertext under the tenant's key.
    """

    table: str
    column: str
    purpose: str
    holds: str
    subjects: str
    personal: bool
    sealed: bool
    retention: str
    basis: str


class _Column(msgspec.Struct, forbid_unknown_fields=True):
    purpose: str
    personal: bool = False
    sealed: bool = False


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    purpose: str
    subjects: str
    retention: str
    basis: str
    columns: dict[str, str | _Column]


def load(file: Path = FILE) -> list[Field]:
    """Every column in the order of the file; `ValueError` for a record that is not complete."""
    tables = msgspec.convert(tomllib.loads(file.read_text("utf-8")), dict[str, _Table])
    return [
        _field(name, table, column, said) for name, table in tables.items() for column, said in table.columns.items()
    ]


def _field(name: str, table: _Table, column: str, said: str | _Column) -> Field:
    one = _Column(said) if isinstance(said, str) else said
    if not all((one.purpose, table.purpose, table.retention, table.basis)):
        raise ValueError(f"{name}.{column}: a column has a purpose, a retention and a basis")
    if one.personal and not table.subjects:
        raise ValueError(f"{name}.{column}: personal data are about somebody")
    return Field(
        name, column, one.purpose, table.purpose, table.subjects, one.personal, one.sealed, table.retention, table.basis
    )
