"""The embedded server under several requests at once: nothing lost, nothing doubled."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from alga.practice.app import App
from tests.support import Clock, serving

BODY = {"work_item_type": "ticket", "work_item_id": "tk_1", "notes": "x"}


def entry(slot: int) -> dict[str, str]:
    """Half an hour of a day of its own."""
    day = f"2026-0{1 + slot // 28}-{1 + slot % 28:02}"
    return {**BODY, "start_time": f"{day}T09:00:00Z", "end_time": f"{day}T09:30:00Z"}


def all_at_once(tmp_path: Path, bodies: list[dict[str, str]], path: str = "/time-entries") -> tuple[Counter[int], int]:
    """The statuses of the answers, and how many entries there are then."""
    app = App(tmp_path / "local.db", Clock())
    headers = {"X-API-Key": app.key_of("local")}
    with serving(app) as url, httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60) as client:
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda body: client.post(path, json=body).status_code, bodies))
        total: int = client.get("/time-entries").json()["pagination"]["total"]
    return Counter(answers), total


def test_many_creates_at_once_are_all_kept(tmp_path: Path) -> None:
    assert all_at_once(tmp_path, [entry(slot) for slot in range(80)]) == ({201: 80}, 80)


def test_of_many_creates_of_the_same_interval_one_is_kept(tmp_path: Path) -> None:
    assert all_at_once(tmp_path, [entry(0)] * 30) == ({201: 1, 409: 29}, 1)


def test_of_many_starts_one_runs(tmp_path: Path) -> None:
    assert all_at_once(tmp_path, [BODY] * 30, "/time-entries/start-tracking") == ({201: 1, 409: 29}, 1)
