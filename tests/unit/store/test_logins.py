from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from smalt.kernel.errors import Malformed
from smalt.store.remote import logins


def password_of(role: str) -> str:
    return f"derived for {role}"


def test_the_applications_own_url_is_used_as_it_is() -> None:
    found = logins("postgresql://smalt_app:pw@localhost:5433/books", None, password_of)
    assert found.admin is None
    assert conninfo_to_dict(found.app) == conninfo_to_dict("postgresql://smalt_app:pw@localhost:5433/books")
    assert conninfo_to_dict(found.worker)["user"] == "smalt_worker"
    assert conninfo_to_dict(found.worker)["password"] == "pw"


def test_an_administrators_url_is_never_the_applications() -> None:
    found = logins("postgresql://boss:secret@localhost/books", None, password_of)
    assert conninfo_to_dict(str(found.admin))["user"] == "boss"
    for conninfo, role in ((found.app, "smalt_app"), (found.worker, "smalt_worker"), (found.checker, "smalt_checker")):
        parts = conninfo_to_dict(conninfo)
        assert (parts["user"], parts["password"], parts["dbname"]) == (role, password_of(role), "books")
        assert "secret" not in conninfo


def test_another_machine_is_reached_over_tls() -> None:
    far = logins("postgresql://smalt_app@db.example.com/books", "postgresql://boss@db.example.com/books", password_of)
    assert far.admin is not None
    for conninfo in (far.app, far.worker, far.checker, far.admin):
        assert conninfo_to_dict(conninfo)["sslmode"] == "require"
    strict = logins("postgresql://smalt_app@db.example.com/books?sslmode=verify-full", None, password_of)
    assert conninfo_to_dict(strict.app)["sslmode"] == "verify-full"


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://[", "http://localhost"])
def test_an_unreadable_url_is_not_repeated(url: str) -> None:
    with pytest.raises(Malformed) as caught:
        logins(url, None, password_of)
    assert caught.value.code == "database.url"


def test_logins_are_not_shown() -> None:
    assert "pw" not in repr(logins("postgresql://smalt_app:pw@localhost/books", None, password_of))
