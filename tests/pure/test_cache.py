"""What is remembered of a server for a TAB, and that a damaged file is the same as none."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alga.core.entry import Entry
from alga.state.cache import MOST_ENTRIES, MOST_OWN, ServerCache, load_cache

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


def test_the_latest_entries_are_kept_ones_own_apart(tmp_path: Path) -> None:
    cache = seen(
        load_cache(tmp_path, "server", "k"), *(entry(f"e{n}", started_at=NINE - timedelta(days=n)) for n in range(999))
    )
    cache.save()
    again = load_cache(tmp_path, "server", "k")
    assert [each.id for each in again.recorded(mine=True)] == [f"e{n}" for n in range(MOST_OWN)], (
        "nobody knows who one is"
    )
    again.own("me", "Me")
    seen(again, *(entry(f"o{n}", user_id="other", started_at=NINE + timedelta(days=n)) for n in range(999)))
    again.save()
    assert len(again.recorded(mine=True)) == MOST_OWN
    assert len(again.recorded(mine=False)) == MOST_OWN + MOST_ENTRIES
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


def test_a_day_whose_entries_are_forgotten_is_not_whole_any_more(tmp_path: Path) -> None:
    cache = load_cache(tmp_path, "server", "k")
    cache.own("me", "Me")
    day = NINE.date()
    cache.saw_days([day - timedelta(days=n) for n in range(400)], set(), UTC, NINE)
    seen(cache, *(entry(f"e{n}", user_id="me", started_at=NINE - timedelta(days=n)) for n in range(MOST_OWN + 10)))
    cache.save()
    oldest = day - timedelta(days=MOST_OWN - 1)  # of which an entry is kept
    assert str(oldest + timedelta(days=1)) in cache.whole
    assert str(oldest - timedelta(days=1)) not in cache.whole


def test_what_a_whole_day_does_not_show_is_not_there_any_more(tmp_path: Path) -> None:
    cache = load_cache(tmp_path, "server", "k")
    cache.own("me", "Me")
    seen(cache, entry("a", user_id="me"), entry("b", user_id="me"), entry("c", user_id="other"))
    cache.saw_days([NINE.date()], {"b"}, UTC, NINE)
    assert [each.id for each in cache.recorded(mine=False)] == ["b", "c"]
