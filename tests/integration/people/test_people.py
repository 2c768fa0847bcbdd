"""Coming by a link, signing in and out, tokens: through HTTP, over the real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from smalt.kernel.limits import LINK_TTL_S, SESSION_ABSOLUTE_S, SESSION_IDLE_S
from smalt.people import attempts, person, tenant
from smalt.people.token import SCOPES
from smalt.store.sql import query
from smalt.tenancy.credential import CredentialKind
from smalt.tenancy.policy import Act
from tests.integration.people.conftest import EMAIL, NAME, PASSWORD

FORM = {"name": NAME, "email": EMAIL, "password": PASSWORD}
COOKIE = "__Host-smalt"


async def sign_in(site, email: str = EMAIL, password: str = PASSWORD, **headers: str) -> httpx.Response:
    async with site.browser(**headers) as browser:
        return await browser.post("/signin", data={"email": email, "password": password, "next": "/library"})


async def test_an_owner_comes_by_the_link(owner, site, workspace) -> None:
    told = (await owner.get("/api/v1/me")).json()
    assert (told["name"], told["email"], told["role"], told["via"]) == (NAME, EMAIL.lower(), "owner", "person")
    assert told["workspace"] == {"id": str(workspace[0]), "name": "Quillfeather & Sons"}


async def test_looking_at_a_link_does_not_use_it_up(site, workspace) -> None:
    async with site.browser() as browser:
        for _ in range(3):
            page = await browser.get(f"/link/{workspace[1]}")
            assert page.status_code == 200
            assert "Quillfeather &amp; Sons" in page.text
        assert (await browser.post(f"/link/{workspace[1]}", data=FORM)).status_code == 303


async def test_a_link_works_once_even_for_two_at_the_same_moment(site, workspace) -> None:
    async with site.browser() as one, site.browser() as other:
        replies = await asyncio.gather(*(b.post(f"/link/{workspace[1]}", data=FORM) for b in (one, other)))
    assert sorted(reply.status_code for reply in replies) == [303, 410]
    async with site.browser() as late:
        assert (await late.post(f"/link/{workspace[1]}", data=FORM)).status_code == 410
        assert (await late.get(f"/link/{workspace[1]}")).status_code == 410


async def test_a_link_ends(site, workspace, clock) -> None:
    clock.advance(timedelta(seconds=LINK_TTL_S + 1))
    async with site.browser() as browser:
        assert (await browser.post(f"/link/{workspace[1]}", data=FORM)).status_code == 410


@pytest.mark.parametrize("secret", ["x", "smalt_link_" + "a" * 49, "smalt_tok_" + "a" * 49])
async def test_an_invented_link(site, secret: str) -> None:
    async with site.browser() as browser:
        reply = await browser.get(f"/link/{secret}")
        assert (reply.status_code, "no longer works" in reply.text) == (410, True)


@pytest.mark.parametrize(
    "wrong", [{"password": "short"}, {"email": "nobody"}, {"name": " "}, {"email": "a b@c"}, {"password": ""}]
)
async def test_a_faulty_form_leaves_the_link_as_it_is(site, workspace, wrong) -> None:
    async with site.browser() as browser:
        reply = await browser.post(f"/link/{workspace[1]}", data={**FORM, **wrong})
        assert reply.status_code == 422
        assert PASSWORD not in reply.text
        assert (await browser.post(f"/link/{workspace[1]}", data=FORM)).status_code == 303


async def test_a_new_link_ends_the_one_before(site, workspace, gateway, signin) -> None:
    fresh = await tenant.owner_link(gateway, signin.credentials, workspace[0])
    async with site.browser() as browser:
        assert (await browser.post(f"/link/{workspace[1]}", data=FORM)).status_code == 410
        assert (await browser.post(f"/link/{fresh}", data=FORM)).status_code == 303


async def test_the_cookie_is_locked_down(site, owner) -> None:
    reply = await sign_in(site)
    assert (reply.status_code, reply.headers["location"]) == (303, "/library")
    (sent,) = reply.headers.get_list("set-cookie")
    assert sent.startswith(f"{COOKIE}=")
    assert {part.strip().lower() for part in sent.split(";")[1:]} == {
        "httponly", "path=/", "samesite=lax", "secure", f"max-age={SESSION_ABSOLUTE_S}",
    }  # fmt: skip
    assert len(sent.split(";")[0]) > 100


async def test_signing_in_ignores_case_and_space_around_the_address(site, owner) -> None:
    assert (await sign_in(site, f"  {EMAIL.upper()} ")).status_code == 303


@pytest.mark.parametrize(
    ("email", "password"), [(EMAIL, "wrong"), ("nobody@example.com", PASSWORD), ("", ""), (EMAIL, "")]
)
async def test_every_refusal_reads_the_same(site, owner, email: str, password: str) -> None:
    reply = await sign_in(site, email, password, accept="application/json")
    told = reply.json()
    told.pop("request_id")
    assert (reply.status_code, told["code"], told["happened"]) == (
        401, "signin.refused", "The address or the password is wrong.",
    )  # fmt: skip
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
async def test_an_unknown_address_costs_as_much_work(site, owner, signin, monkeypatch, email: str) -> None:
    ran = []
    for name in ("verify_password", "verify_nobody"):
        real = getattr(person.passwords, name)
        monkeypatch.setattr(person.passwords, name, lambda *args, real=real: (ran.append(1), real(*args))[1])
    await sign_in(site, email, "wrong")
    assert len(ran) >= 1


async def test_guessing_is_slowed_down(site, owner, clock) -> None:
    for _ in range(attempts.PAIR_MAX):
        assert (await sign_in(site, password="wrong")).status_code == 401
    refused = await sign_in(site)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 15 * 60
    assert (await sign_in(site, "other@example.com", "wrong")).status_code == 401  # another account is not in the way
    clock.advance(attempts.WINDOW)
    assert (await sign_in(site)).status_code == 303


async def test_guessing_at_the_same_moment_is_no_way_round(site, owner) -> None:
    replies = await asyncio.gather(*(sign_in(site, password="wrong") for _ in range(12)))
    found = [reply.status_code for reply in replies]
    assert (found.count(401), found.count(429)) == (attempts.PAIR_MAX, 12 - attempts.PAIR_MAX)


async def test_signing_in_often_is_no_guessing(site, owner) -> None:
    for _ in range(attempts.PAIR_MAX + 2):
        assert (await sign_in(site)).status_code == 303


async def test_a_refusal_is_in_the_audit_record(site, owner, gateway, workspace) -> None:
    await sign_in(site, password="wrong")
    entries = query(
        "entries", "select act, outcome, finished_at from smalt.audit_entry where tenant_id = %(tenant_id)s"
    )
    async with gateway.system(workspace[0]).enter(Act.TENANT_READ) as scope:
        found = [(row["act"], row["outcome"]) for row in await scope.fetch_all(entries)]
    assert ("session.begin", 2) in found
    assert all(outcome is not None for _, outcome in found)


async def test_signing_out_ends_the_session_on_the_server(site, owner) -> None:
    cookie = owner.cookies[COOKIE]
    assert (await owner.get("/api/v1/me")).status_code == 200
    out = await owner.post("/signout")
    assert (out.status_code, out.headers["location"]) == (303, "/signin")
    async with site.browser(cookie=f"{COOKIE}={cookie}") as thief:
        assert (await thief.get("/api/v1/me")).status_code == 401


async def test_each_of_the_two_locks_on_an_ended_session_holds_alone(site, owner, gateway, signin, workspace) -> None:
    cookie = owner.cookies[COOKIE]
    digest, session = signin.credentials.of_cookie(cookie), signin.credentials.session_of(cookie)
    assert len(await gateway.find(CredentialKind.SESSION, digest)) == 1
    await owner.post("/signout")
    assert await gateway.find(CredentialKind.SESSION, digest) == []
    async with gateway.system(workspace[0]).enter(Act.SESSION_BEGIN) as scope:
        await scope.put_credential(CredentialKind.SESSION, digest, session)
    async with site.browser(cookie=f"{COOKIE}={cookie}") as thief:
        assert (await thief.get("/api/v1/me")).status_code == 401


async def test_signing_in_again_ends_the_session_before(site, owner) -> None:
    before = owner.cookies[COOKIE]
    assert (await owner.post("/signin", data={"email": EMAIL, "password": PASSWORD})).status_code == 303
    assert owner.cookies[COOKIE] != before
    async with site.browser(cookie=f"{COOKIE}={before}") as old:
        assert (await old.get("/api/v1/me")).status_code == 401


async def test_a_session_ends_when_idle_and_lives_on_when_used(owner, clock) -> None:
    clock.advance(timedelta(seconds=SESSION_IDLE_S - 60))
    assert (await owner.get("/api/v1/me")).status_code == 200
    clock.advance(timedelta(seconds=SESSION_IDLE_S - 60))
    assert (await owner.get("/api/v1/me")).status_code == 200
    clock.advance(timedelta(seconds=SESSION_IDLE_S))
    assert (await owner.get("/api/v1/me")).status_code == 401


async def test_a_session_ends_after_a_week_however_much_it_is_used(owner, clock) -> None:
    used = 0
    for _ in range(SESSION_ABSOLUTE_S // (SESSION_IDLE_S // 2)):
        used += (await owner.get("/api/v1/me")).status_code == 200
        clock.advance(timedelta(seconds=SESSION_IDLE_S // 2))
    assert used == SESSION_ABSOLUTE_S // (SESSION_IDLE_S // 2)
    assert (await owner.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize("cookie", ["x", "A" * 107, "", "a; " + COOKIE + "=b"])
async def test_an_invented_cookie(site, cookie: str) -> None:
    async with site.browser(cookie=f"{COOKIE}={cookie}") as stranger:
        assert (await stranger.get("/api/v1/me")).status_code == 401


async def test_a_browser_that_is_not_signed_in_is_led_to_the_form(site) -> None:
    async with site.browser() as stranger:
        reply = await stranger.get("/settings")
        assert (reply.status_code, reply.headers["location"]) == (303, "/signin?next=/settings")
        page = await stranger.get("/signin?next=//evil.example/x")
        assert 'name="next" value="/"' in page.text


async def test_a_foreign_page_cannot_sign_anybody_in_or_out(site, owner) -> None:
    assert (await sign_in(site, **{"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await owner.post("/signout", headers={"sec-fetch-site": "same-site"})).status_code == 403
    assert (await owner.get("/api/v1/me")).status_code == 200


async def new_token(owner, **wanted) -> dict:
    reply = await owner.post("/api/v1/tokens", json={"name": "month end", **wanted})
    assert reply.status_code == 201, reply.text
    return reply.json()


async def test_a_token_is_shown_once_and_works_until_revoked(site, owner) -> None:
    made = await new_token(owner, scopes=["usage.read"])
    async with site.program(made["secret"]) as program:
        assert (await program.get("/api/v1/tests/api")).json()["actor"] == made["id"]
        assert (await program.get("/api/v1/me")).json()["via"] == "token"
        (listed,) = (await owner.get("/api/v1/tokens")).json()["items"]
        assert (listed["name"], listed["scopes"], "secret" in listed) == ("month end", ["usage.read"], False)
        assert listed["last_used_at"][14:19] == "00:00"
        assert (await owner.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
        refused = await program.get("/api/v1/me")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="smalt"')
        assert (await owner.delete(f"/api/v1/tokens/{made['id']}")).status_code == 404


async def test_a_token_ends(site, owner, clock) -> None:
    made = await new_token(owner, days=1)
    clock.advance(timedelta(days=1))
    async with site.program(made["secret"]) as program:
        assert (await program.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize("path", ["/api/v1/tokens", "/api/v1/sessions", "/settings"])
async def test_a_token_cannot_get_at_the_account(site, owner, path: str) -> None:
    made = await new_token(owner, scopes=list(SCOPES))
    async with site.program(made["secret"]) as program:
        assert (await program.get(path)).status_code == 401
        assert (await program.post("/api/v1/tokens", json={"name": "more"})).status_code == 401


async def test_a_session_does_not_open_the_door_of_programs(owner) -> None:
    assert (await owner.get("/api/v1/tests/api")).status_code == 401
    assert (await owner.get("/api/v1/tests/member")).status_code == 200


@pytest.mark.parametrize(
    "wanted",
    [{"scopes": []}, {"scopes": ["all"]}, {"days": 0}, {"days": 367}, {"name": ""}, {"name": "x" * 201}, {"more": 1}],
)
async def test_a_token_that_cannot_be(owner, wanted) -> None:
    reply = await owner.post("/api/v1/tokens", json={"name": "month end", **wanted})
    assert reply.status_code == 422
    assert "x" * 201 not in reply.text


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer a b", "Bearer smalt_tok_" + "a" * 49])
async def test_an_invented_token(site, header: str) -> None:
    async with site.program() as program:
        assert (await program.get("/api/v1/me", headers={"authorization": header})).status_code == 401


async def test_another_tenants_ids_are_unknown(site, owner, gateway, signin) -> None:
    theirs = await new_token(owner)
    session = (await owner.get("/api/v1/sessions")).json()["items"][0]
    _, _, secret = await tenant.create(gateway, signin.credentials, "Rivals")
    async with site.browser() as rival:
        await rival.post(f"/link/{secret}", data={**FORM, "password": "another long sentence"})
        assert (await rival.delete(f"/api/v1/tokens/{theirs['id']}")).status_code == 404
        assert (await rival.delete(f"/api/v1/sessions/{session['id']}")).status_code == 404
        assert (await rival.get("/api/v1/tokens")).json()["items"] == []
        # The same address in two workspaces: each password leads to its own.
        assert (await sign_in(site, password="another long sentence")).status_code == 303
        assert (await sign_in(site)).status_code == 303


async def test_settings_by_forms_alone(site, owner) -> None:
    page = await owner.get("/settings")
    assert page.status_code == 200, page.text
    assert "Firefox on Linux" in page.text
    saved = await owner.post("/settings/profile", data={"name": "Ada  Q."})
    assert 'value="Ada Q."' in saved.text
    made = await owner.post("/settings/tokens", data={"name": "script", "days": "30"})
    secret = made.text.split('<code id="secret">')[1].split("<")[0]
    async with site.program(secret) as program:
        assert (await program.get("/api/v1/me")).status_code == 200
    assert secret not in (await owner.get("/settings")).text
    token = (await owner.get("/api/v1/tokens")).json()["items"][0]["id"]
    assert (await owner.post(f"/settings/tokens/{token}/revoke")).status_code == 200
    assert (await owner.get("/api/v1/tokens")).json()["items"] == []


async def test_a_new_password_ends_other_sessions(site, owner) -> None:
    async with site.browser() as other:
        await other.post("/signin", data={"email": EMAIL, "password": PASSWORD})
        assert (await other.get("/api/v1/me")).status_code == 200
        wrong = await owner.post("/settings/password", data={"current": "no", "password": "quite another sentence"})
        assert (wrong.status_code, "current password is wrong" in wrong.text) == (403, True)
        done = await owner.post("/settings/password", data={"current": PASSWORD, "password": "quite another sentence"})
        assert done.status_code == 200
        assert (await other.get("/api/v1/me")).status_code == 401
        assert (await owner.get("/api/v1/me")).status_code == 200
    assert (await sign_in(site)).status_code == 401
    assert (await sign_in(site, password="quite another sentence")).status_code == 303


async def test_nothing_personal_is_stored_or_logged_in_clear(site, owner, workspace, migrated, log) -> None:
    import psycopg

    await new_token(owner, name="Bexley takeover")
    await sign_in(site, password="wrong")
    words = [NAME, "quillfeather", EMAIL, PASSWORD, "Bexley", "Firefox", owner.cookies[COOKIE], workspace[1]]
    with psycopg.connect(migrated.admin) as admin:
        tables = admin.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('smalt', 'gate')"
        ).fetchall()
        rows = [str(row) for (table,) in tables for row in admin.execute(f"select t::text from {table} t").fetchall()]
    stored, logged = " ".join(rows).lower(), str(log()).lower()
    assert str(workspace[0].uuid) in stored  # the positive control: this is where rows are
    assert "request_answered" in logged
    for word in words:
        assert word.lower() not in logged
        assert word.lower() not in stored
        assert word.lower().encode().hex() not in stored
        assert word.encode().hex() not in stored
