"""What is remembered of a server for a TAB, and that a damaged file is the same as none."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alga.learnt import MOST_ENTRIES, Learnt, load_learnt

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


def seen(learnt: Learnt, *entries: Entry) -> Learnt:
    for entry in entries:
        learnt.see({"id": entry.id}, entry)
    return learnt


def test_the_latest_first_and_ones_own_alone_where_that_is_known(tmp_path: Path) -> None:
    early, late, others = Entry("a", NINE - timedelta(days=1)), Entry("b"), Entry("c", user_id="other")
    learnt = seen(load_learnt(tmp_path, "server", "k"), early, late, others, Entry("runs", ended_at=None))
    assert {each.id for each in learnt.recorded(mine=True)} == {"a", "b", "c"}, "nobody knows who one is"
    learnt.own("me", "Me")
    assert [each.id for each in learnt.recorded(mine=True)] == ["b", "a"]
    assert len(learnt.recorded(mine=False)) == 3
    learnt.forget("b")
    assert [each.id for each in learnt.recorded(mine=True)] == ["a"]


def test_the_latest_hundred_are_kept(tmp_path: Path) -> None:
    learnt = seen(load_learnt(tmp_path, "server", "k"), *(Entry(f"e{n}", NINE - timedelta(days=n)) for n in range(999)))
    learnt.save()
    again = load_learnt(tmp_path, "server", "k")
    assert [each.id for each in again.recorded(mine=True)] == [f"e{n}" for n in range(MOST_ENTRIES)]
    assert load_learnt(tmp_path, "server", "another key").recorded(mine=False) == []


def test_nothing_new_is_not_written_again(tmp_path: Path) -> None:
    learnt = seen(load_learnt(tmp_path, "server", "k"), Entry("a"))
    learnt.save()
    before = learnt.path.stat().st_mtime_ns
    again = seen(load_learnt(tmp_path, "server", "k"), Entry("a"))
    again.save()
    assert learnt.path.stat().st_mtime_ns == before


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
    learnt = load_learnt(tmp_path, "server", "k")
    learnt.path.parent.mkdir(exist_ok=True)
    learnt.path.write_text(json.dumps(damage | {"user_name": "Me"}))
    again = load_learnt(tmp_path, "server", "k")
    assert (again.tickets, again.services, again.entries, again.user_id) == ({}, {}, {}, None)
    assert again.user_name == "Me"
    seen(again, Entry("a")).save()
