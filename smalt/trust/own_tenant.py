"""The tenant of the installation's own: what it keeps of its visitors is isolated, sealed and audited like anybody's.

It has no people: nobody signs in to it, only the operator's commands and the public pages enter it, as the system. Which
tenant it is stands in ``trust/house.json``, so that the installation tells it from its customers.
"""

from __future__ import annotations

import json
from pathlib import Path

from smalt.kernel.ids import TenantId
from smalt.ledger.envelope import canonical
from smalt.seal.files import write_durably
from smalt.trust.keeper import TRUST

NAME = "House"
_FILE = "house.json"


def house(data_dir: Path) -> TenantId | None:
    """The house tenant; None before the operator gave out the first document."""
    try:
        return TenantId.parse(json.loads((data_dir / TRUST / _FILE).read_bytes())["tenant"])
    except OSError:
        return None


def settle(data_dir: Path, tenant: TenantId) -> None:
    """Note which tenant the house is. CRASH POINT before: a tenant that was made and not noted stays behind, empty."""
    (data_dir / TRUST).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(data_dir / TRUST / _FILE, canonical({"tenant": str(tenant)}))
