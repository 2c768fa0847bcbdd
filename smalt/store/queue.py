"""Jobs: deferred by the application inside its own transaction, carried out by a worker, ids and nothing else.

A job is done at least once: its worker may be killed after the work and before the note of it. So every task is
idempotent. A job whose worker stopped breathing goes back to the queue; one that has used up its attempts is handed to
the task's ``abandoned``, so that no document stays "reading" for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import procrastinate
from procrastinate import jobs, manager
from psycopg.conninfo import make_conninfo

from smalt.kernel.errors import Failure, Unavailable
from smalt.kernel.ids import Id
from smalt.store.pool import Tx
from smalt.store.sql import query

_TASK = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_ID = re.compile(r"[a-z]{3}_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_QUEUE = "smalt"
_DEFER = query("defer", "select jobs.defer(%(task)s, %(queue)s, %(lock)s, %(ids)s::text::jsonb) as id")
_HEARTBEAT_S = 5.0
_STALLED_S = 30.0
_RESCUE_EVERY_S = 10.0
_RETRY_WAIT_S = 2
_KEEP_FINISHED_H = 24

Work = Callable[..., Awaitable[None]]


class Queue:
    """The application's side: it can add a job and do nothing else with the queue."""

    async def defer(self, tx: Tx, task: str, *, lock: Id | None = None, **ids: Id | int | str) -> int:
        """Add a job that exists exactly when ``tx`` commits; its number.

        ``ids``: typed ids, their text form, or whole numbers; ``tenant`` must be that of the transaction's ticket. Jobs
        with the same ``lock`` run one after another.
        """
        if _TASK.fullmatch(task) is None:
            raise ValueError("a task's name is its own, not content")
        carried = {name: _carried(value) for name, value in ids.items()}
        row = await tx.fetch_one(
            _DEFER,
            {"task": task, "queue": _QUEUE, "lock": None if lock is None else str(lock), "ids": json.dumps(carried)},
        )
        return int(row["id"])


def _carried(value: Id | int | str) -> str | int:
    if isinstance(value, Id):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and _ID.fullmatch(value):
        return value
    raise TypeError("a job carries ids and whole numbers, nothing else")


@dataclasses.dataclass(frozen=True)
class Task:
    """One kind of job. ``abandoned`` gets the same ids when the last attempt has failed."""

    name: str
    work: Work
    attempts: int
    abandoned: Work | None


class JobFailed(Exception):
    """What the queue hears of a failure: a code, never the words of the exception. It is tried again."""


class JobHopeless(JobFailed):
    """Trying again cannot help."""


