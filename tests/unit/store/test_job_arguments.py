from __future__ import annotations

import pytest

from smalt.kernel.ids import DocumentId, TenantId
from smalt.store.queue import Worker, _carried


def test_ids_and_whole_numbers_are_carried() -> None:
    document = DocumentId.new()
    assert _carried(document) == str(document)
    assert _carried(str(TenantId(document.uuid))).startswith("ten_")
    assert _carried(7) == 7


@pytest.mark.parametrize(
    "value", ["", "Umsatz", "doc_", b"x", 1.5, None, True, -1, [], "DOC_00000000-0000-0000-0000-000000000000"]
)
def test_nothing_else_is(value: object) -> None:
    with pytest.raises(TypeError):
        _carried(value)  # type: ignore[arg-type]


def test_a_task_has_one_meaning() -> None:
    async def work() -> None: ...

    worker = Worker("host=/nowhere")
    worker.add("read", work)
    with pytest.raises(ValueError, match="already"):
        worker.add("read", work)
