from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from uuid import UUID

import pytest

from smalt.kernel.ids import PersonId
from smalt.kernel.sealed import Sealed, envelope_of
from smalt.store.sql import load, query

TEXT = """-- Words above the first section belong to nobody.

-- name: find_person
select * from person
where id = %(id)s; -- the one

-- name:   count_people
select count(*) as n from person
"""


class State(IntEnum):
    ACTIVE = 1


@dataclass(frozen=True)
class Person:
    id: PersonId
    name: Sealed
    password: Sealed | None
    state: State
    seen: int | None = None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.sql"
    path.write_text(TEXT)
    return path


def test_sections_are_attributes(file: Path) -> None:
    queries = load(file)
    assert [q.name for q in queries] == ["find_person", "count_people"]
    assert queries.find_person.text.startswith("select * from person\nwhere")
    assert queries.count_people.text == "select count(*) as n from person"


def test_an_unknown_section_fails_at_once(file: Path) -> None:
    with pytest.raises(AttributeError, match="find_nobody"):
        _ = load(file).find_nobody


def test_a_name_occurs_once(file: Path) -> None:
    file.write_text(TEXT + "\n-- name: find_person\nselect 1\n")
    with pytest.raises(ValueError, match="twice"):
        load(file)


def test_rows_take_their_types_from_the_dataclass() -> None:
    number = UUID(int=7)
    build = query("q", "select 1").rows(Person).build
    person = build({"id": number, "name": b"env", "password": None, "state": 1, "seen": None, "more": 3})
    assert (person.id, person.password, person.state, person.seen) == (PersonId(number), None, State.ACTIVE, None)
    assert isinstance(person.name, Sealed)
    assert envelope_of(person.name) == b"env"


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(KeyError):
        query("q", "select 1").rows(Person).build({"id": UUID(int=7)})


def test_only_dataclasses_are_rows() -> None:
    with pytest.raises(TypeError):
        query("q", "select 1").rows(int)
