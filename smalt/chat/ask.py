"""The path of a question: gather → compose → answer → verify → settle.

Two transactions, and none open while an engine works. A crash after gathering leaves the turn "working" and its audit
entry "begun": the janitor closes both as abandoned. The question is stored before anything is answered, so nothing that
was acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from smalt.chat import events, thread, turn
from smalt.chat.engines import Engine
from smalt.chat.prompt import HISTORY_TURNS, Context, compose
from smalt.chat.running import Run, Running
from smalt.chat.thread import QUERIES
from smalt.chat.verify import verified
from smalt.engine.answer import Answer, Exchange
from smalt.kernel.clock import Clock
from smalt.kernel.errors import Failure, Malformed
from smalt.kernel.ids import DocumentId, PersonId, ThreadId, TurnId
from smalt.library import document, metering
from smalt.search.ingest import index_document, left_out, open_documents, reopen_documents
from smalt.search.shelf import Shelf
from smalt.telemetry.events import Milliseconds, Slug, emit
from smalt.telemetry.log import report
from smalt.tenancy.actor import SYSTEM
from smalt.tenancy.policy import Act
from smalt.tenancy.scope import TenantScope
from smalt.tenancy.visit import Visit
from smalt.web import idempotency
from smalt.web.problems import told


@dataclass(frozen=True, slots=True)
class Asker:
    """Everything a turn needs besides the visit that asks."""

    engine: Engine
    shelf: Shelf
    running: Running
    clock: Clock
    indexing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(
        self,
        visit: Visit,
        person: PersonId,
        into: ThreadId,
        question: str,
        asked_of: Sequence[DocumentId],
        key: str | None = None,
    ) -> Run | TurnId:
        """Begin the turn; the run can be followed, and goes on when nobody follows.

        A repeat with the same idempotency ``key`` begins nothing and names the first one's turn.
        """
        self.running.require_room()
        started = time.monotonic()
        context = await self._gather(visit, person, into, turn.question_of(question), asked_of, key)
        if isinstance(context, TurnId):
            return context
        run = Run(visit.tenant, context.turn)
        run.say("turn", {"id": str(context.turn), "conversation_id": str(into)})
        self.running.start(run, self._work(visit, person, context, run, started))
        return run

    async def _gather(
        self,
        visit: Visit,
        person: PersonId,
        into: ThreadId,
        question: str,
        asked_of: Sequence[DocumentId],
        key: str | None,
    ) -> Context | TurnId:
        async with visit.enter(Act.TURN_ASK, into, leave_open=True) as scope:
            found = await thread.get(scope, person, into)
            asked = " ".join([str(into), *map(str, asked_of), question])
            repeat = await idempotency.claim(scope, key, "turn.ask", asked, self.clock)
            if repeat is not None:
                again, entry = TurnId.parse(json.loads(repeat.body)["id"]), scope.entry
            else:
                return await self._begin(scope, found, person, question, asked_of, key)
        async with visit.enter(Act.TURN_ASK, again, finishes=entry):
            return again

    async def _begin(
        self,
        scope: TenantScope,
        found: thread.Thread,
        person: PersonId,
        question: str,
        asked_of: Sequence[DocumentId],
        key: str | None,
    ) -> Context:
        documents = await _documents(scope, asked_of)
        history = await _history(scope, found.id)
        opened = await open_documents(self.shelf, scope, documents)
        now = self.clock.now()
        identity = await turn.add(scope, found.id, person, question, asked_of, now)
        # Only the turn's id is remembered under the key: deleting the conversation leaves no copy of its content.
        await idempotency.keep(scope, key, 201, {"id": str(identity)})
        if found.title == thread.UNTITLED and not history:
            await thread.rename(scope, person, found.id, thread.title_from_question(question), now)
        return Context(found.id, identity, scope.entry, question, documents, opened, history)

    async def _work(self, visit: Visit, person: PersonId, context: Context, run: Run, started: float) -> None:
        first_token_ms: int | None = None
        answer: Answer | None = None
        state = turn.State.FAILED
        problem: Failure | None = None
        try:
            context = await self._completed(visit, context)
            async for piece in self.engine.reply(compose(context)):
                if isinstance(piece, Answer):
                    answer = verified(piece)
                    state = turn.State.DECLINED if answer.declined else turn.State.ANSWERED
                    continue
                first_token_ms = first_token_ms if first_token_ms is not None else _elapsed_ms(started)
                run.say("delta", {"text": piece})
        except asyncio.CancelledError:
            # The task ends as cancelled only in the record: settling must still happen.
            answer, state = None, turn.State.CANCELLED
        except Failure as failure:
            problem = failure
        except Exception as fault:  # noqa: BLE001  # whatever an engine throws ends as a failed turn, never a lost one
            report(fault, Slug("chat.engine"))
        outcome = _Outcome(answer, state, first_token_ms, _elapsed_ms(started))
        await asyncio.shield(self._settle(visit, person, context, run, outcome, problem))

    async def _completed(self, visit: Visit, context: Context) -> Context:
        """``context`` with every document that is wanted: what another version of the product indexed is indexed anew.

        After an upgrade the first question does it, as part of its turn and outside any transaction.
        """
        if len(context.documents) == len(context.wanted):
            return context
        system = Visit(visit.tenant, SYSTEM, visit.gateway)
        async with self.indexing:  # whoever waited here finds it done
            async with visit.enter(Act.TURN_ASK, context.thread, within=context.entry) as scope:
                opened = await open_documents(self.shelf, scope, context.wanted)
            for each in left_out(context.wanted, opened):
                await index_document(system, each.id)
            async with visit.enter(Act.TURN_ASK, context.thread, within=context.entry) as scope:
                opened = await reopen_documents(self.shelf, scope, context.wanted)
        return replace(context, documents=opened)

    async def _settle(
        self,
        visit: Visit,
        person: PersonId,
        context: Context,
        run: Run,
        outcome: _Outcome,
        problem: Failure | None,
    ) -> None:
        try:
            async with visit.enter(Act.TURN_SETTLE, context.turn, finishes=context.entry) as scope:
                await self._store(scope, context, outcome)
                settled = await turn.get(scope, person, context.thread, context.turn)
        except Failure as failure:
            run.say("problem", told(failure))
            return
        self._tell(context, settled, outcome)
        if problem is not None:
            run.say("problem", told(problem))
        run.say("answer", turn.view(settled))

    @staticmethod
    def _tell(context: Context, settled: turn.Turn, outcome: _Outcome) -> None:
        answer = outcome.answer
        emit(
            events.TurnSettled(
                turn=context.turn,
                state=settled.state,
                engine=turn.Engine.LOCAL,
                input_chars=len(context.question),
                output_chars=0 if answer is None else len(answer.text),
                figures=0 if answer is None else answer.figures,
                traced=0 if answer is None else answer.traced,
                elapsed=Milliseconds(outcome.total_ms),
            )
        )

    async def _store(self, scope: TenantScope, context: Context, outcome: _Outcome) -> None:
        answer = outcome.answer
        sealed = None
        if answer is not None:
            settled = turn.Settled(context.question, answer)
            sealed = scope.seal(msgspec.msgpack.encode(settled), turn.place(context.turn, "answer"))
        now = self.clock.now()
        stored = await scope.execute(
            QUERIES.settle_turn,
            {
                "id": context.turn.uuid,
                "answer": sealed,
                "state": int(outcome.state),
                "working": int(turn.State.WORKING),
                "output_chars": 0 if answer is None else len(answer.text),
                "first_token_ms": outcome.first_token_ms,
                "total_ms": outcome.total_ms,
                "at": now,
            },
        )
        if not stored:  # cancelled or deleted meanwhile: nothing is kept, and nothing is counted
            return
        await metering.add(
            scope,
            metering.Entry(
                kind=metering.Use.ANSWER,
                at=now,
                turn=context.turn,
                engine=int(turn.Engine.LOCAL),
                outcome=int(outcome.state),
                input_chars=len(context.question),
                output_chars=0 if answer is None else len(answer.text),
                figures=0 if answer is None else answer.figures,
                traced=0 if answer is None else answer.traced,
                elapsed_ms=outcome.total_ms,
            ),
        )


@dataclass(frozen=True, slots=True)
class _Outcome:
    answer: Answer | None
    state: turn.State
    first_token_ms: int | None
    total_ms: int


def _elapsed_ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


async def _documents(scope: TenantScope, asked_of: Sequence[DocumentId]) -> list[document.Document]:
    """The documents asked of: those named, each of which must be ready, or else all that are."""
    if len(asked_of) > document.WORKSPACE_DOCUMENTS_MAX:
        raise Malformed(
            "question.too_many_documents",
            "The question names too many documents.",
            kept="Nothing was stored.",
            todo="Name fewer documents, or none to ask about all.",
            facts={"max": document.WORKSPACE_DOCUMENTS_MAX},
        )
    if asked_of:
        return [await document.require_ready(scope, each) for each in dict.fromkeys(asked_of)]
    return await document.all_ready(scope)


async def _history(scope: TenantScope, into: ThreadId) -> list[Exchange]:
    """The last exchanges of the conversation, oldest first."""
    turns = await turn.page(scope, into, HISTORY_TURNS)
    return [Exchange(each.question, each.answer) for each in reversed(turns) if each.answer is not None]
