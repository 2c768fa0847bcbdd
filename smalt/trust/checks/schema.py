"""What the database holds: every column stands in the record of processing, and what must be sealed is."""

from __future__ import annotations

from collections.abc import Mapping

from smalt.store.outside import Database, session
from smalt.trust.check import Findings, Unclear, check
from smalt.trust.inventory import Field, load
from smalt.trust.target import Target

COLUMNS = """
    select n.nspname || '.' || c.relname, a.attname, coalesce(dn.nspname || '.' || t.typname, '') = 'smalt.sealed'
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    join pg_type t on t.oid = a.atttypid
    left join pg_namespace dn on dn.oid = t.typnamespace
    where c.relkind in ('r', 'p', 'm', 'v', 'f') and a.attnum > 0 and not a.attisdropped
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""
DATABASES = (
    "select datname from pg_database where not datistemplate and datname not in ('postgres', current_database())"
)
COLUMNS_MIN = 100
MADE_UP = ("smalt.person", "date_of_birth")

Catalogue = Mapping[tuple[str, str], bool]
"""(table, column) to whether its type is the sealed domain."""


def catalogue_of(database: Database) -> Catalogue:
    """Every column outside of the server's own schemas."""
    return {(table, column): sealed for table, column, sealed in database.read(COLUMNS)}


def unknown(catalogue: Catalogue, record: list[Field]) -> list[str]:
    """Columns that are there and not in the record."""
    known = {(field.table, field.column) for field in record}
    return sorted(f"{table}.{column}" for table, column in catalogue.keys() - known)


def missing(catalogue: Catalogue, record: list[Field]) -> list[str]:
    """Columns in the record that are not there."""
    return sorted(f"{f.table}.{f.column}" for f in record if (f.table, f.column) not in catalogue)


def unsealed(catalogue: Catalogue, record: list[Field]) -> list[str]:
    """Columns whose record and type do not agree on whether they are sealed."""
    return sorted(
        f"{f.table}.{f.column}" for f in record if catalogue.get((f.table, f.column), f.sealed) is not f.sealed
    )


@check("schema.inventory", every="hour", deadline_s=30)
def inventory(target: Target, found: Findings) -> None:
    """Reads every column of every table from the live catalogue and compares it, both ways, with the record of processing."""
    if target.admin_conninfo is None:
        raise Unclear("The database's catalogue can only be read as its administrator, which is not set up here.")
    record = load()
    with session(target.admin_conninfo) as database:
        catalogue = catalogue_of(database)
        others = [name for (name,) in database.read(DATABASES)]
    found.probe("every column stands in the record", not (new := unknown(catalogue, record)), unknown=new[:20])
    found.probe("every recorded column is there", not (gone := missing(catalogue, record)), missing=gone[:20])
    found.probe("what is recorded as sealed is sealed", not (bare := unsealed(catalogue, record)), differ=bare[:20])
    found.probe("the server has no other database of ours", not others or _is_shared(target), others=len(others))
    found.control("columns were found", len(catalogue) >= COLUMNS_MIN, columns=len(catalogue), recorded=len(record))
    with_one_more = {**catalogue, MADE_UP: False}
    found.control("a made-up column is seen", ".".join(MADE_UP) in unknown(with_one_more, record))
    without_one = {name: sealed for name, sealed in catalogue.items() if name != ("smalt.turn", "answer")}
    found.control("a column that is gone is seen", "smalt.turn.answer" in missing(without_one, record))
    opened = {**catalogue, ("smalt.turn", "answer"): False}
    found.control("a column that is not sealed is seen", "smalt.turn.answer" in unsealed(opened, record))


def _is_shared(target: Target) -> bool:
    """Whether the database server is not the embedded one, so that others may live on it."""
    return not (target.data_dir / "postgres").exists() and not (target.data_dir / "postgres.place").exists()
