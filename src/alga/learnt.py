"""What was learnt of a server with a key: own user, kind, services, tickets. A cache: losing it costs only look-ups."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alga.files import write_whole

MOST_TICKETS = 500
PUBLISHED, DEPLOYED = "published", "deployed"


def fingerprint(key: str) -> str:
    """16 hex digits of the key's SHA-256: tells keys apart and gives nothing away."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


@dataclass
class Learnt:
    """Kept by server and key. `tickets` maps a work item's id to its number and title, `services` an id to a name."""

    path: Path
    user_id: str | None = None
    user_name: str | None = None
    kind: str | None = None
    last_service: str | None = None
    services: dict[str, str] = field(default_factory=dict)
    tickets: dict[str, list[str]] = field(default_factory=dict)
    _saved: str = ""

    def see(self, row: Mapping[str, Any]) -> None:
        """Learn from an entry as the server sent it: its kind, and a service with its name."""
        self.kind = PUBLISHED if "id" in row else DEPLOYED if "entry_id" in row else self.kind
        service, name = row.get("service_id"), row.get("service_name")
        if isinstance(service, str) and isinstance(name, str):
            self.services[service] = name

    def own(self, user_id: str | None, user_name: str | None) -> None:
        """Learn who the key's user is, from an answer that can only be theirs."""
        if user_id:
            self.user_id, self.user_name = user_id, user_name or self.user_name

    def ticket(self, ticket_id: str, number: str, title: str | None) -> None:
        """Remember a number, so that it can be shown and typed without asking again. The oldest are forgotten."""
        self.tickets.pop(ticket_id, None)
        self.tickets[ticket_id] = [number, title or ""]
        for forgotten in list(self.tickets)[:-MOST_TICKETS]:
            del self.tickets[forgotten]

    def save(self) -> None:
        """Write it down, if there is anything new."""
        text = self._text()
        if text != self._saved:
            write_whole(self.path, text)
            self._saved = text

    def _text(self) -> str:
        return json.dumps({name: getattr(self, name) for name in KEPT}, indent=1, ensure_ascii=False)


KEPT = ("user_id", "user_name", "kind", "last_service", "services", "tickets")


def load_learnt(directory: Path, server: str, key: str) -> Learnt:
    """What is known; a file that cannot be read is the same as none."""
    name = hashlib.sha256(f"{server}\n{fingerprint(key)}".encode()).hexdigest()[:16]
    path = directory / f"{name}.json"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        learnt = Learnt(path, **{name: known[name] for name in KEPT if _sound(name, known.get(name))})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        learnt = Learnt(path)
    learnt._saved = learnt._text()
    return learnt


def _sound(name: str, value: object) -> bool:
    return isinstance(value, dict if name in ("services", "tickets") else str)
