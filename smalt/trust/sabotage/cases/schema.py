"""How the schema leaves the record of processing."""

from __future__ import annotations

from smalt.trust.sabotage.case import Break, case


@case("schema.inventory", "a column that nobody recorded")
def _() -> Break:
    return Break(sql="alter table smalt.person add column birthday text")


@case("schema.inventory", "a table that nobody recorded")
def _() -> Break:
    return Break(sql="create table smalt.visitor (tenant_id uuid primary key, address text)")


@case("schema.inventory", "a recorded column is gone")
def _() -> Break:
    return Break(sql="alter table smalt.turn drop column first_token_ms")


@case("schema.inventory", "a sealed column became plain bytes")
def _() -> Break:
    return Break(sql="alter table smalt.turn alter column question type bytea")


@case("schema.inventory", "one index more", harmless=True)
def _() -> Break:
    return Break(sql="create index harmless on smalt.turn (tenant_id, started_at)")
