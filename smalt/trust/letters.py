"""Letters that wait: what people are to be told, one small file each, without a word of content and without an address.

    letters/<person>.<entry>.json   {"notice": "register.changed", "tenant": "ten_…", "person": "per_…", "entry": 12}

Who delivers takes the file, enters the tenant, opens the person's address there, sends, and removes the file. The name is
made of what it says, so a notice that is put twice is there once. Where nobody delivers yet, it waits; the same is said
in the log of the server, by ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from smalt.kernel.ids import PersonId, TenantId
from smalt.ledger.envelope import canonical
from smalt.seal.files import private_directory, write_durably
from smalt.telemetry.events import Event, emit

FOLDER = "letters"
CHANGED = "register.changed"


class LetterPut(Event):
    """Somebody is to be told of an entry of the public log."""

    tenant: TenantId
    person: PersonId
    entry: int


@dataclass(frozen=True, slots=True)
class Letters:
    """``folder`` is made by who starts the server, or with the first notice."""

    folder: Path

    @classmethod
    def of(cls, data_dir: Path) -> Letters:
        return cls(data_dir / FOLDER)

    def put(self, tenant: TenantId, person: PersonId, entry: int) -> None:
        """Let a notice wait, durably. `Unavailable` when the disk refuses."""
        path = private_directory(self.folder) / f"{person}.{entry}.json"
        if path.exists():
            return
        said = {"notice": CHANGED, "tenant": str(tenant), "person": str(person), "entry": entry}
        write_durably(path, canonical(said))
        emit(LetterPut(tenant=tenant, person=person, entry=entry))
