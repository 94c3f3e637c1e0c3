"""The journal: each step is on disk when it returns, and nothing that was not delivered is ever deleted."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alga.core.entry import Entry, EntryRequest
from alga.core.errors import AlreadyRunning, ConfigError, NotFound, Overtaken
from alga.outbox import transitions
from alga.outbox.journal import Journal
from alga.outbox.operation import Kind, Operation, State
from tests.support import MONDAY, Clock

HOUR = EntryRequest("ticket", "t1", MONDAY, MONDAY + timedelta(hours=1), 60, "notes", None, "s1")
SEEN = Entry("e1", MONDAY, MONDAY + timedelta(hours=1), "ticket", notes="n", shows_sheet=True)
LOG = Operation(Kind.CREATE, HOUR, "TIC1", MONDAY)
TIMER = LOG._replace(asked=replace(HOUR, ended_at=None), state=State.RUNNING, timer=True)
OLD = """
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT, server TEXT NOT NULL, fingerprint TEXT NOT NULL, user_id TEXT,
    work_item_type TEXT NOT NULL, work_item_id TEXT NOT NULL, label TEXT NOT NULL, service_id TEXT, notes TEXT,
    started_at TEXT NOT NULL, ended_at TEXT, billable_minutes INTEGER, sent INTEGER NOT NULL DEFAULT 0);
