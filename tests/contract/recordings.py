"""The recorded exchanges with the deployed server (see deployed-server.md), by name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """A request to the deployed server and its answer. Keys are masked: `<key:admin>`."""

    name: str
    method: str
    path: str
    query: str
    key: str
    sent: Any
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def operation(self) -> str:
        """The path below /api/v1, without a slash at its end."""
        return self.path.removeprefix("/api/v1").removesuffix("/")


def load() -> list[Exchange]:
    """All of them, in the order in which they happened."""
    lines = (Path(__file__).parent / "exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    return [_exchange(json.loads(line)) for line in lines]


def _exchange(line: dict[str, Any]) -> Exchange:
    sent, answer = line["request"], line["response"]
    key = sent["headers"].get("x-api-key", "").strip("<>").removeprefix("key:")
    return Exchange(
        line["name"], sent["method"], sent["path"], sent["query"] or "", key, sent["body"],
        answer["status"], answer["body"], answer["headers"],
    )  # fmt: skip


ALL = load()
BY_NAME = {exchange.name: exchange for exchange in ALL}
