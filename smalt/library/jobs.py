"""The jobs of documents. A job carries ids; it opens its tenant by the system's own visit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from smalt.kernel.ids import DocumentId, TenantId
from smalt.library.ingest import give_up, read_document
from smalt.library.upload import READ_TASK
from smalt.store.queue import Worker
from smalt.tenancy.gateway import Gateway
from smalt.tenancy.visit import Visit

DocumentWork = Callable[[Visit, DocumentId], Awaitable[None]]


def register(worker: Worker, gateway: Gateway) -> None:
    """Teach ``worker`` to read documents."""
    add_document_task(worker, gateway, READ_TASK, read_document)


def add_document_task(worker: Worker, gateway: Gateway, task: str, work: DocumentWork) -> None:
    """``work`` on one document. When its last attempt failed the document ends as failed."""

    def with_ids(act: DocumentWork) -> Callable[..., Awaitable[None]]:
        async def run(*, tenant: str, document: str, cause: str) -> None:  # noqa: ARG001  # kept in the queue's record
            await act(gateway.system(TenantId.parse(tenant)), DocumentId.parse(document))

        return run

    worker.add(task, with_ids(work), abandoned=with_ids(give_up))
