"""What each role may do: one reviewed text file, ``policy.txt``, read strictly and completely at import."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from smalt.kernel.errors import Forbidden
from smalt.tenancy.actor import Actor, Role


class Act(enum.StrEnum):
    DOCUMENT_ADD = "document.add"
    DOCUMENT_READ = "document.read"
    DOCUMENT_DELETE = "document.delete"
    DOCUMENT_PROCESS = "document.process"
    CONVERSATION_READ = "conversation.read"
    CONVERSATION_WRITE = "conversation.write"
    TURN_ASK = "turn.ask"
    TURN_SETTLE = "turn.settle"
    USAGE_READ = "usage.read"
    AUDIT_READ = "audit.read"
    PROFILE_READ = "profile.read"
    PROFILE_CHANGE = "profile.change"
    PERSON_READ = "person.read"
    PERSON_INVITE = "person.invite"
    PERSON_CHANGE = "person.change"
    PERSON_REMOVE = "person.remove"
    SESSION_BEGIN = "session.begin"
    SESSION_READ = "session.read"
    SESSION_END = "session.end"
    TOKEN_CREATE = "token.create"  # noqa: S105  # the name of an act
    TOKEN_READ = "token.read"  # noqa: S105  # the name of an act
    TOKEN_REVOKE = "token.revoke"  # noqa: S105  # the name of an act
    REGISTER_READ = "register.read"
    REGISTER_SUBSCRIBE = "register.subscribe"
    REGISTER_OBJECT = "register.object"
    REGISTER_TELL = "register.tell"
    GATED_CHANGE = "gated.change"
    GATED_LIST = "gated.list"
    GATED_ASK = "gated.ask"
    GATED_LOOK = "gated.look"
    GATED_DOWNLOAD = "gated.download"
    GATED_DECIDE = "gated.decide"
    TENANT_CREATE = "tenant.create"
    TENANT_READ = "tenant.read"
    TENANT_CHANGE = "tenant.change"
    TENANT_SWEEP = "tenant.sweep"
    KEY_ROTATE = "key.rotate"
    WITNESS_READ = "witness.read"
    WITNESS_CHANGE = "witness.change"
    WITNESS_COSIGN = "witness.cosign"


Matrix = Mapping[Act, frozenset[Role]]


def parse(text: str) -> Matrix:
    """The matrix written in ``text``. `ValueError` unless it names every act and every role exactly once, in order."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    roles = list(Role)
    if not lines or lines[0] != ["act", *(role.name.lower() for role in roles)]:
        raise ValueError("policy: the first line names the roles in their order")
    found: dict[Act, frozenset[Role]] = {}
    for name, *cells in lines[1:]:
        act = Act(name)
        if act in found:
            raise ValueError(f"policy: {act} stands twice")
        if len(cells) != len(roles) or not set(cells) <= {"x", "."}:
            raise ValueError(f"policy: {act} needs one x or . for every role")
        found[act] = frozenset(role for role, cell in zip(roles, cells, strict=True) if cell == "x")
    if missing := [act for act in Act if act not in found]:
        raise ValueError(f"policy: no line for {', '.join(missing)}")
    return MappingProxyType(found)


POLICY: Matrix = parse(Path(__file__).with_name("policy.txt").read_text(encoding="utf-8"))


def allows(role: Role, act: Act) -> bool:
    return role in POLICY[act]


def require(actor: Actor, act: Act) -> None:
    """Nothing when ``actor`` may ``act``; `Forbidden` otherwise."""
    if not allows(actor.role, act):
        raise Forbidden(
            "act.role",
            "Your role does not allow this.",
            kept="Nothing was changed.",
            todo="Ask an owner or administrator of your workspace.",
            facts={"act": str(act), "role": actor.role.name.lower()},
        )
    if actor.acts is not None and act not in actor.acts:
        raise Forbidden(
            "act.token_scope",
            "This token was not made for this.",
            kept="Nothing was changed.",
            todo="Use a token whose scopes include the act.",
            facts={"act": str(act)},
        )
