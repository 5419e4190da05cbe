"""What the simulated portal's own people decide on: creations and removals that are pending.

A record that waits for them has a time `until` in it; it is approved when that has come, or by
`POST /_control/release` before; `{"reject": true}` there rejects it.
"""

import time
from typing import Any, Final

from simulators.program import Record, Store

APPROVED: Final = {"application": "APPROVED", "subscription": "UNBLOCKED", "key": "APPROVED"}


class Approvals:
    """Decides what is pending, when it is time or when told to."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def settle(self) -> None:
        """Approve everything whose time has come."""
        now = time.time()
        for kind, record_id, record in self._waiting():
            if record["until"] <= now:
                self._decide(kind, record_id, record, rejected=False)

    def release(self, asked: dict[str, Any]) -> dict[str, int]:
        """Decide everything now, and let reports that are kept back be ready."""
        waiting = self._waiting()
        for kind, record_id, record in waiting:
            self._decide(kind, record_id, record, rejected=bool(asked.get("reject")))
        for record_id, record in self._store.all("delivery").items():
            self._store.put("delivery", record_id, {**record, "ready_at": 0})
        return {"released": len(waiting)}

    def _waiting(self) -> list[tuple[str, str, Record]]:
        return [
            (kind, record_id, record)
            for kind in APPROVED
            for record_id, record in self._store.all(kind).items()
            if record.get("until") is not None
        ]

    def _decide(self, kind: str, record_id: str, record: Record, *, rejected: bool) -> None:
        removal = record["status"] == "DELETE_PENDING"
        if removal and not rejected:
            self.remove(kind, record_id)
        else:
            status = "REJECTED" if rejected and not removal else APPROVED[kind]
            self._store.put(kind, record_id, {**record, "status": status, "until": None})

    def remove(self, kind: str, record_id: str) -> None:
        """Remove a record, an application with everything in it."""
        self._store.delete(kind, record_id)
        if kind == "application":
            for part in ("subscription", "key"):
                for each, record in self._store.all(part).items():
                    if record["applicationId"] == record_id:
                        self._store.delete(part, each)
