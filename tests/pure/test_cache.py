"""What is remembered of a server for a TAB, and that a damaged file is the same as none."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alga.core.entry import Entry
from alga.state.cache import MOST_ENTRIES, ServerCache, load_cache

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def entry(entry_id: str, **other: Any) -> Entry:
    """An hour of one's own, unless a test says otherwise."""
    own = Entry(entry_id, NINE, NINE + timedelta(hours=1), "ticket", "tk_1", user_id="me", billable_minutes=60)
    return own._replace(**other)


def seen(cache: ServerCache, *entries: Entry) -> ServerCache:
    for entry in entries:
        cache.see({"id": entry.id}, entry)
    return cache


def test_the_latest_first_and_ones_own_alone_where_that_is_known(tmp_path: Path) -> None:
    early, late, others = entry("a", started_at=NINE - timedelta(days=1)), entry("b"), entry("c", user_id="other")
    cache = seen(load_cache(tmp_path, "server", "k"), early, late, others, entry("runs", ended_at=None))
    assert {each.id for each in cache.recorded(mine=True)} == {"a", "b", "c"}, "nobody knows who one is"
    cache.own("me", "Me")
    assert [each.id for each in cache.recorded(mine=True)] == ["b", "a"]
    assert len(cache.recorded(mine=False)) == 3
    cache.forget("b")
    assert [each.id for each in cache.recorded(mine=True)] == ["a"]


def test_the_latest_hundred_are_kept(tmp_path: Path) -> None:
    cache = seen(
        load_cache(tmp_path, "server", "k"), *(entry(f"e{n}", started_at=NINE - timedelta(days=n)) for n in range(999))
    )
    cache.save()
    again = load_cache(tmp_path, "server", "k")
    assert [each.id for each in again.recorded(mine=True)] == [f"e{n}" for n in range(MOST_ENTRIES)]
    assert load_cache(tmp_path, "server", "another key").recorded(mine=False) == []


def test_nothing_new_is_not_written_again(tmp_path: Path) -> None:
    cache = seen(load_cache(tmp_path, "server", "k"), entry("a"))
    cache.save()
    before = cache.path.stat().st_mtime_ns
    again = seen(load_cache(tmp_path, "server", "k"), entry("a"))
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
    seen(again, entry("a")).save()
