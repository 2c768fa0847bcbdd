"""The operator's commands beside a server that runs, and without one."""

from __future__ import annotations

import json
import textwrap
import threading
import time

import pytest

from tests.conformance.client import Install, until

LONG_START = textwrap.dedent(
    """
    import time
    import smalt.app.installation as installation
    import smalt.store.postgres as postgres
    def slow(work, pause_s):
        def run(*arguments):
            time.sleep(pause_s)
            return work(*arguments)
        return run
    postgres._make_cluster = slow(postgres._make_cluster, 0.5)
    installation.migrate = slow(installation.migrate, 5)  # longer than a command has patience with a database that is down
    """
)


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


@pytest.mark.parametrize("moment", ["before its cluster", "before its schema"])
def test_a_command_waits_for_the_first_start(install: Install, moment: str) -> None:
    install.preamble = LONG_START
    install.process = install.launch()
    reached = "lock" if moment == "before its cluster" else "socket.place"
    until(lambda: reached in {path.name for path in install.postgres_home.glob("*")}, every_s=0.005)
    assert (install.postgres_home / "data").exists() is (reached == "socket.place")
    link = created(install, "early")
    install.wait()
    assert link.startswith(f"{install.url}/link/")
    assert install.client().get(link).status_code == 200


def test_a_server_waits_for_a_command_that_is_at_work(install: Install) -> None:
    """Whoever is first does it: neither ends the other, and nothing is lost."""
    made: list[str] = []

    def create(name: str) -> None:
        made.append(install.operator("tenant", "create", name, "--owner-email", f"{name}@example.com")["tenant"])

    commands = [threading.Thread(target=create, args=(name,)) for name in ("a", "b")]
    commands[0].start()
    time.sleep(0.3)
    install.process = install.launch()
    commands[1].start()
    for command in commands:
        command.join()
    install.wait()
    assert len(made) == 2
    for tenant in made:
        token = install.operator("token", "create", "--tenant", tenant)["secret"]
        assert install.client(token=token).get("/api/v1/me").status_code == 200
