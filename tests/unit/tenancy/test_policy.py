"""The matrix is complete, strictly read, and pinned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from smalt.kernel.errors import Forbidden
from smalt.kernel.ids import PersonId, TokenId
from smalt.tenancy import policy
from smalt.tenancy.actor import SYSTEM, Actor, ActorKind, Role, person
from smalt.tenancy.policy import POLICY, Act, allows, parse, require

PINNED = Path(__file__).resolve().parents[2] / "pinned" / "permissions.txt"
TEXT = Path(policy.__file__).with_name("policy.txt").read_text("utf-8")
LINE = next(line for line in TEXT.splitlines() if line.startswith("turn.ask"))


def as_lines() -> str:
    """The matrix turned round: what each role may do."""
    lines = ["# What each role may do. Written by tests/unit/tenancy/test_policy.py; a change here is a review."]
    for role in Role:
        acts = [str(act) for act in Act if allows(role, act)]
        lines += ["", f"{role.name.lower()} ({len(acts)})", *(f"  {act}" for act in acts)]
    return "\n".join(lines) + "\n"


def test_the_permissions_are_those_that_were_reviewed(pin: Callable[[Path, str], None]) -> None:
    pin(PINNED, as_lines())


def test_every_act_and_role_is_decided() -> None:
    assert set(POLICY) == set(Act)
    for act in Act:
        for role in Role:
            actor = SYSTEM if role is Role.SERVICE else person(PersonId.new(), role)
            if allows(role, act):
                require(actor, act)
            else:
                with pytest.raises(Forbidden):
                    require(actor, act)


def test_the_system_does_no_persons_work() -> None:
    """A job that could ask or read would be a second way to content."""
    for act in (Act.TURN_ASK, Act.DOCUMENT_READ, Act.CONVERSATION_READ, Act.USAGE_READ, Act.AUDIT_READ):
        assert not allows(Role.SERVICE, act)


def test_those_who_read_the_books_read_no_content() -> None:
    for role in (Role.AUDITOR, Role.BILLING):
        assert not any(allows(role, act) for act in Act if act.startswith(("document.", "conversation.", "turn.")))


@pytest.mark.parametrize(
    "broken",
    [
        TEXT.replace(LINE, ""),
        TEXT + LINE + "\n",
        TEXT.replace(LINE, LINE.replace("x", "X", 1)),
        TEXT.replace(LINE, LINE + "  x"),
        TEXT.replace(LINE, LINE[: LINE.rindex(".")]),
        TEXT.replace(LINE, LINE.replace("turn.ask", "turn.aks")),
        TEXT.replace("owner  admin", "admin  owner"),
        TEXT.replace("  service", ""),
        "",
    ],
    ids=[
        "act left out",
        "act twice",
        "capital",
        "cell too many",
        "cell too few",
        "unknown act",
        "order",
        "role",
        "empty",
    ],
)
def test_a_file_that_is_not_complete_is_refused(broken: str) -> None:
    assert broken != TEXT
    with pytest.raises(ValueError):
        parse(broken)


def test_the_scopes_of_a_token_only_narrow() -> None:
    who = PersonId.new()
    token = Actor(ActorKind.TOKEN, TokenId.new(), who, Role.VIEWER, frozenset({"document.read", "document.delete"}))
    require(token, Act.DOCUMENT_READ)
    for act in (Act.CONVERSATION_READ, Act.DOCUMENT_DELETE):  # not in the scopes; in the scopes but not the role's
        with pytest.raises(Forbidden):
            require(token, act)
