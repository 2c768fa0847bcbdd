"""Who acts. The numbers of these enumerations are what the database keeps: never reuse or renumber one."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from smalt.kernel.errors import Forbidden
from smalt.kernel.ids import Id, PersonId


class Role(enum.IntEnum):
    OWNER = 1
    ADMIN = 2
    ANALYST = 3
    VIEWER = 4
    AUDITOR = 5
    BILLING = 6
    SERVICE = 7


class ActorKind(enum.IntEnum):
    PERSON = 1
    TOKEN = 2
    SYSTEM = 3


class TenantState(enum.IntEnum):
    ACTIVE = 1
    SUSPENDED = 2
    TERMINATED = 3


class PersonState(enum.IntEnum):
    ACTIVE = 1
    INVITED = 2
    REMOVED = 3


@dataclass(frozen=True, slots=True)
class Actor:
    """``id`` names the person or token (None for the system); ``person`` is who answers for it.

    ``acts`` narrows what the role allows to the named acts, as the scopes of an API token do; None narrows nothing.
    """

    kind: ActorKind
    id: Id | None
    person: PersonId | None
    role: Role
    acts: frozenset[str] | None = None

    def __post_init__(self) -> None:
        """Every actor but the system is a person or stands for one; the system has no other role than SERVICE."""
        if (self.kind is ActorKind.SYSTEM) != (self.role is Role.SERVICE):
            raise ValueError("the role SERVICE is the system's, and only the system's")
        if (self.kind is ActorKind.SYSTEM) != (self.person is None):
            raise ValueError("a person or token answers to a person, the system to none")

    @property
    def person_id(self) -> PersonId:
        """Who answers for the act; `Forbidden` for the system, to which nothing belongs."""
        if self.person is None:
            raise Forbidden("act.needs_person", "Only a person can do this.", kept="Nothing was changed.")
        return self.person


SYSTEM = Actor(ActorKind.SYSTEM, None, None, Role.SERVICE)
"""Jobs and the installation itself."""


def person(who: PersonId, role: Role) -> Actor:
    """A signed-in person."""
    return Actor(ActorKind.PERSON, who, who, role)