"""


def journal(tmp_path: Path, key: str = "k1", user: str | None = None, clock: Clock | None = None) -> Journal:
    """As another process would open it."""
    return Journal(tmp_path / "outbox.db", "https://psa.example.test", key, clock or Clock(), lambda: user)


def test_looking_makes_no_file(tmp_path: Path) -> None:
    assert journal(tmp_path).queued() == []
    assert not journal(tmp_path).paused()
    assert not (tmp_path / "outbox.db").exists()


@given(
    st.builds(
        Operation,
        st.sampled_from(Kind),
        st.builds(
            EntryRequest,
            st.none() | st.just("ticket"),
            started_at=st.just(MONDAY),
            ended_at=st.just(MONDAY),
            notes=st.none() | st.text("abc\u00e4\u20ac\n", max_size=9),
        ),
        st.text(max_size=5),
        st.just(MONDAY),
        st.sampled_from([State.QUEUED, State.ASIDE]),
        entry_id=st.text("ab", min_size=1, max_size=5),
        before=st.none() | st.just(SEEN),
        stored=st.none() | st.just(SEEN),
        item_typed=st.none() | st.just("1042"),
        service_typed=st.none() | st.just(""),
        feedback=st.none() | st.text(max_size=5),
        timer=st.booleans(),
        sent_at=st.none() | st.just(MONDAY),
        tried_at=st.none() | st.just(MONDAY),
        failing_since=st.none() | st.just(MONDAY),
        missing=st.booleans(),
        ahead=st.none() | st.floats(-1e6, 1e6),
        tries=st.integers(0, 99),
        failures=st.integers(0, 3),
        reason=st.text(max_size=9),
    )
)
def test_what_is_read_is_what_was_written(tmp_path_factory: pytest.TempPathFactory, operation: Operation) -> None:
    place = tmp_path_factory.mktemp("journal")
    added = journal(place).add([operation])[0]
    assert journal(place).get(added.id) == added
    changed = journal(place).put(added._replace(reason="other", tries=added.tries + 1))
    assert journal(place).get(added.id) == changed


def test_first_in_first_out_and_by_state(tmp_path: Path) -> None:
    first, second, third = journal(tmp_path).add([LOG, LOG._replace(label="B"), LOG._replace(label="C")])
    assert journal(tmp_path).queued() == [first, second, third]
    done = journal(tmp_path).put(transitions.done(first, Entry("e1", MONDAY)))
    aside = journal(tmp_path).put(transitions.aside(second, "why"))
    journal(tmp_path).put(transitions.dropped(third))
    assert (journal(tmp_path).queued(), journal(tmp_path).aside()) == ([], [aside])
    assert (journal(tmp_path).delivered(), journal(tmp_path).made()) == ([done], {"e1"})
    with pytest.raises(NotFound):
        journal(tmp_path).get(99)


def test_two_processes_never_change_one_over_each_other(tmp_path: Path) -> None:
    added = journal(tmp_path).add([LOG])[0]
    journal(tmp_path).put(transitions.done(added, Entry("e1", MONDAY)))
    with pytest.raises(Overtaken):
        journal(tmp_path).put(transitions.dropped(added))
    assert journal(tmp_path).get(added.id).state is State.DONE


def test_one_clock_runs_for_a_key_and_another_key_has_its_own(tmp_path: Path) -> None:
    running = journal(tmp_path).add([TIMER])[0]
    with pytest.raises(AlreadyRunning):
        journal(tmp_path).add([LOG, TIMER])
    assert journal(tmp_path).queued() == [], "all or none"
    journal(tmp_path, "k2").add([TIMER])
    stopped = transitions.stopped(running, EntryRequest(), MONDAY + timedelta(minutes=5), MONDAY)
    journal(tmp_path).put(stopped)
    journal(tmp_path).add([TIMER])
    assert len(journal(tmp_path).queued()) == 1, "one that waits to be sent does not hold up the next"


def test_it_is_sent_with_its_key_or_another_of_the_same_user(tmp_path: Path) -> None:
    added = journal(tmp_path, "k1", "me").add([LOG])[0]
    assert journal(tmp_path, "k2", "me").queued() == [added]
    for key, user in (("k2", None), ("k2", "somebody else")):
        assert journal(tmp_path, key, user).queued() == []
        assert journal(tmp_path, key, user).of_others() == [added]
    elsewhere = Journal(tmp_path / "outbox.db", "https://other.example.test", "k1", Clock(), lambda: "me")
    assert (elsewhere.queued(), elsewhere.of_others()) == ([], [added])
    nobody = journal(tmp_path, "k3").add([LOG])[0]
    assert nobody not in journal(tmp_path, "k4").queued(), "two unknown users are not the same one"


def test_receipts_are_kept_four_hundred_days_and_nothing_else_is_deleted(tmp_path: Path) -> None:
    clock = Clock()
    there = journal(tmp_path, clock=clock)
    done, keyed, waits, aside, dropped = there.add([LOG, LOG._replace(key="a"), LOG, LOG, LOG])
    there.save(
        [
            transitions.done(done, Entry("e1", MONDAY)),
            transitions.done(keyed, Entry("e2", MONDAY)),
            transitions.aside(aside, "why"),
            transitions.dropped(dropped),
        ]
    )
    clock.pass_by(days=29)
    there.add([LOG])
    assert len(there.delivered()) == 2
    clock.pass_by(days=400)
    there.add([LOG])
    assert [each.id for each in there.delivered()] == [keyed.id], "a script's key counts for ever"
    assert waits.id in {each.id for each in there.queued()}
    assert [each.id for each in there.aside()] == [aside.id]
    assert there.get(dropped.id).state is State.DROPPED


def test_a_key_is_used_once_until_what_had_it_is_dropped(tmp_path: Path) -> None:
    added = journal(tmp_path).add([LOG._replace(key="a")])[0]
    assert journal(tmp_path).with_key("a") == added
    with pytest.raises(Overtaken):
        journal(tmp_path).add([LOG._replace(key="a")])
    journal(tmp_path).put(transitions.dropped(added))
    assert journal(tmp_path).with_key("a") is None
    journal(tmp_path).add([LOG._replace(key="a")])


def test_it_is_not_tried_for_a_minute_after_a_connection_that_did_not_come_about(tmp_path: Path) -> None:
    clock = Clock()
    there = journal(tmp_path, clock=clock)
    there.pause()
    clock.pass_by(seconds=59)
    assert there.paused()
    clock.pass_by(seconds=2)
    assert not there.paused()
    there.pause()
    clock.pass_by(days=-1)
    assert not there.paused(), "a clock that was set back does not make it wait for a day"
    there.pause()
    there.resume()
    assert not there.paused()


def test_one_sends_at_a_time(tmp_path: Path) -> None:
    with journal(tmp_path).alone(0), pytest.raises(Overtaken), journal(tmp_path, "k2").alone(0):
        pass
    with journal(tmp_path).alone(0):
        pass


def test_every_step_is_on_the_disk_itself(tmp_path: Path) -> None:
    for durable, synchronous in ((True, 2), (False, 1)):
        with Journal(tmp_path / "outbox.db", "local", "k1", Clock(), durable=durable)._reading() as db:
            assert db.execute("PRAGMA synchronous").fetchone()[0] == synchronous, "FULL, but for practice data"
            assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_sessions_of_an_older_alga_become_operations(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as db, db:
        db.executescript(OLD)
        insert = "INSERT INTO session VALUES (?, 'https://psa.example.test', 'k1', 'me', 'ticket', 't1', 'TIC1', 's1'"
        db.execute(f"{insert}, 'x', '2026-11-23T08:00:00Z', '2026-11-23T08:30:00Z', 15, 1)", (1,))
        db.execute(f"{insert}, NULL, '2026-11-23T08:40:00Z', NULL, NULL, 0)", (2,))
        db.execute("PRAGMA user_version = 0")
    waits, running = journal(tmp_path).queued()[0], journal(tmp_path).live()
    assert (waits.kind, waits.in_doubt, waits.timer, waits.label) == (Kind.CREATE, True, True, "TIC1")
    assert waits.asked == EntryRequest(
        "ticket", "t1", MONDAY.replace(minute=0), MONDAY.replace(minute=30), 15, "x", None, "s1"
    )
    assert running and (running.state, running.started_at) == (State.RUNNING, MONDAY.replace(minute=40))
    with closing(sqlite3.connect(tmp_path / "outbox.db")) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'session'").fetchone()[0] == 0


@pytest.mark.parametrize("fault", ["newer", "garbage", "a directory"])
def test_a_file_that_cannot_be_used_is_kept_and_said(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "outbox.db"
    if fault == "newer":
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("PRAGMA user_version = 99")
    elif fault == "garbage":
        path.write_bytes(b"not a database" * 100)
    else:
        path.mkdir()
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigError, match="cannot be used"):
        journal(tmp_path).add([LOG])
    assert before is None or path.read_bytes() == before


def test_an_entry_that_was_only_changed_is_nobodys_making(tmp_path: Path) -> None:
    book = journal(tmp_path)
    done = [
        LOG._replace(entry_id="made"),
        LOG._replace(kind=Kind.EDIT, entry_id="changed"),
        LOG._replace(kind=Kind.EDIT, entry_id="a timer's", timer=True),
        LOG._replace(kind=Kind.STOP, entry_id="stopped", timer=True),
        LOG._replace(kind=Kind.DELETE, entry_id="gone"),
    ]
    for operation in book.add(done):
        book.put(transitions.done(operation, None))
    assert book.made() == {"made", "a timer's", "stopped"}
