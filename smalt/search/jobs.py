"""The jobs of search."""

from __future__ import annotations

from smalt.library.ingest import INDEX_TASK
from smalt.library.jobs import add_document_task
from smalt.search.ingest import index_document
from smalt.store.queue import Worker
from smalt.tenancy.gateway import Gateway


def register(worker: Worker, gateway: Gateway) -> None:
    """Teach ``worker`` to index documents."""
    add_document_task(worker, gateway, INDEX_TASK, index_document)
