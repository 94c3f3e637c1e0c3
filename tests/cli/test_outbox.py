"""Working without a connection: what is saved here, what a person reads about it, and how it gets to the server."""

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from alga.core.errors import InterruptedUnsent
from alga.practice.rules import Refusal
from tests.cli.test_track import ids, lose_posts, offline
from tests.conftest import Strict
from tests.support import MAILBOX, VPN_DROPS, Clock, Desk, Faulty, body_of, joined

OFFLINE_LOG = ["log", "TIC1042", "8:00-8:30", "-m", "x"]


def through(request: httpx.Request) -> None:
    """The network is well."""


def unanswered(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return response


@pytest.fixture
def known(strict: Strict) -> Strict:
    """alga has seen the server: the ticket, the service and the user are known here."""
    strict.desk.ok("log", "TIC1042", "6:00-6:30", "-s", "Basic Support", "-m", "before")
    strict.desk.ok("tickets", "VPN")
    strict.desk.ok("config", "set", "service", "Basic Support")
    strict.desk.tty = False
    return strict


def on_servers_clock(strict: Strict) -> Strict:
    """The server keeps the clock."""
    strict.desk.ok("config", "set", "timer", "server")
    return strict


def rows(desk: Desk) -> list[tuple[str, str, str]]:
    """Start, end and notes of what is on the server today."""
    listed = desk.ok("list", "--today", "--json").json
    return [(row["started_at"][11:16], (row["ended_at"] or "")[11:16], row["notes"]) for row in listed]


# --- the queue ------------------------------------------------------------------------------------


def test_a_log_without_a_connection_waits_and_is_delivered_by_the_next_command(known: Strict) -> None:
    desk = known.desk
    known.network.before = offline
    saved = desk.ok(*OFFLINE_LOG)
    assert joined(saved.out) == f"Saved {MAILBOX}: 30m worked, 30m billable (08:00-08:30)"
    assert saved.err == "Saved here, not sent (no connection). alga sync sends it.\n"
    desk.clock.pass_by(minutes=10)
    shown = re.sub("\x1b\\[[0-9;]*m", "", desk.ok("queue", tty=True).out)
    assert [line.rstrip() for line in shown.splitlines()] == [
        "Waiting on this computer",
        "ID  STATE   WHAT                 SINCE  TRIES  WHY",
        "\u2500" * 80,
        f" 2  queued  TIC1042 08:00-08:30  09:12      0  {known.url[7:]} cannot be reached",
        "                                               (Connection refused).",
        "alga sync sends what waits.",
    ]
    assert desk.ok("status", "--offline").err == "Not on the server yet: TIC1042 08:00-08:30. alga sync sends it.\n"
    known.network.before = through
    assert desk.ok("list").err == "Recorded now: TIC1042 08:00-08:30.\n"
    assert desk.ok("queue").out == "Waiting on this computer\nNothing waits.\n"
    assert "TIC1042 08:00-08:30" in desk.ok("queue", "--sent").out
    assert rows(desk) == [("05:00", "05:30", "before"), ("07:00", "07:30", "x")]


def test_the_queue_asks_no_server(known: Strict) -> None:
    known.network.before = offline
    known.desk.ok(*OFFLINE_LOG)
    known.network.requests.clear()
    for command in (["queue"], ["queue", "show", "2"], ["queue", "--sent"], ["queue", "drop", "2", "--yes"]):
        known.desk.ok(*command)
    assert known.network.requests == []


def test_what_is_refused_later_is_set_aside_and_can_be_mended_or_dropped(known: Strict) -> None:
    desk = known.desk
    known.network.before = offline
    desk.ok("log", "TIC9999", "8:00-8:30", "-m", "x")
    known.network.before = through
    told = desk("sync")
    assert told.code == 8
    assert told.err == "Set aside: TIC9999 08:00-08:30. To see why: alga queue\n"
    shown = desk.ok("queue", "show", "2").out
    assert "There is no ticket TIC9999." in shown
    assert "alga queue retry 2, with the options of alga log to correct it, or alga queue drop 2" in shown
    mended = desk.ok("queue", "retry", "2", "8:10-8:40", "--work-item", "TIC1011", "-m", "y", "-s", "premium")
    assert mended.out.startswith(f"Recorded {VPN_DROPS}: 30m worked, 30m billable, Premium Support (08:10-08:40)  ")
    assert rows(desk)[-1] == ("07:10", "07:40", "y")
    assert desk("queue", "retry", "2").code == 5
    assert desk("queue", "drop", "2", "--yes").code == 5
    assert desk("queue", "show", "99").code == 6
    assert desk.ok("sync").code == 0


def test_still_refused_says_so_and_nothing_can_be_mended_in_an_edit(known: Strict) -> None:
    desk = known.desk
    known.network.before = offline
    desk.ok("log", "TIC9999", "8:00-8:30", "-m", "x")
    known.network.before = through
    desk("sync")
    again = desk("queue", "retry", "2")
    assert (again.code, "There is no ticket TIC9999. It is still set aside." in again.err) == (6, True)
    for wrong, code in (("90m", 2), ("--to=7:00", 5), ("--billable=90", 5), ("--date=x", 2)):
        assert desk("queue", "retry", "2", wrong).code == code


def test_options_before_the_subcommand_are_not_lost_in_silence(known: Strict) -> None:
    assert known.desk("queue", "--json", "show", "1").code == 2


def test_dropping_asks_and_says_what_is_lost(known: Strict) -> None:
    desk = known.desk
    known.network.before = offline
    desk.ok(*OFFLINE_LOG)
    assert desk("queue", "drop", "2").code == 2, "there is no terminal to ask in"
    asked = desk("queue", "drop", "2", typed="n\n", tty=True)
    assert asked.err == "Drop TIC1042 08:00-08:30 (30m)? It will never be sent. [y/N] "
    assert asked.out == "Nothing was dropped.\n"
    assert desk.ok("queue", "drop", "2", "--yes").out == "Dropped TIC1042 08:00-08:30 (30m).\n"
    known.network.before = through
    desk.ok("sync")
    assert len(rows(desk)) == 1


def test_one_bad_item_does_not_block_the_others(known: Strict) -> None:
    desk = known.desk
    known.network.before = offline
    for what in (["TIC9999", "7:00-7:30"], ["TIC1042", "8:00-8:30"], ["TIC1011", "8:30-9:00"]):
        desk.ok("log", *what, "-m", "x")
    known.network.before = through
    told = desk("sync", "--json")
    assert [row["delivery"] for row in told.json] == ["set aside", "delivered", "delivered"]


# --- doubt ----------------------------------------------------------------------------------------


def test_what_the_server_fails_at_waits_rests_and_is_named_once_others_got_through(known: Strict) -> None:
    def failing(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(500, json={"error": {"code": "INTERNAL_ERROR", "message": "An unexpected error"}})

    def post_only(request: httpx.Request) -> None:
        known.network.after = failing if request.method == "POST" else unanswered
        if request.method == "POST":  # which the server did not do
            request.url = request.url.copy_with(path="/api/v1/nowhere")

    known.network.before = post_only
    first = known.desk.ok(*OFFLINE_LOG, "--json")
    assert (first.json["delivery"], "the server failed" in first.err) == ("queued", True)
    known.desk.ok("list")
    known.desk.ok("list")
    assert len(known.network.sent("POST")) == 3, "the one before, the log, and one list: then it rests"
    for _ in range(4):
        assert known.desk("sync").code == 8, "alga sync always tries"
    assert len(known.network.sent("POST")) == 7
    waits = known.desk.ok("queue", "--json").json[0]
    assert (waits["delivery"], waits["in_doubt"], waits["tries"]) == ("queued", True, 6)
    assert waits["reason"] == f"{known.url[7:]} answered 500. It was not there when alga looked."
    assert "fails at the server" not in known.desk.ok("status").err, "it may be the server that is down"
    known.network.before, known.network.after = through, unanswered
    known.desk.clock.pass_by(minutes=5)
    known.desk.ok("log", "TIC1011", "7:00-7:30", "-m", "y")
    named = "TIC1042 08:00-08:30 has been failing on the server since 09:12 (500), not recorded: alga queue show 2"
    for command in (["status"], ["queue"], ["doctor"]):
        told = known.desk(*command, columns=200)
        assert named in joined(f"{told.out} {told.err}"), command
    known.desk.clock.pass_by(hours=6)
    assert "Recorded now: TIC1042 08:00-08:30." in known.desk.ok("list").err


def test_ctrl_c_while_it_is_sent_leaves_it_in_doubt(known: Strict) -> None:
    def pressed(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST":
            raise KeyboardInterrupt
        return response

    known.network.after = pressed
    assert known.desk(*OFFLINE_LOG).code == 130
    assert known.desk.ok("queue", "--json").json[0]["in_doubt"]
    known.network.after = unanswered
    known.desk.ok("sync")
    assert len(rows(known.desk)) == 2


def test_an_entry_that_another_client_made_before_is_not_adopted(known: Strict) -> None:
    desk, phone = known.desk, known.as_role("technician")
    phone.ok(*OFFLINE_LOG, "-s", "Basic Support")
    desk.clock.pass_by(minutes=5)

    def lost(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadTimeout("timed out", request=request)

    def empty(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        listing = request.url.path.endswith("/time-entries") and not known.network.sent("POST")[1:]
        return httpx.Response(200, json={"data": []}) if listing and request.method == "GET" else response

    known.network.before, known.network.after = lost, empty  # the check for overlaps saw nothing yet
    desk.ok("log", "TIC1042", "8:00-8:30", "-m", "x")
    known.network.before, known.network.after = through, unanswered
    assert desk("sync").code == 8
    assert "overlaps TIC1042 08:00-08:30" in desk.ok("queue", "--json").json[0]["reason"]
    assert len(rows(desk)) == 2


def test_what_is_recorded_later_is_compared_too(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "6:00-6:30", "-s", "Basic Support", "-m", "before")
    strict.network.before = offline
    strict.desk.ok("log", "TIC1042", "8:00-9:00", "-m", "as asked")
    strict.network.after = lambda request, response: httpx.Response(
        response.status_code, content=response.content.replace(b"as asked", b"otherwise")
    )
    strict.network.before = through
    said = joined(strict.desk.ok("list").err)
    assert "Recorded now: TIC1042 08:00-09:00. The server stored different notes from those sent." in said


# --- edits and deletions ----------------------------------------------------------------------------


def test_an_edit_whose_request_is_lost_is_sent_again_only_if_nobody_changed_the_entry(known: Strict) -> None:
    desk, phone = known.desk, known.as_role("technician")
    entry_id = desk.ok("list", "--json").json[0]["id"]

    def lost(request: httpx.Request) -> None:
        if request.method == "PUT":
            raise httpx.ReadTimeout("timed out", request=request)

    known.network.before = lost
    for notes in ("first", "second"):
        edited = desk.ok("edit", entry_id, "-m", notes, "--json")
        assert edited.json["delivery"] == "queued"
        known.network.before = through
        if notes == "second":
            phone.ok("edit", entry_id, "-m", "theirs")
        desk("sync")
        known.network.before = lost
    assert desk.ok("list", "--json").json[0]["notes"] == "theirs"
    reason = desk.ok("queue", "--json").json[0]["reason"]
    assert reason == "The entry was changed elsewhere in the meantime, so alga did not change it."


def test_a_deletion_whose_answer_is_lost_is_done_when_the_entry_is_gone(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.transport = strict.network
    entry_id = admin.ok("log", "TIC1042", "8:00-8:30", "-s", "Basic Support", "-m", "x", "--json").json["id"]

    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "DELETE":
            raise httpx.ReadTimeout("timed out", request=request)
        return response

    strict.network.after = lost
    assert admin.ok("delete", entry_id, "--yes", "--json").json[0]["delivery"] == "delivered"
    assert admin("show", entry_id).code == 6


# --- timers on the server's clock --------------------------------------------------------------------


def test_a_start_whose_answer_is_lost_is_recognised_by_the_active_session(known: Strict) -> None:
    desk = on_servers_clock(known).desk
    known.network.after = lose_posts
    started = desk.ok("start", "TIC1011", "-m", "x", "--json").json
    assert (started["clock"], started["delivery"]) == ("server", "delivered")
    known.network.after = unanswered
    desk.clock.pass_by(minutes=20)
    assert desk.ok("stop", "--json").json["duration_minutes"] == 20
    assert len(known.network.sent("POST")) == 3, "log, start, stop"


def test_a_start_that_did_not_arrive_is_kept_here_and_becomes_one_entry(known: Strict) -> None:
    desk = on_servers_clock(known).desk

    def lost(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadTimeout("timed out", request=request)

    known.network.before = lost
    assert desk.ok("start", "TIC1011", "-m", "x", "--json").json["clock"] == "here"
    known.network.before = through
    desk.clock.pass_by(minutes=20)
    stopped = desk.ok("stop", "--json").json
    assert (stopped["duration_minutes"], stopped["time_sheet_id"] is not None) == (20, True)
    starts = [each for each in known.network.requests if each.url.path.endswith("start-tracking")]
    assert len(starts) == 1, "at most once"


def test_a_stop_without_a_connection_waits_with_its_end(known: Strict) -> None:
    desk = on_servers_clock(known).desk
    desk.ok("start", "TIC1011", "-m", "x")
    desk.clock.pass_by(minutes=20)
    known.network.before = offline
    stopped = desk.ok("stop")
    assert joined(stopped.out) == f"Stopped {VPN_DROPS}: 20m worked, 20m billable (09:12-09:32)"
    assert stopped.err == "Saved here, not sent (no connection). alga sync sends it.\n"
    assert desk.ok("start", "TIC1042", "-m", "next", "--json").json["clock"] == "here", "it has ended"
    desk.clock.pass_by(minutes=60)
    assert desk.ok("stop", "--json").json["delivery"] == "queued"
    known.network.before = through
    desk.ok("sync")
    assert rows(desk)[1:] == [("08:12", "08:32", "x"), ("08:32", "09:32", "next")]


def test_a_timer_that_was_stopped_elsewhere_meanwhile_is_shown_and_not_overwritten(known: Strict) -> None:
    desk, phone = on_servers_clock(known).desk, known.as_role("technician")
    desk.ok("start", "TIC1011", "-m", "x")
    desk.clock.pass_by(minutes=20)
    known.network.before = offline
    desk.clock.pass_by(minutes=10)
    phone.ok("stop", "--ago", "10m")
    desk.ok("stop")
    known.network.before = through
    assert desk("sync").code == 8
    assert "It was stopped elsewhere: 09:12-09:32" in desk.ok("queue", "--json").json[0]["reason"]
    assert rows(desk)[1:] == [("08:12", "08:32", "x")]


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("clock", ["server", "local"])
def test_back_dating_with_and_without_a_connection(known: Strict, clock: str, connected: bool) -> None:
    desk = known.desk
    desk.ok("config", "set", "timer", clock)
    known.network.before = through if connected else offline
    assert desk.ok("start", "TIC1011", "-m", "x", "--ago", "12m", "--json").json["started_at"] == "2026-11-23T08:00:00Z"
    desk.clock.pass_by(minutes=30)
    switched = desk.ok("switch", "TIC1042", "-m", "y", "--ago", "10m", "--json").json
    assert switched["started"]["started_at"] == "2026-11-23T08:32:00Z"
    assert desk.ok("stop", "--at", "9:40", "--json").json["started_at"] == "2026-11-23T08:32:00Z"
    known.network.before = through
    desk("sync")
    assert rows(desk)[1:] == [("08:00", "08:32", "x"), ("08:32", "08:40", "y")]


# --- a script's key ---------------------------------------------------------------------------------


@pytest.mark.parametrize("served", [True, False])
def test_the_same_key_is_delivered_once(known: Strict, tmp_path: Path, served: bool) -> None:
    desk = known.desk if served else Desk(tmp_path / "practice", tty=False, env={"ALGA_PROFILE": "local"})
    first = desk.ok("log", "TIC1042", "30m", "-m", "nightly", "--key", "backup-23", "--json").json
    desk.clock.pass_by(minutes=90)
    again = desk.ok("log", "TIC1042", "30m", "-m", "nightly", "--key", "backup-23", "--json").json
    assert again["id"] == first["id"]
    other = desk("log", "TIC1011", "30m", "-m", "x", "--key", "backup-23")
    assert (other.code, "The key 'backup-23' was used for another entry: TIC1042 08:42-09:12." in other.err) == (
        5,
        True,
    )
    assert desk("log", "TIC1042", "30m", "--key", " ").code == 2


def test_a_key_that_waits_is_delivered_by_the_next_run(known: Strict) -> None:
    known.network.before = offline
    assert known.desk.ok(*OFFLINE_LOG, "--key", "k", "--json").json["delivery"] == "queued"
    assert known.desk.ok(*OFFLINE_LOG, "--key", "k", "--json").json["delivery"] == "queued"
    known.network.before = through
    assert known.desk.ok(*OFFLINE_LOG, "--key", "k", "--json").json["delivery"] == "delivered"
    assert len(rows(known.desk)) == 2


# --- the connection ---------------------------------------------------------------------------------


def test_after_a_connection_that_did_not_come_about_others_do_not_wait_for_it(known: Strict) -> None:
    def slow(request: httpx.Request) -> None:
        raise httpx.ConnectTimeout("timed out", request=request)

    known.network.before = slow
    known.desk.ok(*OFFLINE_LOG)
    tried = len(known.network.requests)
    known.desk.ok("log", "TIC1042", "7:00-7:30", "-m", "x")
    assert len(known.network.requests) == tried, "not tried again at once"
    known.desk("sync")
    assert len(known.network.requests) > tried, "sync always tries"
    known.network.before = through
    known.desk.clock.pass_by(seconds=61)
    assert "Recorded now: TIC1042 08:00-08:30, TIC1042 07:00-07:30." in known.desk.ok("status").err


def test_a_clock_that_is_wrong_is_said(known: Strict) -> None:
    wrong = Clock(known.desk.clock.now + timedelta(minutes=7))
    laptop = replace(known.desk, clock=wrong)
    told = laptop.ok("log", "TIC1042", "8:00-8:30", "-m", "x").err
    assert (
        told
        == "This computer's clock is 7m ahead of the server: times taken from it are off by that much. Set the clock.\n"
    )
    assert "7m ahead of the server" in laptop.ok("start", "TIC1011", "-m", "x").err
    assert "clock" not in known.desk.ok("log", "TIC1042", "7:00-7:30", "-m", "x").err


def test_a_lost_answer_is_recognised_on_a_computer_whose_clock_is_wrong(strict: Strict) -> None:
    laptop = replace(strict.desk, clock=Clock(strict.desk.clock.now + timedelta(hours=3)), tty=False)
    strict.network.after = lose_posts
    logged = laptop.ok("log", "TIC1042", "8:00-8:30", "-s", "Basic Support", "-m", "x", "--json").json
    assert logged["delivery"] == "delivered"
    assert len(ids(strict.desk)) == 1


# --- the practice data ------------------------------------------------------------------------------


def test_the_practice_data_is_sent_once(known: Strict) -> None:
    desk = replace(known.desk, transport=None)
    practice = ("--profile", "local")
    desk.ok("log", "TIC1011", "7:00-7:30", "-m", "on the train", *practice)
    desk.ok("log", "tk_9c41", "8:00-8:30", "-m", "elsewhere", *practice)
    asked = desk("sync", "--local", typed="n\n", tty=True)
    assert f"Send 2 entries of the practice data, 1h worked, to {known.url}? [y/N] " in asked.err
    assert asked.out == "Nothing was sent.\n"
    sent = desk("sync", "--local", "--yes", "--json")
    assert [(row["label"], row["delivery"]) for row in sent.json] == [
        ("TIC1011", "delivered"),
        ("tk_9c41", "set aside"),
    ]
    assert rows(desk)[1:] == [("06:00", "06:30", "on the train")]
    number = str(sent.json[1]["id"])
    desk.ok("queue", "retry", number, "--work-item", "TIC1042")
    assert desk.ok("sync", "--local", "--yes", "--json").json == []
    assert len(rows(desk)) == 3
    assert desk("sync", "--local", "--yes", *practice).code == 3


# --- a journal that cannot be written -----------------------------------------------------------------


def full_disk() -> None:
    """No file may grow any more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


@pytest.mark.parametrize("fault", ["a read-only home", "a full disk"])
def test_a_journal_that_cannot_be_written_is_an_error_before_anything_is_sent(known: Strict, fault: str) -> None:
    desk = known.desk
    place = desk.home / "state" / "outbox.db"
    there = len(rows(desk))
    if fault == "a read-only home":
        place.unlink()
        place.mkdir()
    limit = full_disk if fault == "a full disk" else None
    env = {**os.environ, **desk.environment(), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "alga", *OFFLINE_LOG, "--date", "yesterday", "-s", "Basic Support"]
    told = subprocess.run(command, env=env, capture_output=True, text=True, preexec_fn=limit, timeout=30)
    assert (told.returncode, told.stdout) == (3, ""), told
    assert f"{place} cannot be used" in told.stderr
    assert "Nothing was sent." in told.stderr
    fresh = known.as_role("technician")
    assert len(rows(fresh)) == there


def test_a_start_in_doubt_is_said_and_a_stop_works_all_the_same(known: Strict) -> None:
    desk = on_servers_clock(known).desk

    def down(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if known.network.sent("POST")[1:]:
            raise httpx.ReadTimeout("timed out", request=request)
        return response

    known.network.after = down
    started = desk.ok("start", "TIC1011", "-m", "x")
    assert started.err.startswith("No answer: AlgaPSA's timer may be running")
    desk.clock.pass_by(minutes=30)
    assert desk.ok("stop", "--json").json["delivery"] == "queued"
    known.network.after = unanswered
    desk.ok("sync")
    assert rows(desk)[1:] == [("08:12", "08:42", "x")]
    assert not any("start-tracking" in str(each.url) for each in known.network.requests[-3:])


def test_a_body_of_a_stop_is_never_empty(known: Strict) -> None:
    desk = on_servers_clock(known).desk
    desk.ok("start", "TIC1011", "-m", "x")
    desk.clock.pass_by(minutes=30)
    desk.ok("stop")
    stop = next(each for each in known.network.requests if "stop-tracking" in each.url.path)
    assert body_of(stop) == {}


def test_a_refused_stop_on_the_servers_clock_leaves_the_timer_running(
    known: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = on_servers_clock(known).desk
    desk.ok("start", "TIC1011", "-m", "x", "--ago", "5m")
    desk.clock.pass_by(minutes=30)

    def refuse(*given: object, **named: object) -> None:
        raise Refusal(403, "FORBIDDEN", "Permission denied: Cannot update time_entry")

    monkeypatch.setattr("alga.practice.rules.require", refuse)
    told = desk("stop")
    assert (told.code, "The timer is still running." in told.err) == (4, True)
    monkeypatch.undo()
    assert desk.ok("status", "--offline").out.startswith("TIC1011  0:35:00  since 09:07")
    assert desk.ok("stop", "--json").json["duration_minutes"] == 35


def test_ctrl_c_before_its_turn_takes_the_command_back_and_leaves_what_waited(known: Strict) -> None:
    known.network.before = offline
    known.desk.ok(*OFFLINE_LOG)

    def pressed(request: httpx.Request) -> None:
        if request.method == "POST":
            number = len(known.network.sent("POST"))
            raise KeyboardInterrupt if number > tried + 1 else httpx.ReadTimeout("timed out", request=request)

    tried = len(known.network.sent("POST"))
    known.network.before = pressed
    interrupted = known.desk("log", "TIC1042", "7:00-7:30", "-m", "y")
    assert interrupted.code == 130
    assert [row["notes"] for row in known.desk.ok("queue", "--json").json] == ["x"]
    known.network.before = through
    known.desk.ok("sync")
    assert [notes for _, _, notes in rows(known.desk)] == ["before", "x"]


def test_practice_data_says_that_something_waits_for_a_login(known: Strict) -> None:
    known.network.before = offline
    known.desk.ok(*OFFLINE_LOG)
    practice = Desk(known.desk.home, known.desk.clock, tty=False)
    assert "TIC1042 08:00-08:30 waits for another login: alga queue" in practice.ok("status").err
    practice.ok("start", "tk_1")
    other = joined(known.desk.ok("status", "--offline").err)
    assert "tk_1 09:12- runs for another login: alga queue" in other


# --- found by a reader and by a stranger ---------------------------------------------------------------


def refusing_puts(strict: Strict) -> Callable[[], None]:
    """A server on which nothing can be changed, until that is called."""
    inner = strict.network.inner

    class Closed(httpx.BaseTransport):
        """Refuses every PUT."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            """403."""
            told = {"error": {"code": "FORBIDDEN", "message": "Permission denied: Cannot update time_entry"}}
            return httpx.Response(403, json=told) if request.method == "PUT" else inner.handle_request(request)

    strict.network.inner = Closed()

    def opened() -> None:
        strict.network.inner = inner

    return opened


def test_the_correction_of_a_start_bills_what_is_worked(known: Strict) -> None:
    desk = on_servers_clock(known).desk
    opened = refusing_puts(known)
    desk.ok("start", "TIC1011", "-m", "x", "--ago", "1h")
    opened()
    stopped = desk.ok("stop", "--json").json
    assert (stopped["duration_minutes"], stopped["billable_minutes"]) == (60, 60)


def test_a_back_dated_timer_takes_its_time_before_it_is_corrected(known: Strict) -> None:
    desk = on_servers_clock(known).desk
    refusing_puts(known)
    desk.ok("start", "TIC1011", "-m", "x", "--ago", "42m")
    desk.clock.pass_by(minutes=40)
    taken = desk("log", "TIC1042", "8:30-9:00", "-m", "y")
    assert (taken.code, "overlaps the running timer on TIC1011, since 08:30" in taken.err) == (5, True)


def test_a_timer_that_was_stopped_elsewhere_before_its_start_was_corrected_says_how(known: Strict) -> None:
    desk, phone = on_servers_clock(known).desk, known.as_role("technician")
    opened = refusing_puts(known)
    desk.ok("start", "TIC1011", "-m", "x", "--ago", "42m")
    opened()
    desk.clock.pass_by(minutes=40)
    phone.ok("stop")
    told = desk.ok("status").err
    entry = desk.ok("list", "--json").json[1]["id"][:8]
    again = f"alga edit {entry} --from '2026-11-23 08:30'"
    assert f"stopped elsewhere. It ran from 09:12, not 08:30: {again}" in told
    desk.ok(*again.replace("'", "").replace("2026-11-23 08:30", "2026-11-23T08:30").split()[1:])
    assert rows(desk)[1] == ("07:30", "08:52", "x")


def test_a_stop_that_is_set_aside_has_stopped(known: Strict) -> None:
    desk = on_servers_clock(known).desk
    desk.ok("start", "TIC1011", "-m", "x")
    desk.clock.pass_by(minutes=48)
    known.network.before = offline
    assert "Not looked up yet: service 'plumbing'." in desk.ok("stop", "-s", "plumbing").err
    known.network.before = through
    desk.clock.pass_by(minutes=60)
    assert desk.ok("status", "--json").json is None
    assert desk("stop").code == 6
    number = str(desk.ok("queue", "--json").json[0]["id"])
    assert desk("queue", "retry", number, "-s", "basic", "--work-item", "TIC1042").code == 2
    desk.ok("queue", "retry", number, "-s", "basic")
    assert rows(desk)[1] == ("08:12", "09:00", "x")


def test_an_edit_that_waits_finds_its_place_taken(known: Strict) -> None:
    desk, phone = known.desk, known.as_role("technician")
    entry_id = desk.ok("list", "--json").json[0]["id"]

    def lost(request: httpx.Request) -> None:
        if request.method == "PUT":
            raise httpx.ReadTimeout("timed out", request=request)

    known.network.before = lost
    desk.ok("edit", entry_id, "7:00-7:30")
    assert desk("log", "TIC1011", "7:00-7:30", "-m", "y").code == 5, "it takes that place already"
    phone.ok("log", "TIC1011", "7:00-7:30", "-m", "y", "-s", "Basic Support")
    known.network.before = through
    assert desk("sync").code == 8
    assert "overlaps TIC1011 07:00-07:30" in desk.ok("queue", "--json").json[0]["reason"]
    assert rows(desk) == [("05:00", "05:30", "before"), ("06:00", "06:30", "y")]


def test_two_edits_of_one_entry_are_delivered_one_after_the_other(known: Strict) -> None:
    desk = known.desk
    entry_id = desk.ok("list", "--json").json[0]["id"]

    def lost(request: httpx.Request) -> None:
        if request.method == "PUT":
            raise httpx.ReadTimeout("timed out", request=request)

    known.network.before = lost
    desk.ok("edit", entry_id, "-m", "new")
    second = desk.ok("edit", entry_id, "--no-billable")
    assert second.err == "Saved here, not sent: an earlier operation still waits. alga sync sends both.\n"
    known.network.before = through
    desk.ok("sync")
    row = desk.ok("list", "--json").json[0]
    assert (row["notes"], row["billable_minutes"]) == ("new", 0)


def test_work_before_it_is_taken_up_again_as_it_was_typed(known: Strict) -> None:
    desk = known.desk
    known.network.before = offline
    for command in (["start", "TIC1023"], ["switch", "TIC1042"], ["switch", "-"]):
        desk.ok(*command, "-s", "basic")
        desk.clock.pass_by(minutes=20)
    desk.ok("stop")
    assert desk.ok("resume").out.startswith("Started TIC1023")
    known.network.before = through
    desk.ok("sync")
    titles = [row["work_item_title"] for row in desk.ok("list", "--json").json]
    assert titles == ["Mailbox full, cannot send", *(["Patch night follow-up", "Mailbox full, cannot send"] * 2)[:3]]


def test_a_switch_whose_stop_is_set_aside_says_that_the_next_was_started(known: Strict) -> None:
    desk = known.desk
    desk.ok("start", "TIC1042", "-m", "x")
    desk.clock.pass_by(minutes=30)

    def refusing(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        known.network.after = lambda request, response: response
        return httpx.Response(400, json={"error": {"code": "VALIDATION_ERROR", "message": "No such ticket"}})

    known.network.after = refusing
    told = desk("switch", "TIC1011", "-m", "y")
    assert (told.code, "TIC1011 was started at 09:42." in told.err) == (5, True)


def test_a_switch_whose_stop_overlaps_leaves_the_timer_running(known: Strict) -> None:
    desk, phone = known.desk, known.as_role("technician")
    desk.ok("start", "TIC1042", "-m", "x")
    desk.clock.pass_by(minutes=30)
    phone.ok("log", "TIC1023", "9:20-9:30", "-s", "Basic Support", "-m", "o")
    told = desk("switch", "TIC1011", "-m", "y")
    assert (told.code, "The timer is still running." in told.err) == (5, True)
    assert desk.ok("status", "--json").json["notes"] == "x"
    assert desk.ok("queue", "--json").json == []


def test_cancelling_a_start_that_did_not_get_there(known: Strict) -> None:
    desk = on_servers_clock(known).desk

    def unheard(request: httpx.Request) -> None:
        if known.network.sent("POST")[1:]:
            raise httpx.ReadTimeout("timed out", request=request)

    known.network.before = unheard
    desk.ok("start", "TIC1011", "-m", "x")
    known.network.before = through
    assert desk.ok("cancel", "--yes").out.startswith("Discarded TIC1011")
    assert desk.ok("status", "--json").json is None


def test_a_key_whatever_happens(known: Strict) -> None:
    desk = known.desk
    command = ["log", "TIC1042", "8:12-9:12", "-m", "x", "--key", "k"]
    first = desk.ok(*command, "--json").json
    desk.clock.pass_by(minutes=4)
    again = desk.ok(*command)
    assert again.out == f"Logged before: {MAILBOX}: 1h worked, 1h billable (08:12-09:12)  {first['id'][:8]}\n"
    known.network.before = offline
    without = desk.ok(*command, "--json").json
    assert (without["id"], without["delivery"]) == (first["id"], "delivered")


def test_a_key_that_was_mended_still_stands_for_its_script(known: Strict) -> None:
    desk = known.desk
    known.network.before = offline
    command = ["log", "TIC9999", "8:00-8:30", "-m", "x", "--key", "k"]
    desk.ok(*command)
    known.network.before = through
    desk("sync")
    desk("queue", "retry", "2", "--work-item", "TIC8888")
    assert desk.ok("queue", "--json").json[0]["label"] == "TIC9999", "what was refused again is what it was"
    desk.ok("queue", "retry", "2", "--work-item", "TIC1011", "8:10-8:40")
    assert desk.ok(*command, "--json").json["started_at"] == "2026-11-23T07:10:00Z"
    assert len(rows(desk)) == 2


def test_a_new_key_does_not_run_a_script_twice(known: Strict) -> None:
    desk = known.desk
    command = ["log", "TIC1042", "30m", "-m", "x", "--key", "job"]
    known.network.before = offline
    desk.ok(*command)
    known.network.before = through
    with known.app.store.open(writing=True) as db:
        db.execute("UPDATE users SET api_key = ? WHERE role = 'technician'", ("f" * 64,))
    fresh = replace(desk, env={**desk.env, "ALGA_API_KEY": "f" * 64})
    fresh.clock.pass_by(minutes=45)
    fresh.ok("config", "set", "service", "Basic Support")
    fresh.ok(*command)
    fresh.ok("sync")
    assert len(rows(fresh)) == 2


def test_ctrl_c_while_the_server_asks_to_wait_changes_nothing(strict: Strict, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = strict.as_role("admin")
    admin.transport = strict.network
    entry_id = admin.ok("log", "TIC1042", "8:00-8:30", "-s", "Basic Support", "-m", "x", "--json").json["id"]
    inner = strict.network.inner

    class Limited(httpx.BaseTransport):
        """Asks to wait before it deletes."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            """429."""
            limited = httpx.Response(429, headers={"Retry-After": "3"}, json={"error": {"code": "RATE_LIMITED"}})
            return limited if request.method == "DELETE" else inner.handle_request(request)

    def pressed(self: object, seconds: float) -> None:
        raise InterruptedUnsent("Interrupted while waiting for AlgaPSA. Nothing was sent.")

    strict.network.inner = Limited()
    with monkeypatch.context() as patched:
        patched.setattr("alga.api.http.Http._pause", pressed)
        assert admin("delete", entry_id, "--yes").code == 130
    strict.network.inner = inner
    admin.ok("sync")
    assert admin("show", entry_id).code == 0


def test_a_known_defect_of_the_server_is_the_reason_why_it_waits(known: Strict) -> None:
    inner = known.network.inner

    class Defective(httpx.BaseTransport):
        """A wrong column."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            """500."""
            told = "The server is misconfigured for this operation. Please contact support."
            defect = httpx.Response(500, json={"error": {"code": "INTERNAL_CONFIGURATION", "message": told}})
            return defect if request.method == "POST" else inner.handle_request(request)

    known.network.inner = Defective()
    known.desk.ok(*OFFLINE_LOG)
    for _ in range(3):
        known.desk("sync")
    waits = known.desk.ok("queue", "--json").json[0]
    assert (waits["delivery"], "known defect" in waits["reason"]) == ("queued", True)


def test_a_waiting_log_is_not_a_row_that_says_something_else(known: Strict) -> None:
    def down(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadTimeout("timed out", request=request)

    known.network.before = down
    known.desk.ok(*OFFLINE_LOG, "--no-billable")
    row = "start,span,item,notes\n2026-11-23T07:00:00Z,30m,TIC1042,short\n"
    refused = known.desk("bulk", "create", "-", typed=row)
    assert (refused.code, "not sent yet" in refused.err) == (2, True)


def test_dropped_practice_entries_do_not_come_back(known: Strict) -> None:
    desk = replace(known.desk, transport=None)
    desk.ok("log", "tk_9c41", "8:00-8:30", "-m", "x", "--profile", "local")
    number = str(desk("sync", "--local", "--yes", "--json").json[0]["id"])
    desk.ok("queue", "drop", number, "--yes")
    assert desk.ok("sync", "--local", "--yes", "--json").json == []


def test_a_refused_key_says_that_nothing_was_logged(known: Strict) -> None:
    unknown = httpx.Response(401, json={"error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}})
    known.network.after = lambda request, response: unknown
    told = known.desk(*OFFLINE_LOG)
    assert (told.code, "Nothing was logged." in told.err) == (4, True)
    assert known.desk.ok("queue", "--json").json == []


def test_a_lost_log_for_a_user_that_the_server_ignores_is_found_as_ones_own(published: Desk) -> None:
    published.ok("log", "tk_1", "6:00-6:30", "-m", "it shows what kind of server this is")
    network = published.transport
    assert isinstance(network, Faulty)
    network.after = lose_posts
    found = published.ok("log", "tk_1", "8:00-8:30", "-m", "x", "--user", "somebody")
    assert "The user was ignored" in found.err
    assert len(network.sent("POST")) == 2


def test_what_waits_is_moved_whole_or_the_end_is_asked_for(known: Strict) -> None:
    known.network.before = offline
    known.desk.ok(*OFFLINE_LOG)
    number = str(known.desk.ok("queue", "--json").json[0]["id"])
    refused = known.desk("queue", "retry", number, "--from", "yesterday 8:00")
    assert (refused.code, "Until when? The start is not on" in joined(refused.err)) == (2, True)
    known.desk("queue", "retry", number, "yesterday 8:00-8:20")
    waits = known.desk.ok("queue", "--json").json[0]
    assert (waits["started_at"], waits["ended_at"]) == ("2026-11-22T07:00:00Z", "2026-11-22T07:20:00Z")
    known.desk("queue", "retry", number, "--date", "2026-11-20")
    waits = known.desk.ok("queue", "--json").json[0]
    assert (waits["started_at"], waits["ended_at"]) == ("2026-11-20T07:00:00Z", "2026-11-20T07:20:00Z")
