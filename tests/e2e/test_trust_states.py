"""The script that lets states end in the reader's browser, in Chromium and under the page's own policy, against the vectors."""

from __future__ import annotations

from driving import Server, Visitor

from tests.vectors.aging import aging

LOOK = "async ([from, told]) => { const { aged } = await import(from); return told.map(([verdict, now]) => aged(verdict, now)); }"


def test_states_end_as_the_vectors_say(visitor: Visitor, server: Server) -> None:
    page = visitor.window()
    page.goto("/trust")
    source = page.locator("script[src*='trust.js']").get_attribute("src") or ""
    told, expected = aging()
    seen = page.evaluate(LOOK, [source.replace("trust.js", "status.js"), [list(one) for one in told]])
    assert seen == expected
    assert {"stale", "expired", "overdue", "verified"} <= set(seen)
