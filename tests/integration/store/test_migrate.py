"""Migrations: in order, once, whole, and never over a schema that is not ours."""

from __future__ import annotations

import threading

import psycopg
import pytest

from smalt.kernel.errors import Conflict, Failure
from smalt.store.migrate import Migration, check_schema, load_migrations, migrate
from smalt.store.postgres import EmbeddedPostgres
from tests.conftest import TestDatabase


def with_more(*texts: str) -> list[Migration]:
    """The real ones and some of the test's own after them."""
    real = load_migrations()
    return [*real, *(Migration(len(real) + n, f"more_{n}", text) for n, text in enumerate(texts, 1))]


def numbers(database: TestDatabase) -> list[int]:
    with psycopg.connect(database.admin) as connection:
        return [r[0] for r in connection.execute("select number from installed.migration order by 1").fetchall()]


def test_all_of_them_once(empty_database: TestDatabase) -> None:
    names = [f"{m.number:04}_{m.name}" for m in load_migrations()]
    assert names
    assert migrate(empty_database.admin) == names
    assert migrate(empty_database.admin) == []
    check_schema(empty_database.app)
    check_schema(empty_database.worker)


def test_what_is_missing_is_added(own_database: TestDatabase) -> None:
    more = with_more("create table smalt.extra (n int)")
    with pytest.raises(Conflict) as caught:
        check_schema(own_database.app, more)
    assert caught.value.code == "schema.older"
    assert migrate(own_database.admin, more) == [f"{more[-1].number:04}_more_1"]
    check_schema(own_database.app, more)


def test_an_empty_database_is_older(empty_database: TestDatabase) -> None:
    with pytest.raises(Conflict) as caught:
        check_schema(empty_database.admin)
    assert caught.value.code == "schema.older"


def test_a_newer_schema_is_refused(own_database: TestDatabase) -> None:
    older = load_migrations()[:-1]
    for use in (migrate, check_schema):
        with pytest.raises(Conflict) as caught:
            use(own_database.admin, older)
        assert caught.value.code == "schema.newer"


def test_an_altered_file_is_refused(own_database: TestDatabase) -> None:
    real = load_migrations()
    altered = [*real[:-1], Migration(real[-1].number, real[-1].name, real[-1].text + "\n-- a harmless remark")]
    for use in (migrate, check_schema):
        with pytest.raises(Conflict) as caught:
            use(own_database.admin, altered)
        assert caught.value.code == "schema.altered"
        assert caught.value.facts == {"number": real[-1].number}


def test_a_migration_that_fails_leaves_nothing_and_says_nothing(own_database: TestDatabase) -> None:
    before = numbers(own_database)
    more = with_more("create table smalt.good (n int)", "create table smalt.half (n int); select 'Zirkonia'::int")
    with pytest.raises(Failure) as caught:
        migrate(own_database.admin, more)
    assert "Zirkonia" not in f"{vars(caught.value)}"
    assert caught.value.__context__ is None
    assert numbers(own_database) == [*before, before[-1] + 1]
    with psycopg.connect(own_database.admin) as connection:
        row = connection.execute("select to_regclass('smalt.good'), to_regclass('smalt.half')").fetchone()
    assert row == ("smalt.good", None)


def test_a_role_set_in_one_does_not_reach_the_next(own_database: TestDatabase) -> None:
    migrate(own_database.admin, with_more("set role smalt_owner", "create role smalt_probe; drop role smalt_probe"))


def test_two_runners_do_it_once(empty_database: TestDatabase) -> None:
    applied: list[list[str]] = []
    runners = [threading.Thread(target=lambda: applied.append(migrate(empty_database.admin))) for _ in range(3)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert sorted(map(len, applied)) == [0, 0, len(load_migrations())]


def test_two_databases_of_one_server(
    postgres: EmbeddedPostgres, own_database: TestDatabase, empty_database: TestDatabase
) -> None:
    assert migrate(empty_database.admin)
    assert migrate(own_database.admin) == []


def test_nobody_else_gets_in(own_database: TestDatabase) -> None:
    with psycopg.connect(own_database.admin, autocommit=True) as connection:
        rights = connection.execute(
            """
            select has_database_privilege('public', current_database(), 'connect'),
                   has_schema_privilege('public', 'installed', 'usage'),
                   has_schema_privilege('public', 'jobs', 'usage'),
                   has_table_privilege('smalt_app', 'installed.migration', 'insert'),
                   has_table_privilege('smalt_app', 'installed.queue_step', 'select'),
                   has_any_column_privilege('smalt_app', 'jobs.procrastinate_jobs', 'select'),
                   (select count(*) from pg_proc p where pronamespace = 'jobs'::regnamespace
                       and has_function_privilege('smalt_app', p.oid, 'execute')),
                   (select count(*) from pg_roles where rolname in ('smalt_app', 'smalt_worker', 'smalt_jobs')
                       and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb))
            """
        ).fetchone()
    assert rights == (False, False, False, False, False, False, 1, 0)
