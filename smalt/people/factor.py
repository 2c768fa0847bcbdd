"""The second factor: one-time codes from an authenticator, and recovery codes on paper for when it is lost.

A code counts once: its step is used up in the same statement that accepts it. A factor that was not confirmed with a
code of its own protects nothing yet, so nobody locks themselves out by closing a page half-way.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from smalt.kernel.clock import Clock
from smalt.kernel.errors import Conflict, Forbidden, Gone
from smalt.kernel.ids import FactorId, PersonId
from smalt.kernel.sealed import Place, Sealed
from smalt.people.credentials import Credentials
from smalt.people.person import queries
from smalt.seal import totp
from smalt.tenancy.scope import TenantScope

CODES = 1
"""The kind of factor: one-time codes. What the database keeps; passkeys get the next number."""
SET_UP_LIFE = timedelta(minutes=15)
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_HALF = 5
_RECOVERY = re.compile(rf"[{_ALPHABET}]{{{2 * _HALF}}}")
_ONE_TIME = re.compile(rf"[0-9]{{{totp.DIGITS}}}")


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    kind: int
    secret: Sealed
    last_step: int
    created_at: datetime
    confirmed_at: datetime | None


_find = queries.factor_of.rows(_Row)


@dataclass(frozen=True, slots=True)
class Standing:
    """``since``: when the codes were turned on; None when they are not. ``left_over``: recovery codes not used yet."""

    since: datetime | None
    left_over: int


async def standing(scope: TenantScope, person: PersonId) -> Standing:
    row = await _row(scope, person)
    left = await scope.fetch_one(queries.recovery_codes_left, {"person_id": person.uuid})
    return Standing(None if row is None else row.confirmed_at, int(left["left_over"]))


async def is_on(scope: TenantScope, person: PersonId) -> bool:
    """Whether ``person`` signs in with a second step."""
    row = await _row(scope, person)
    return row is not None and row.confirmed_at is not None


async def set_up(scope: TenantScope, person: PersonId, clock: Clock) -> bytes:
    """A new secret, to be confirmed within `SET_UP_LIFE`. `Conflict` when codes are on already."""
    if await is_on(scope, person):
        raise Conflict(
            "factor.on",
            "One-time codes are on already.",
            kept="They work as before.",
            todo="Turn them off first, to set up another authenticator.",
        )
    await scope.execute(queries.drop_factor, {"person_id": person.uuid, "kind": CODES})
    factor, secret = FactorId.new(), totp.new_secret()
    await scope.execute(
        queries.add_factor,
        {
            "id": factor.uuid,
            "person_id": person.uuid,
            "kind": CODES,
            "secret": scope.seal(secret, Place("factor", "secret", factor.uuid)),
            "now": clock.now(),
        },
    )
    return secret


async def pending(scope: TenantScope, person: PersonId, clock: Clock) -> tuple[FactorId, bytes]:
    """The secret that waits to be confirmed; `Gone` when there is none, or it has waited too long."""
    row = await _row(scope, person)
    if row is None or row.confirmed_at is not None or row.created_at + SET_UP_LIFE <= clock.now():
        raise Gone(
            "factor.not_pending",
            "No authenticator is being set up.",
            kept="Nothing was changed.",
            todo="Begin again in the settings.",
        )
    return FactorId(row.id), scope.open(row.secret, Place("factor", "secret", row.id))


async def confirm(scope: TenantScope, person: PersonId, code: str, credentials: Credentials, clock: Clock) -> list[str]:
    """Turn the codes on, for who shows that the authenticator has the secret; the recovery codes, shown this once."""
    factor, secret = await pending(scope, person, clock)
    now = clock.now()
    step = totp.step_of(secret, _digits(code), int(now.timestamp()))
    if step is None:
        raise wrong_code()
    await scope.execute(queries.confirm_factor, {"id": factor.uuid, "now": now, "step": step})
    return await renew_recovery_codes(scope, person, credentials)


async def renew_recovery_codes(scope: TenantScope, person: PersonId, credentials: Credentials) -> list[str]:
    """Ten new recovery codes; the ones before stop working. They are stored as keyed digests only."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(2 * _HALF)) for _ in range(RECOVERY_CODES)]
    await scope.execute(queries.drop_recovery_codes, {"person_id": person.uuid})
    await scope.execute_many(
        queries.add_recovery_code,
        [{"person_id": person.uuid, "digest": credentials.of_recovery(person, code)} for code in codes],
    )
    return [f"{code[:_HALF]}-{code[_HALF:]}" for code in codes]


async def accept(scope: TenantScope, person: PersonId, code: str, credentials: Credentials, clock: Clock) -> bool:
    """Whether ``code`` is a one-time code of now or a recovery code; it is used up by this very call."""
    row = await _row(scope, person)
    if row is None or row.confirmed_at is None:
        return False
    plain = re.sub(r"[\s-]", "", code).lower()
    if _ONE_TIME.fullmatch(plain):
        secret = scope.open(row.secret, Place("factor", "secret", row.id))
        step = totp.step_of(secret, plain, int(clock.now().timestamp()))
        return step is not None and bool(await scope.fetch_all(queries.use_step, {"id": row.id, "step": step}))
    if _RECOVERY.fullmatch(plain):
        spent = {"person_id": person.uuid, "digest": credentials.of_recovery(person, plain)}
        return bool(await scope.fetch_all(queries.use_recovery_code, spent))
    return False


async def turn_off(scope: TenantScope, person: PersonId) -> None:
    """No second step any more, and no recovery codes."""
    await scope.execute(queries.drop_factor, {"person_id": person.uuid, "kind": CODES})
    await scope.execute(queries.drop_recovery_codes, {"person_id": person.uuid})


def wrong_code() -> Forbidden:
    return Forbidden(
        "factor.wrong",
        "This code does not fit, or was used already.",
        kept="Nothing was changed.",
        todo="Wait for the next code, and check that the clock of your device is right.",
    )


async def _row(scope: TenantScope, person: PersonId) -> _Row | None:
    return await scope.fetch_maybe(_find, {"person_id": person.uuid, "kind": CODES})


def _digits(code: str) -> str:
    return re.sub(r"\s", "", code)