class _Retry(procrastinate.BaseRetryStrategy):
    """Again after 2, 4, 8 … seconds, unless it is hopeless or the attempts are used up."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: jobs.Job) -> procrastinate.RetryDecision | None:
        if isinstance(exception, JobHopeless) or job.attempts + 1 >= self._attempts:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": _RETRY_WAIT_S * 2**job.attempts})


class Worker:
    """The worker's side: runs tasks, a few at a time, until told to stop."""

    def __init__(
        self,
        conninfo: str,
        *,
        at_once: int = 2,
        on_error: Callable[[str, BaseException], None] | None = None,
        stalled_s: float = _STALLED_S,
    ) -> None:
        """``on_error(task's name, exception)`` hears of every failed attempt; it must not write down the text."""
        self._at_once = at_once
        self._on_error = on_error
        self._stalled_s = stalled_s
        self._tasks: dict[str, Task] = {}
        connector = procrastinate.PsycopgConnector(
            conninfo=make_conninfo(conninfo, options="-c search_path=jobs,pg_catalog -c statement_timeout=30s"),
            min_size=1,
            max_size=at_once + 2,
            reconnect_timeout=5.0,
        )
        self._app = procrastinate.App(connector=connector)

    def add(self, name: str, work: Work, *, attempts: int = 3, abandoned: Work | None = None) -> None:
        """Run ``work(**ids)`` (text ids, as deferred) for each job of that name."""
        if name in self._tasks:
            raise ValueError(f"task {name} is there already")
        task = Task(name, work, attempts, abandoned)
        self._tasks[name] = task

        async def run(context: procrastinate.JobContext, /, **ids: str | int) -> None:
            await self._run(task, context.job.attempts + 1, ids)

        retry = _Retry(attempts)
        self._app.task(name=name, queue=_QUEUE, retry=retry, pass_context=True)(run)

    async def run(self, stop: asyncio.Event, *, alone: bool = False) -> None:
        """Work until ``stop`` is set, then finish what is under way. Goes on after the database was away.

        ``alone``: there is no other worker, so what is under way at the start was cut off and begins again at once.
        """
        while not stop.is_set():
            try:
                if alone:
                    async with self._app.open_async():
                        await self.rescue(stalled_s=0)
                    alone = False
                await self._session(stop)
            except Exception as error:  # noqa: BLE001  # the database went away: say so, wait, begin again
                self._heard("worker", error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _RETRY_WAIT_S)

    async def _session(self, stop: asyncio.Event) -> None:
        async with self._app.open_async():
            working = asyncio.create_task(
                self._app.run_worker_async(
                    queues=[_QUEUE],
                    concurrency=self._at_once,
                    install_signal_handlers=False,
                    listen_notify=True,
                    fetch_job_polling_interval=5.0,
                    update_heartbeat_interval=min(_HEARTBEAT_S, self._stalled_s / 3),
                    stalled_worker_timeout=self._stalled_s,
                    shutdown_graceful_timeout=20.0,
                )
            )
            rescuing = asyncio.create_task(self._rescue_for_ever())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({working, rescuing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (rescuing, stopping):
                    task.cancel()
                working.cancel()  # asks it to stop: what is under way is finished first
                results = await asyncio.gather(working, rescuing, stopping, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    raise result

    async def _rescue_for_ever(self) -> None:
        while True:
            await self.rescue()
            await asyncio.sleep(min(_RESCUE_EVERY_S, self._stalled_s))

    async def rescue(self, stalled_s: float | None = None) -> int:
        """Put the jobs of dead workers back; how many there were. Forgets jobs finished a day ago."""
        queue: manager.JobManager = self._app.job_manager
        silent_s = self._stalled_s if stalled_s is None else stalled_s
        stalled = list(await queue.get_stalled_jobs(seconds_since_heartbeat=silent_s))
        for job in stalled:
            task = self._tasks.get(job.task_name)
            if task is not None and job.attempts + 1 < task.attempts:
                await queue.retry_job(job)
                continue
            if task is not None:
                await self._abandon(task, dict(job.task_kwargs))
            await queue.finish_job(job, jobs.Status.FAILED, delete_job=False)
        await queue.delete_old_jobs(nb_hours=_KEEP_FINISHED_H, include_failed=True)
        return len(stalled)

    async def _run(self, task: Task, attempt: int, ids: dict[str, Any]) -> None:
        code, final = None, False
        try:
            await task.work(**ids)
        except Exception as error:  # noqa: BLE001  # its words stay here: only its code goes on
            self._heard(task.name, error)
            code = error.code if isinstance(error, Failure) else type(error).__name__
            final = isinstance(error, Failure) and not isinstance(error, Unavailable)
        if code is None:
            return
        if final or attempt >= task.attempts:
            await self._abandon(task, ids)
            raise JobHopeless(code)
        raise JobFailed(code)

    async def _abandon(self, task: Task, ids: dict[str, Any]) -> None:
        if task.abandoned is None:
            return
        try:
            await task.abandoned(**ids)
        except Exception as error:  # noqa: BLE001  # as above
            self._heard(task.name, error)

    def _heard(self, name: str, error: BaseException) -> None:
        if self._on_error is not None:
            self._on_error(name, error)
