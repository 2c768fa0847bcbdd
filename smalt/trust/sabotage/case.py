"""A case: one control broken, and the check that must turn red.

    @case("web.hsts", "the header is dropped")
    def _() -> Break:
        return Break(preamble="import smalt.web.headers as h; h.SECURITY_HEADERS = h.SECURITY_HEADERS[2:]")

No product code knows of a case. What breaks is Python that runs in the throw-away server's process before the product
does, SQL of the database's administrator, or an act upon the files and processes of the throw-away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smalt.trust.sabotage.throwaway import Throwaway

_OURS = frozenset({"SMALT_DATA_DIR", "SMALT_DATABASE_URL", "SMALT_DATABASE_ADMIN_URL", "SMALT_PORT"})


@dataclass(frozen=True)
class Break:
    """``preamble`` runs in the server's process before the product starts; ``sql`` as the database's administrator and
    ``act`` in the checker's process, both once the server is ready. ``environment`` is added to the server's.

    ``Break(...)`` with none of them breaks nothing.
    """

    preamble: str = ""
    sql: str = ""
    act: Callable[[Throwaway], None] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A break chooses neither where it works nor on which database: that is always the throw-away's own."""
        if _OURS & set(self.environment):
            raise TypeError("a break must not say on which data it works")


Make = Callable[[], Break]


@dataclass(frozen=True)
class Case:
    """``check`` must end failed under the break, by a probe whose name holds ``sees``; with ``harmless`` it must pass, which
    shows that not every change is taken for a break.
    """

    check: str
    what: str
    make: Make
    harmless: bool = False
    sees: str = ""

    @property
    def name(self) -> str:
        return f"{self.check}: {self.what}"


_ALL: dict[str, Case] = {}


def case(check: str, what: str, *, sees: str = "", harmless: bool = False) -> Callable[[Make], Make]:
    """Register a case; ``what`` says in a few public words what is broken, ``sees`` which probe must see it (any, if empty)."""

    def register(make: Make) -> Make:
        made = Case(check, what, make, harmless, sees)
        if made.name in _ALL:
            raise TypeError(f"{made.name}: there is such a case")
        _ALL[made.name] = made
        return make

    return register


def registered() -> dict[str, Case]:
    """Every case of the modules that were imported, by name. `smalt.trust.sabotage.cases.all_cases` imports them all."""
    return dict(_ALL)
