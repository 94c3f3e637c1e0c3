"""What is remembered of a server for a TAB, and that a damaged file is the same as none."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alga.state.cache import MOST_ENTRIES, ServerCache, load_cache

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """An entry as far as it is remembered."""

    id: str
    started_at: datetime = NINE
    ended_at: datetime | None = NINE + timedelta(hours=1)
    work_item_type: str | None = "ticket"
    work_item_id: str | None = "tk_1"
    work_item_title: str | None = None
    notes: str | None = None
    user_id: str | None = "me"
    billable_minutes: int | None = 60
    service_id: str | None = None


def seen(cache: ServerCache, *entries: Entry) -> ServerCache:
    for entry in entries:
        cache.see({"id": entry.id}, entry)
    return cache


def test_the_latest_first_and_ones_own_alone_where_that_is_known(tmp_path: Path) -> None:
    early, late, others = Entry("a", NINE - timedelta(days=1)), Entry("b"), Entry("c", user_id="other")
    cache = seen(load_cache(tmp_path, "server", "k"), early, late, others, Entry("runs", ended_at=None))
    assert {each.id for each in cache.recorded(mine=True)} == {"a", "b", "c"}, "nobody knows who one is"
    cache.own("me", "Me")
    assert [each.id for each in cache.recorded(mine=True)] == ["b", "a"]
    assert len(cache.recorded(mine=False)) == 3
    cache.forget("b")
    assert [each.id for each in cache.recorded(mine=True)] == ["a"]


def test_the_latest_hundred_are_kept(tmp_path: Path) -> None:
    cache = seen(load_cache(tmp_path, "server", "k"), *(Entry(f"e{n}", NINE - timedelta(days=n)) for n in range(999)))
    cache.save()
    again = load_cache(tmp_path, "server", "k")
    assert [each.id for each in again.recorded(mine=True)] == [f"e{n}" for n in range(MOST_ENTRIES)]
    assert load_cache(tmp_path, "server", "another key").recorded(mine=False) == []


def test_nothing_new_is_not_written_again(tmp_path: Path) -> None:
    cache = seen(load_cache(tmp_path, "server", "k"), Entry("a"))
    cache.save()
    before = cache.path.stat().st_mtime_ns
    again = seen(load_cache(tmp_path, "server", "k"), Entry("a"))
    again.save()
    assert cache.path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "damage",
    [
        {"tickets": {"a": 5}},
        {"tickets": {"a": ["TIC1"]}},
        {"services": {"a": None}},
        {"services": []},
        {"entries": {"a": [1, 2, 3, 4, 5, 6, 7]}},
        {"entries": {"a": [None] * 7}},
        {"entries": {"a": []}},
        {"user_id": 7},
    ],
)
def test_what_makes_no_sense_in_the_file_is_not_known(damage: dict[str, object], tmp_path: Path) -> None:
    cache = load_cache(tmp_path, "server", "k")
    cache.path.parent.mkdir(exist_ok=True)
    cache.path.write_text(json.dumps(damage | {"user_name": "Me"}))
    again = load_cache(tmp_path, "server", "k")
    assert (again.tickets, again.services, again.entries, again.user_id) == ({}, {}, {}, None)
    assert again.user_name == "Me"
    seen(again, Entry("a")).save()
