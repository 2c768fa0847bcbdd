"""A full disk: said clearly, nothing half stored, nothing lost, and over when there is room again."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def on_small_disk(place: Path, size: str, code: str) -> str:
    """Run ``code`` with a file system of ``size`` of its own at ``disk``; only that process sees it."""
    disk = place / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size={size},mode=711 tmpfs "{disk}"'
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "sh", "-c", mount], check=False).returncode:
        pytest.skip("needs root with the right to mount: only so can a test have a full disk of its own")
    helpers = """
        import asyncio, os, sys
        from pathlib import Path
        from smalt.kernel.errors import Failure
        disk = Path(sys.argv[1])
    """
    program = textwrap.dedent(helpers) + textwrap.dedent(code)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", program, str(disk)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_blobs(place: Path) -> None:
    said = on_small_disk(
        place,
        "8m",
        """
        from smalt.store.blobs import Blobs
        key = "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002/original"
        async def large():
            for _ in range(20):
                yield bytes(1024 * 1024)
        async def small():
            yield b"small"
        async def main():
            blobs = Blobs(disk / "blobs")
            await blobs.put(key, small())
            try:
                await blobs.put(key, large())
            except Failure as error:
                print(error.code, error.__context__)
            print([p.name for p in disk.rglob("*") if p.is_file()])
            print(b"".join([piece async for piece in blobs.get(key)]))
            for _ in range(50):  # pieces that were still on their way give their room back a moment later
                try:
                    await blobs.put(key, small())
                    break
                except Failure:
                    await asyncio.sleep(0.1)
            else:
                print("no room came back")
        asyncio.run(main())
        """,
    )
    assert said == "disk.full None\n['original']\nb'small'\n"


def test_database(place: Path) -> None:
    said = on_small_disk(
        place,
        "160m",
        """
        from smalt.store.pool import Database
        from smalt.store.postgres import EmbeddedPostgres
        from smalt.store.sql import query
        (disk / "ballast").write_bytes(bytes(40 * 1024 * 1024))  # somebody else's, removed later
        server = EmbeddedPostgres(disk / "data", settings={"max_wal_size": "'48MB'"})
        server.start()
        make = query("make", "create table public.t (n int, b bytea); alter table public.t alter b set storage external")
        add = query("add", "insert into public.t select %(n)s, convert_to(repeat('x', 200000), 'UTF8')")
        count = query("count", "select count(*) as n from public.t")
        async def main():
            kept = 0
            async with Database(server.conninfo("postgres"), explain=server.explain) as pool:
                for statement in make.text.split(";"):
                    async with pool.single(None) as tx:
                        await tx.execute(query("make", statement))
                try:
                    while True:
                        async with pool.single(None) as tx:
                            await tx.execute(add, {"n": kept})
                        kept += 1
                except Failure as error:
                    print("insert:", error.code)
                (disk / "ballast").unlink()
                while True:
                    try:
                        async with pool.single(None) as tx:
                            print("lost:", kept - (await tx.fetch_one(count))["n"], kept > 10)
                        break
                    except Failure as error:
                        assert error.code in {"database.down", "disk.full"}
            server.stop()
        asyncio.run(main())
        """,
    )
    assert said == "insert: disk.full\nlost: 0 True\n"


def test_start(place: Path) -> None:
    said = on_small_disk(
        place,
        "30m",
        """
        from smalt.store.postgres import EmbeddedPostgres
        try:
            EmbeddedPostgres(disk / "data").start()
        except Failure as error:
            print(error.code)
        print(sorted(p.name for p in (disk / "data/postgres").iterdir()))
        """,
    )
    assert said == "disk.full\n['lock']\n"
