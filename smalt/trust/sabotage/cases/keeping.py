"""How the keeping of the Trust Center is broken: keys within reach, audit entries changed, commitments left out."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case
from smalt.trust.sabotage.throwaway import Throwaway

_NOT_SHUT = """
import smalt.seal.apart as a
a.shut_out = lambda folder: a.Apart(shut=False, abi=0, why="no_landlock")
"""
_UNCOMMITTED = """
create or replace function gate.commit_entry(exact_digest bytea) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic select; end
"""


@case("checker.apart", "the server is not shut out")
def _() -> Break:
    return Break(preamble=_NOT_SHUT)


@case("checker.apart", "the folder of the keys is open to other accounts")
def _() -> Break:
    return Break(act=lambda throwaway: (throwaway.data_dir / "checker").chmod(0o755))


@case("checker.apart", "one file more beside the keys", harmless=True)
def _() -> Break:
    return Break(act=lambda throwaway: (throwaway.data_dir / "checker" / "note").touch(0o600))


@case("audit.anchored", "how entries ended is written anew")
def _() -> Break:
    return Break(sql="update smalt.audit_entry set outcome = 2 where outcome = 1")


@case("audit.anchored", "one entry's time is moved by a millisecond")
def _() -> Break:
    return Break(
        sql="update smalt.audit_entry set begun_at = begun_at - interval '1 millisecond' where act = 'token.create'"
    )


@case("audit.anchored", "entries are no longer committed to")
def _() -> Break:
    return Break(sql=_UNCOMMITTED, act=_one_entry_more)


@case("audit.anchored", "what waits for the log is thrown away")
def _() -> Break:
    def act(throwaway: Throwaway) -> None:
        _one_entry_more(throwaway)
        throwaway.sql("delete from gate.commitment")

    return Break(act=act)


@case("audit.anchored", "a batch is not the one that the log states")
def _() -> Break:
    def act(throwaway: Throwaway) -> None:
        for batch in (throwaway.data_dir / "trust" / "audit").iterdir():
            data = batch.read_bytes()
            batch.write_bytes(bytes([data[0] ^ 1]) + data[1:])

    return Break(act=act)


@case("audit.anchored", "one entry more", harmless=True)
def _() -> Break:
    return Break(act=_one_entry_more)


def _one_entry_more(throwaway: Throwaway) -> None:
    for tenant in throwaway.tenants:
        with throwaway.target.client(tenant) as client:
            client.get("/api/v1/me").raise_for_status()
