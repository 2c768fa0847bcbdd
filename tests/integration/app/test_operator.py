"""The operator's commands beside a server that runs, and without one."""

from __future__ import annotations

import json

from tests.conformance.client import Install


def created(install: Install, name: str) -> str:
    made = install.operator("tenant", "create", name, "--owner-name", "Ada", "--owner-email", f"{name}@example.com")
    return str(made["link"])


def test_commands_work_beside_a_server_and_without_one(install: Install) -> None:
    install.start()
    link = created(install, "beside")
    assert link.startswith(f"{install.url}/link/"), "the link leads to the server that runs"
    assert install.client().get(link).status_code == 200
    assert install.stop() == 0
    stopped = created(install, "stopped")
    install.start()
    assert install.client().get("/link/" + stopped.rpartition("/")[2]).status_code == 200
    install.kill()
    killed = created(install, "killed")
    install.start()
    assert install.client().get("/link/" + killed.rpartition("/")[2]).status_code == 200


def test_a_command_that_fails_says_so_in_json_and_in_words(install: Install) -> None:
    for arguments, status, code in (
        (("tenant", "create", "x", "--owner-email", "nonsense"), 2, "person.email"),
        (("tenant", "create", " "), 2, "tenant.name"),
        (("token", "create", "--tenant", "ten_none"), 5, "id.unknown"),
    ):
        said = install.run(*arguments, "--json")
        assert (said.returncode, json.loads(said.stdout)["error"]["code"]) == (status, code)
        told = install.run(*arguments)
        assert told.returncode == status
        assert f"[{code}]" in told.stderr
        assert "Traceback" not in told.stderr
        assert "nonsense" not in told.stderr
