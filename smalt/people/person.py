"""People: sealed names and addresses, passwords as argon2id hashes sealed once more."""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from smalt.kernel.errors import Malformed, TooMany
from smalt.kernel.ids import PersonId
from smalt.kernel.limits import NAME_MAX_CHARS
from smalt.kernel.sealed import Place, Sealed
from smalt.seal import passwords
from smalt.store.sql import load
from smalt.tenancy.actor import PersonState, Role
from smalt.tenancy.scope import TenantScope

queries = load(Path(__file__).with_name("people.sql"))

PASSWORD_MIN_CHARS = 12
_AT_ONCE = 2  # each holds 64 MiB while it works
_WAITING_MAX = 32


@dataclass(frozen=True, slots=True)
class PersonRow:
    id: PersonId
    name: Sealed
    email: Sealed
    password: Sealed | None
    role: Role
    state: PersonState


_find = queries.find_person.rows(PersonRow)


@dataclass(frozen=True, slots=True)
class Profile:
    """Opened. For answers to the person only."""

    id: PersonId
    name: str
    email: str
    role: Role


async def find(scope: TenantScope, person: PersonId) -> PersonRow | None:
    return await scope.fetch_maybe(_find, {"id": person.uuid})


async def profile(scope: TenantScope, person: PersonId) -> Profile:
    """`Missing` when there is no such person."""
    row = await scope.fetch_one(_find, {"id": person.uuid})
    return Profile(row.id, open_name(scope, row.id, row.name), open_email(scope, row.id, row.email), row.role)


def seal_name(scope: TenantScope, person: PersonId, name: str) -> Sealed:
    return scope.seal_text(name, Place("person", "name", person.uuid))


def seal_email(scope: TenantScope, person: PersonId, email: str) -> Sealed:
    return scope.seal_text(email, Place("person", "email", person.uuid))


def seal_password(scope: TenantScope, person: PersonId, hashed: str) -> Sealed:
    return scope.seal_text(hashed, Place("person", "password", person.uuid))


def open_name(scope: TenantScope, person: PersonId, name: Sealed) -> str:
    return scope.open_text(name, Place("person", "name", person.uuid))


def open_email(scope: TenantScope, person: PersonId, email: Sealed) -> str:
    return scope.open_text(email, Place("person", "email", person.uuid))


def open_password(scope: TenantScope, row: PersonRow) -> str | None:
    return None if row.password is None else scope.open_text(row.password, Place("person", "password", row.id.uuid))


def plain_name(typed: str) -> str:
    """A name as it is kept: NFC, single spaces. `Malformed` when nothing is left or it is too long."""
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if not 0 < len(name) <= NAME_MAX_CHARS or not name.isprintable():
        raise Malformed(
            "person.name",
            "The name is empty, too long or cannot be printed.",
            kept="Nothing was changed.",
            todo="Write a shorter name.",
            facts={"max_characters": NAME_MAX_CHARS},
        )
    return name


class PasswordWork:
    """argon2id in threads, two at once, a short queue: a flood of sign-ins must not eat the machine."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """`Malformed` for a password that is too long. Whether it is good enough `require_strong` says."""
        async with self:
            return await asyncio.to_thread(passwords.hash_password, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether it is the password; as much work when there is none to compare with."""
        async with self:
            if stored is None:
                return await asyncio.to_thread(passwords.verify_nobody, password)
            return await asyncio.to_thread(passwords.verify_password, password, stored)

    async def __aenter__(self) -> None:
        if self._waiting >= _WAITING_MAX:
            raise TooMany(
                "signin.busy",
                "Too many people are signing in at this moment.",
                kept="Nothing was changed.",
                todo="Try again in some seconds.",
                retry_after_s=5,
            )
        self._waiting += 1
        try:
            await self._gate.acquire()
        except BaseException:
            self._waiting -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._waiting -= 1
        self._gate.release()
