"""Which job does what. Jobs carry ids; each opens its tenant by the system's own visit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from smalt.kernel.ids import DocumentId, TenantId
from smalt.library.ingest import INDEX_TASK, give_up, read_document
from smalt.library.upload import READ_TASK
from smalt.search.ingest import index_document
from smalt.store.queue import Worker
from smalt.telemetry.events import Slug
from smalt.telemetry.log import report
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.visit import Visit

DocumentWork = Callable[[Visit, DocumentId], Awaitable[None]]


def worker_for(gateway: Gateway, conninfo: str) -> Worker:
    """A worker that knows every task. ``conninfo`` is the worker role's."""
    worker = Worker(conninfo, on_error=lambda task, error: report(error, Slug(f"job.{task}")))

    def of_document(work: DocumentWork) -> Callable[..., Awaitable[None]]:
        async def run(*, tenant: str, document: str, cause: str) -> None:  # noqa: ARG001  # kept in the queue's record
            await work(gateway.system(TenantId.parse(tenant)), DocumentId.parse(document))

        return run

    for task, work in ((READ_TASK, read_document), (INDEX_TASK, index_document)):
        worker.add(task, of_document(work), abandoned=of_document(give_up))
    return worker
