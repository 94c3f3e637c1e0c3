"""The journal of sessions kept here: each step is on disk when it returns, and there is one clock a key."""

from datetime import timedelta
from pathlib import Path

import pytest

from alga.errors import AlreadyRunning
from alga.outbox.journal import Journal
from tests.support import MONDAY

ITEM = ("ticket", "t1")


def journal(tmp_path: Path, key: str = "k1") -> Journal:
    """As another process would open it."""
    return Journal(tmp_path / "outbox.db", "https://psa.example.test", key)


def test_a_session_from_start_to_recorded(tmp_path: Path) -> None:
    assert journal(tmp_path).running() is None
    assert not (tmp_path / "outbox.db").exists(), "looking makes no file"
    kept = journal(tmp_path).start(ITEM, "TIC1", "s1", "notes", MONDAY)
    assert journal(tmp_path).running() == kept
    stopped = journal(tmp_path).stop(kept, MONDAY + timedelta(minutes=48), "more", "s2", 30)
    assert journal(tmp_path).running() is None
    assert journal(tmp_path).stopped() == [stopped]
    assert (stopped.notes, stopped.service_id, stopped.billable_minutes, stopped.sent) == ("more", "s2", 30, False)
    assert journal(tmp_path).sending(stopped).sent
    assert not journal(tmp_path).not_sent(stopped).sent
    journal(tmp_path).forget(stopped)
    assert journal(tmp_path).stopped() == []


def test_one_clock_runs_for_a_key_and_another_key_has_its_own(tmp_path: Path) -> None:
    kept = journal(tmp_path).start(ITEM, "TIC1", None, None, MONDAY)
    with pytest.raises(AlreadyRunning):
        journal(tmp_path).start(ITEM, "TIC1", None, None, MONDAY)
    journal(tmp_path, "k2").start(ITEM, "TIC1", None, None, MONDAY)
    journal(tmp_path).stop(kept, MONDAY, None, None, None)
    journal(tmp_path).start(ITEM, "TIC1", None, None, MONDAY)
    assert len(journal(tmp_path).stopped()) == 1, "one that waits to be sent does not hold up the next"


def test_a_session_that_another_process_took_care_of_is_not_stopped_again(tmp_path: Path) -> None:
    kept = journal(tmp_path).start(ITEM, "TIC1", None, None, MONDAY)
    journal(tmp_path).forget(kept)
    with pytest.raises(AlreadyRunning, match="Another alga took care of that timer"):
        journal(tmp_path).stop(kept, MONDAY, None, None, None)


def test_a_session_that_another_process_stopped_meanwhile_keeps_that_end(tmp_path: Path) -> None:
    kept = journal(tmp_path).start(ITEM, "TIC1", None, None, MONDAY)
    first = journal(tmp_path).stop(kept, MONDAY + timedelta(minutes=10), None, None, None)
    with pytest.raises(AlreadyRunning):
        journal(tmp_path).stop(kept, MONDAY + timedelta(minutes=60), None, None, None)
    assert journal(tmp_path).stopped() == [first]
