"""start, stop, switch, resume, cancel and status: on the server's clock and on the one kept here."""

import shlex
import threading

import httpx
import pytest

from alga.app.environment import Environment
from alga.app.session import Session
from alga.core.errors import Interrupted
from alga.outbox.operation import State
from alga.practice.rules import Refusal
from tests.conftest import Strict
from tests.support import MAILBOX, VPN_DROPS, Desk, body_of, joined


@pytest.fixture
def strict(strict: Strict) -> Strict:
    """The technician has a usual service."""
    strict.desk.ok("config", "set", "service", "Basic Support")
    return strict


def ids(desk: Desk) -> list[str]:
    return desk.ok("list", "-f", "ids").out.split()


# --- back-dating -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("option", "value"), [("--at", "8:30"), ("--ago", "42m"), ("--at", "2026-11-23T07:30Z")])
def test_a_start_can_be_back_dated(desk: Desk, option: str, value: str) -> None:
    assert desk.ok("start", "tk_1", option, value).out == "Started tk_1 at 08:30\n"
    assert desk.ok("status", "--json").json["started_at"] == "2026-11-23T07:30:00Z"


def test_a_start_kept_here_can_be_back_dated(strict: Strict) -> None:
    started = strict.desk.ok("start", "TIC1042", "-s", "basic", "--ago", "42m", "--json").json
    assert started["started_at"] == "2026-11-23T07:30:00Z"


def test_a_start_in_the_future_is_refused(desk: Desk) -> None:
    refused = desk("start", "tk_1", "--at", "17:30")
    assert refused.code == 5
    assert "17:30 on Mon 23 Nov is in the future. Nothing was started." in joined(refused.err)
    assert desk.ok("status", "--json").json is None


def test_a_back_dated_start_may_not_overlap(desk: Desk) -> None:
    desk.ok("log", "tk_1", "8:00-9:00", "-m", "x")
    refused = desk("start", "tk_2", "--at", "8:30")
    assert refused.code == 5
    assert "overlaps tk_1 08:00-09:00" in joined(refused.err)
    assert "Nothing was started." in refused.err


def test_a_server_that_refuses_the_back_dating_is_told_of(strict: Strict, monkeypatch: pytest.MonkeyPatch) -> None:
    strict.desk.ok("config", "set", "timer", "server")

    def no_update(row: object, user_id: str, action: str) -> None:
        raise Refusal(403, "FORBIDDEN", "Permission denied: Cannot update time_entry")

    monkeypatch.setattr("alga.practice.rules.require_own", no_update)
    started = strict.desk.ok("start", "TIC1042", "-s", "basic", "--at", "8:30")
    assert "at 09:12" in started.out
    assert "the timer runs from 09:12, not 08:30" in joined(started.err)
    assert "alga stop corrects it." in joined(started.err)
    strict.desk.clock.pass_by(minutes=48)
    told = strict.desk("stop", columns=200)
    assert told.code == 4
    assert "Recorded from 09:12 to 10:00, and its start is not corrected yet" in told.err
    monkeypatch.undo()
    strict.desk.ok("queue", "retry", "1")
    assert strict.desk.ok("list", "--json").json[0]["started_at"] == "2026-11-23T07:30:00Z"


# --- stop ------------------------------------------------------------------------------------------


def test_a_stop_can_be_back_dated_and_bill_part_or_nothing(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "x")
    desk.clock.pass_by(minutes=60)
    entry = desk.ok("stop", "--at", "9:57", "--billable", "30", "-m", "y", "--json").json
    assert (entry["duration_minutes"], entry["billable_minutes"], entry["notes"]) == (45, 30, "x\ny")
    desk.ok("start", "tk_1")
    desk.clock.pass_by(minutes=60)
    entry = desk.ok("stop", "--ago", "10m", "--no-billable", "--json").json
    assert (entry["duration_minutes"], entry["billable_minutes"]) == (50, 0)


def test_a_stop_on_an_earlier_day_prints_its_date(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "x")
    desk.clock.pass_by(days=1, hours=-2)
    status = desk.ok("status")
    assert "since Mon 23 Nov 09:12" in status.out
    assert "Ended earlier? alga stop --at TIME" in joined(status.err)
    desk.ok("config", "set", "hours", "8:00-16:45")
    assert "Ended earlier? alga stop --at 16:45" in joined(desk.ok("status").err)
    assert "(Mon 23 Nov 09:12-17:30)" in desk.ok("stop", "--at", "17:30").out


def test_a_clock_that_fits_two_days_is_asked_back_with_both_commands(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "x")
    desk.clock.pass_by(days=1, hours=2)
    refused = desk("stop", "--at", "10:30", tty=False)
    assert refused.code == 2
    first, second = "alga stop --at '2026-11-23 10:30'", "alga stop --at '2026-11-24 10:30'"
    assert f"{first}  or  {second}\n" in refused.err
    assert "(Mon 23 Nov 09:12-10:30)" in desk.ok("stop", "--at", "2026-11-23 10:30").out


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("9:00", "9:00 is not between the start, Mon 23 Nov 09:12, and now."),
        ("2026-11-23 9:00", "09:12 to 09:00 ends before it starts."),
        ("2026-11-23 10:30", "09:12-10:30 ends in the future."),
    ],
)
def test_a_stop_outside_the_timer_is_refused_before_sending(desk: Desk, typed: str, told: str) -> None:
    desk.ok("start", "tk_1")
    desk.clock.pass_by(minutes=30)
    refused = desk("stop", "--at", typed)
    assert refused.code == 5
    assert f"{told} The timer is still running." in joined(refused.err)
    assert desk.ok("status", "--json").json is not None


def test_practice_data_records_nothing_of_less_than_a_minute_nor_backwards(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "x")
    desk.clock.pass_by(minutes=-60)
    refused = desk("stop")
    assert (refused.code, joined(refused.err)) == (
        5, "alga: 09:12 to 08:12 ends before it starts. The timer is still running.",
    )  # fmt: skip
    desk.clock.pass_by(minutes=60, seconds=30)
    assert desk.ok("stop").out == "Less than a minute on tk_1: nothing recorded.\n"
    assert desk.ok("list", "--json").json == []
    assert desk.ok("status", "--json").json is None


def test_on_a_servers_own_clock_a_stop_before_the_start_is_refused_and_an_empty_one_is_there(strict: Strict) -> None:
    strict.desk.ok("config", "set", "timer", "server")
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=-5)  # the server's clock, too
    refused = strict.desk("stop")
    assert (refused.code, "ends before it starts" in refused.err) == (5, True)
    strict.desk.clock.pass_by(minutes=5)
    strict.desk.ok("tickets")
    assert joined(strict.desk.ok("stop").out).startswith(f"Stopped {MAILBOX}: 0 minutes recorded (09:12-09:12) ")
    assert strict.desk.ok("list", "--json").json[0]["duration_minutes"] == 0


def test_a_stop_may_lie_fifteen_minutes_ahead(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "x")
    desk.clock.pass_by(minutes=30)
    assert desk.ok("stop", "--at", "9:57", "--json").json["duration_minutes"] == 45


def test_a_stop_that_would_overlap_is_refused_and_the_timer_runs_on(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "x")
    desk.clock.pass_by(minutes=60)
    refused = desk("log", "tk_2", "9:30-9:45", "-m", "y")
    assert "overlaps the running timer on tk_1, since 09:12. Nothing was logged." in joined(refused.err)
    assert refused.code == 5


def test_nothing_to_stop(desk: Desk) -> None:
    refused = desk("stop")
    assert (refused.code, refused.out) == (6, "")
    assert refused.err.startswith("alga: Nothing is running.\nTo record work already done: alga log WORK_ITEM 90m\n")


def test_a_timer_stopped_elsewhere_is_shown(strict: Strict) -> None:
    strict.desk.ok("config", "set", "timer", "server")
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=20)

    def stopped_in_the_web(request: httpx.Request) -> None:
        if "stop-tracking" in request.url.path and not request.headers.get("already"):
            again = httpx.Request("POST", request.url, headers={**request.headers, "already": "1"}, content=b"{}")
            strict.network.inner.handle_request(again).read()

    strict.network.before = stopped_in_the_web
    refused = strict.desk("stop")
    assert refused.code == 6
    assert "That timer was stopped elsewhere: 09:12-09:32" in joined(refused.err)


# --- one timer -------------------------------------------------------------------------------------


def test_a_second_start_asks_to_switch(desk: Desk) -> None:
    desk.ok("start", "tk_9c41", "-m", "x")
    desk.clock.pass_by(minutes=72)
    no = desk("start", "tk_77d0", typed="n\n")
    assert "tk_9c41 is running (1h 12m). Stop it and start tk_77d0? [Y/n]" in no.err
    assert (no.code, desk.ok("status", "--json").json["work_item_id"]) == (5, "tk_9c41")
    yes = desk("start", "tk_77d0", typed="\n")
    assert yes.code == 0
    stopped, started = yes.out.splitlines()
    assert stopped.startswith("Stopped tk_9c41: 1h 12m worked, 1h 12m billable (09:12-10:24)")
    assert started == "Started tk_77d0 at 10:24"


def test_a_second_start_without_a_terminal_names_the_command(desk: Desk) -> None:
    desk.ok("start", "tk_9c41")
    desk.clock.pass_by(minutes=72)
    refused = desk("start", "tk_77d0", tty=False)
    assert refused.code == 5
    assert "alga: tk_9c41 is running (1h 12m). Nothing was started. Try: alga switch tk_77d0\n" in refused.err


@pytest.mark.parametrize("clock", ["server", "local"])
def test_switch_stops_and_starts_at_the_same_minute_and_goes_back(strict: Strict, clock: str) -> None:
    desk = strict.desk
    desk.ok("config", "set", "timer", clock)
    desk.ok("start", "TIC1011", "-s", "basic", "-m", "x")
    desk.clock.pass_by(minutes=30)
    switched = desk.ok("switch", "TIC1042", "--json").json
    assert switched["stopped"]["ended_at"] == switched["started"]["started_at"] == "2026-11-23T08:42:00Z"
    desk.clock.pass_by(minutes=15)
    back = desk.ok("switch", "-", "--at", "9:50", "--json").json
    assert back["stopped"]["ended_at"] == back["started"]["started_at"] == "2026-11-23T08:50:00Z"
    assert back["started"]["work_item_id"] == switched["stopped"]["work_item_id"]


def test_switch_with_nothing_running_starts(desk: Desk) -> None:
    assert desk.ok("switch", "tk_1").out == "Started tk_1 at 09:12\n"


def test_resume_starts_the_last_one_again(desk: Desk) -> None:
    assert desk("resume").code == 6
    desk.ok("log", "tk_2", "8:30-9:00", "-m", "later")
    desk.ok("log", "tk_1", "7:00-7:30", "-m", "earlier")
    assert desk.ok("resume").out == "Started tk_2 at 09:12: later\n"
    assert desk("resume").code == 5


def test_cancel_asks_and_discards(desk: Desk) -> None:
    assert desk("cancel").code == 6
    desk.ok("start", "tk_1")
    desk.clock.pass_by(minutes=72)
    kept = desk("cancel", typed="\n")
    assert "Discard 1h 12m on tk_1? [y/N]" in kept.err
    assert desk.ok("status", "--json").json is not None
    assert desk("cancel", tty=False).code == 2, "without a terminal it names the flag"
    assert "alga cancel --yes" in desk("cancel", tty=False).err
    assert desk("cancel", typed="y\n").out == "Discarded tk_1: 1h 12m since 09:12, nothing recorded.\n"
    assert ids(desk) == []


def test_a_technician_may_not_delete_a_timer_on_the_servers_clock(strict: Strict) -> None:
    strict.desk.ok("config", "set", "timer", "server")
    strict.desk.ok("start", "TIC1042", "-s", "basic")
    refused = strict.desk("cancel", "--yes")
    assert (refused.code, "timeentry:delete" in refused.err) == (4, True)


def test_start_alone_offers_recent_and_assigned_work(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x")
    chosen = strict.desk("start", typed="2\n")
    assert "  1  TIC1042  Mailbox full, cannot send" in chosen.err
    assert chosen.out.startswith("Started TIC1011 (VPN drops every hour) at 09:12")
    assert strict.desk("start", tty=False).code == 2


# --- the clock kept here ---------------------------------------------------------------------------


def test_less_than_a_minute_on_the_clock_kept_here_is_not_posted(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic")
    strict.desk.clock.pass_by(seconds=50)
    assert strict.desk("stop").out == "Less than a minute on TIC1042: nothing recorded.\n"
    strict.desk.ok("start", "TIC1042")
    assert strict.desk.ok("stop", "--json").json["delivery"] == "discarded"
    assert ids(strict.desk) == []


def test_a_timer_kept_here_is_on_disk_before_it_is_said(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    assert strict.network.sent("POST") == []
    status = strict.desk.ok("status", "--offline")
    assert status.out.startswith("TIC1042  0:00:00  since 09:12  x\n")
    another_key = Desk(strict.desk.home, strict.desk.clock, env=strict.as_role("admin").env)
    assert another_key.ok("status", "--offline", "--json").json is None, "it is that key's timer"


def test_with_no_clock_here_status_and_stop_ask_the_server(strict: Strict) -> None:
    phone = strict.as_role("technician")
    phone.ok("config", "set", "timer", "server")
    phone.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=10)
    assert strict.desk.ok("status").out.startswith("Mailbox full, cannot send  0:10:00  since 09:12")
    assert strict.desk("start", "TIC1011", "-s", "basic", tty=False).code == 5, "one timer, wherever it runs"
    assert "10m worked" in strict.desk.ok("stop").out


def offline(request: httpx.Request) -> None:
    raise httpx.ConnectError("[Errno 111] Connection refused", request=request)


def test_a_stop_without_a_connection_is_kept_and_delivered_later(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    desk.clock.pass_by(minutes=48)
    strict.network.before = offline
    kept = desk.ok("stop")
    assert joined(kept.out) == f"Stopped {MAILBOX}: 48m worked, 48m billable (09:12-10:00)"
    assert kept.err == "Saved here, not sent (no connection). alga sync sends it.\n"
    desk.clock.pass_by(minutes=30)
    waits = "Not on the server yet: TIC1042 09:12-10:00. alga sync sends it.\n"
    assert desk.ok("status", "--offline").err == waits
    strict.network.before = lambda request: None
    assert desk.ok("status").err == "Recorded now: TIC1042 09:12-10:00.\n"
    assert len(ids(desk)) == 1
    assert desk("stop").code == 6


def test_work_goes_on_without_a_connection(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    desk.ok("log", "TIC1011", "8:00-8:10", "-m", "x")
    desk.clock.pass_by(minutes=20)
    strict.network.before = offline
    switched = desk.ok("switch", "TIC1011", "-m", "y")
    assert switched.out == (
        f"Stopped {MAILBOX}: 20m worked, 20m billable\n(09:12-09:32)\nStarted {VPN_DROPS} at 09:32: y\n"
    )
    desk.clock.pass_by(minutes=10)
    assert desk.ok("stop", "--json").json["delivery"] == "queued"
    strict.network.before = lambda request: None
    assert desk.ok("sync", "-f", "json").json[0]["delivery"] == "delivered"
    assert [row["duration_minutes"] for row in desk.ok("list", "--json").json] == [10, 20, 10]


@pytest.mark.parametrize("fault", ["answer lost", "request lost", "broken answer", "server error", "interrupted"])
def test_a_stop_of_unknown_outcome_is_looked_for_before_it_is_sent_again(strict: Strict, fault: str) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    desk.clock.pass_by(minutes=48)

    def before(request: httpx.Request) -> None:
        if request.method == "POST" and fault == "request lost":
            raise httpx.ReadTimeout("timed out", request=request)

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method != "POST":
            return response
        if fault == "answer lost":
            raise httpx.RemoteProtocolError("Server disconnected", request=request)
        if fault == "interrupted":
            raise KeyboardInterrupt
        return (
            httpx.Response(502, content=b"<html>")
            if fault == "server error"
            else httpx.Response(201, content=b'{"data"')
        )

    strict.network.before, strict.network.after = before, after
    lost = desk("stop")
    if fault == "interrupted":
        assert lost.code == Interrupted.exit_code
    elif fault == "request lost":
        assert (lost.code, joined(lost.out)) == (0, f"Stopped {MAILBOX}: 48m worked, 48m billable (09:12-10:00)")
        assert "Saved here; it may be on the server already (no answer)." in joined(lost.err)
    else:  # it was found at once
        assert joined(lost.out).startswith(f"Stopped {MAILBOX}: 48m worked, 48m billable (09:12-10:00) ")
    strict.network.before, strict.network.after = lambda request: None, lambda request, response: response
    desk.clock.pass_by(minutes=5)
    desk.ok("sync")
    assert len(ids(desk)) == 1, "not lost and not doubled"


def lose_posts(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """A post arrives, and its answer does not."""
    if request.method == "POST":
        raise httpx.RemoteProtocolError("Server disconnected", request=request)
    return response


def test_a_server_without_an_overlap_rule_gets_the_stop_once_too(
    strict: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alga.practice.rules.overlap", lambda start, end, entries: False)
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=48)
    strict.network.after = lose_posts
    strict.desk.ok("stop")
    strict.network.after = lambda request, response: response
    strict.desk.ok("sync")
    assert len(ids(strict.desk)) == 1


def test_a_first_sending_that_arrives_late_is_seen_in_the_409(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=48)
    on_its_way: list[httpx.Request] = []

    def late(request: httpx.Request) -> None:
        if request.method == "POST" and not on_its_way:
            on_its_way.append(request)
            raise httpx.ReadTimeout("timed out", request=request)
        if request.method == "POST":  # after the look, and before the second sending
            strict.network.inner.handle_request(on_its_way[0]).read()

    strict.network.before = late
    assert strict.desk.ok("stop", "--json").json["delivery"] == "queued"
    assert strict.desk.ok("sync", "--json").json[0]["delivery"] == "delivered"
    assert len(strict.network.sent("POST")) == 2
    assert len(ids(strict.desk)) == 1


@pytest.mark.parametrize("clock", ["server", "local"])
def test_a_stop_over_an_entry_made_elsewhere_is_refused_and_the_timer_runs_on(strict: Strict, clock: str) -> None:
    strict.desk.ok("config", "set", "timer", clock)
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=48)
    on_the_web = body_of(strict.network.sent("POST")[0]) if clock == "server" else {}
    ticket = strict.desk.ok("status", "--json").json["work_item_id"]
    service = on_the_web.get("service_id") or strict.desk.ok("services", "--json").json[0]["id"]
    entry = {"work_item_type": "ticket", "work_item_id": ticket, "service_id": service}
    times = {"start_time": "2026-11-23T08:30:00Z", "end_time": "2026-11-23T08:40:00Z"}
    headers = {"X-API-Key": strict.app.key_of("technician")}
    made = httpx.post(f"{strict.url}/api/v1/time-entries", json=entry | times, headers=headers).json()["data"]
    refused = strict.desk("stop", columns=200)
    assert refused.code == 5
    assert (
        f"09:12-10:00 overlaps TIC1042 09:30-09:40 ({made['entry_id'][:8]}). The timer is still running." in refused.err
    )
    assert strict.desk.ok("status", "--json").json["ended_at"] is None
    assert strict.desk.ok("stop", "--at", "9:30", "--json").json["duration_minutes"] == 18


def test_two_algas_that_send_at_once_make_one_entry(strict: Strict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alga.practice.rules.overlap", lambda start, end, entries: False)  # as it is not atomic there
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    desk.clock.pass_by(minutes=48)
    strict.network.before = offline
    desk.ok("stop")
    delivered: list[int] = []

    def send() -> None:
        session = Session(Environment(desk.clock, desk.zone, env=desk.environment()), syncing=True)
        delivered.append(sum(each.operation.state is State.DONE for each in session.outbox.drain()))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    strict.network.before = lambda request: None
    assert len(ids(desk)) == 1
    assert sorted(delivered) == [0, 0, 0, 0, 0, 1]


def test_a_refused_stop_is_kept_and_can_be_mended(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "99999999-9999-4999-8999-999999999999", "-m", "x")
    desk.clock.pass_by(minutes=48)
    refused = desk("stop")
    assert refused.code == 5
    assert "does not know that service. Your stop at 10:00 is kept" in joined(refused.err)
    assert "alga queue retry 1" in refused.err
    desk.clock.pass_by(minutes=48)
    mended = desk.ok("queue", "retry", "1", "-s", "basic", "-m", "mended", columns=200)
    assert mended.out.startswith(f"Recorded {MAILBOX}: 48m worked, 48m billable (09:12-10:00)  ")
    row = desk.ok("list", "--json").json[0]
    assert (row["duration_minutes"], row["notes"], row["service_name"]) == (48, "mended", "Basic Support")


def test_a_refused_key_keeps_the_stop_and_says_so(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=48)
    strict.network.after = lambda request, response: httpx.Response(
        401, json={"error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}}
    )
    refused = strict.desk("stop", tty=False)
    assert refused.code == 4
    assert refused.err == (
        "alga: AlgaPSA refused the key of profile env. It may be wrong, expired or revoked, or its user inactive; the "
        "server does not say which. Your stop at 10:00 is kept. New key: set ALGA_API_KEY, or alga login\n"
    )


def test_a_waiting_stop_can_be_dropped(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=48)
    strict.network.before = offline
    strict.desk.ok("stop")
    dropped = strict.desk("queue", "drop", "1", typed="y\n")
    assert dropped.err == "Drop TIC1042 09:12-10:00 (48m)? It will never be sent. [y/N] "
    assert dropped.out == "Dropped TIC1042 09:12-10:00 (48m).\n"
    strict.network.before = lambda request: None
    strict.desk.ok("sync")
    assert ids(strict.desk) == []


def test_status_without_a_connection_shows_the_timer_kept_here(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.network.before = offline
    shown = strict.desk.ok("status")
    assert shown.out == "TIC1042  0:00:00  since 09:12  x\nToday    not known\n"
    assert "cannot be reached" in shown.err


def test_a_log_whose_answer_is_lost_is_found_at_once(strict: Strict) -> None:
    strict.desk.ok("services")
    strict.network.after = lose_posts
    found = strict.desk("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x", tty=False)
    assert found.code == 0
    assert joined(found.out).startswith(f"Logged {MAILBOX}: 30m worked, 30m billable (08:00-08:30) ")
    assert found.err == ""
    assert len(strict.network.sent("POST")) == 1, "a write is never repeated unseen"


# --- notes are added to ---------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["practice", "local", "server"])
def test_notes_of_a_stop_are_added_to_those_of_the_start(strict: Strict, clock: str) -> None:
    desk, of = strict.desk, ("-s", "Basic Support")
    if clock == "practice":
        desk.env, desk.transport = {"ALGA_PROFILE": "local"}, None
    else:
        desk.env["ALGA_PROFILE"] = "env"
        desk.ok("config", "set", "timer", clock)

    def stopped(*typed: str) -> tuple[str, str]:
        desk.ok("start", "TIC1042", *of, "-m", "Looked at the logs")
        desk.clock.pass_by(minutes=10)
        shown = desk.ok("stop", *typed)
        return shown.out, desk.ok("list", "--json").json[-1]["notes"]

    out, stored = stopped("-m", "Moved the mailbox")
    assert stored == "Looked at the logs\nMoved the mailbox"
    assert out.splitlines()[-2:] == ["  Looked at the logs", "  Moved the mailbox"], "what was stored is shown"
    assert stopped()[1] == "Looked at the logs"
    assert stopped("-m", "")[1] == "Looked at the logs"
    assert stopped("-m", "Looked at the logs")[1] == "Looked at the logs", "typed again, it is there once"
    assert stopped("-m", "Moved it", "--replace-notes")[1] == "Moved it"
    desk.ok("start", "TIC1042", *of)
    desk.clock.pass_by(minutes=10)
    desk.ok("stop", "-m", "Only now")
    assert desk.ok("list", "--json").json[-1]["notes"] == "Only now"
    desk.ok("start", "TIC1042", *of)
    for empty in ([], ["-m", ""]):
        refused = desk("stop", "--replace-notes", *empty)
        assert (refused.code, "needs the new notes" in refused.err) == (2, True)


def test_what_runs_already_without_a_connection_runs_on(strict: Strict) -> None:
    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("no network")

    strict.network.before = down
    strict.desk.ok("start", "TIC1042", "-s", "Remote", "-m", "x")
    strict.desk.clock.pass_by(minutes=5)
    assert "Nothing was changed." in strict.desk.ok("start", "tic1042", "-s", "remote", "-m", "x").out


def test_the_notes_of_a_switch_are_those_of_the_work_that_begins(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "first")
    desk.clock.pass_by(minutes=10)
    desk.ok("switch", "tk_2", "-m", "second")
    desk.clock.pass_by(minutes=10)
    desk.ok("stop", "-m", "and more")
    assert [row["notes"] for row in desk.ok("list", "--json").json] == ["first", "second\nand more"]


def test_notes_are_added_without_a_connection_too(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "5:00-5:10", "-s", "Basic Support")
    strict.desk.ok("start", "TIC1042", "-s", "Basic Support", "-m", "before")
    strict.desk.clock.pass_by(minutes=10)

    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("no network")

    strict.network.before = down
    shown = strict.desk.ok("stop", "-m", "after")
    assert shown.out.splitlines()[-2:] == ["  before", "  after"]
    strict.network.before = lambda request: None
    strict.desk.clock.pass_by(minutes=2)
    strict.desk.ok("sync")
    assert strict.desk.ok("list", "--json").json[-1]["notes"] == "before\nafter"


# --- what runs already ------------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["practice", "local", "server"])
@pytest.mark.parametrize("verb", ["start", "switch"])
def test_what_runs_already_runs_on(strict: Strict, clock: str, verb: str) -> None:
    desk = strict.as_role("admin")
    desk.env["ALGA_PROFILE"] = "env"
    if clock == "practice":
        desk.env = {"ALGA_PROFILE": "local"}
    else:
        desk.ok("config", "set", "timer", clock)
    desk.ok("start", "TIC1042", "-s", "Basic Support", "-m", "x")
    before = desk.ok("status", "--json").json
    desk.clock.pass_by(minutes=5)
    for tty in (True, False):
        same = desk.ok(verb, "TIC1042", tty=tty)
        assert same.out == "TIC1042 runs already, since 09:12. Nothing was changed.\n"
    desk.ok(verb, "1042", "-m", "x", "-s", "Basic Support", "--at", "9:12")
    changes = (
        (["-m", "it's new"], "Its notes were not changed.", "To add these notes: alga stop -m 'it'\"'\"'s new'\n"),
        (["-s", "Premium Support"], "Its service was not changed.", "When you stop: alga stop -s 'Premium Support'\n"),
        (
            ["--at", "9:00"],
            "Its start was not changed.",
            f"To change the start: alga edit {str(before['id'])[:8]} --from 2026-11-23T09:00\n",
        ),
    )
    for more, told, hint in changes:
        refused = desk(verb, "tic1042", *more, columns=200)
        assert (refused.code, f"TIC1042 runs already, since 09:12. {told}" in refused.err) == (5, True)
        typed = shlex.join(["alga", "start", "tic1042", *more])
        if verb == "switch":  # for somebody who divides the work
            hint = f"To begin it anew: alga stop{' --at 09:00' if '--at' in more else ''}, then {typed}\n"
        elif clock == "local" and "--at" in more:
            hint = f"To change the start: alga cancel -y, then {typed}\n"
        assert hint in refused.err
    after = desk.ok("status", "--json").json
    assert {key: after[key] for key in after if "elapsed" not in key} == {
        k: before[k] for k in before if "elapsed" not in k
    }
    desk.ok("stop")
    assert len(desk.ok("list", "--json").json) == 1


# --- a timer that alga keeps is on one computer ------------------------------------------------------


def test_a_computer_without_the_timer_says_that_it_may_be_on_another(strict: Strict) -> None:
    laptop, server = strict.desk, strict.as_role("technician")
    server.home = strict.desk.home.parent / "jump host"
    kept = "Clock kept here (lap7), and nowhere else"
    assert kept in laptop.ok("start", "TIC1042", "-s", "Basic Support").err
    server.env["ALGA_PROFILE"] = "env"
    told = "No timer on this computer (lap7). A timer that alga keeps is only on the computer where it was started."
    refused = server("stop", columns=200)
    assert (refused.code, refused.err.startswith(f"alga: {told}\n")) == (6, True)
    for offline in ([], ["--offline"]):
        assert server.ok("status", *offline, columns=200).out.startswith(f"{told}\nToday")
    assert server.ok("status", "--json").out == "null\n"
    assert "kept by alga on this computer (lap7) and on no other" in server.ok("whoami", columns=200).out
    laptop.clock.pass_by(minutes=5)
    laptop.ok("stop")
    assert kept not in laptop.ok("start", "TIC1042", "-s", "Basic Support").err, "once is enough"


def test_where_the_server_keeps_the_clock_nothing_runs_anywhere(published: Desk) -> None:
    published.ok("log", "tk_1", "5:00-5:10")
    assert published("stop").err.startswith("alga: Nothing is running.\n")


def test_watch_counts_until_ctrl_c(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ok("start", "tk_1", "-m", "VPN")
    seconds = 0

    def pause(wait: float) -> None:
        nonlocal seconds
        seconds += 1
        desk.clock.pass_by(seconds=wait * 30)
        if seconds == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("tests.support.pause", pause)
    watched = desk.ok("status", "--watch", columns=30)
    shown = watched.out.replace("\x1b[K", "").split("\x1b[2F")
    assert [each.splitlines()[0] for each in shown] == [
        f"tk_1   0:0{n // 60}:{n % 60:02}  since 09:12  V" for n in (0, 30, 60, 90)
    ]
    assert shown[0].splitlines()[1] == "Today  0m worked"
    assert shown[3].splitlines()[1] == "Today  0m + 1m running"
    assert desk("status", "--watch", tty=False).code == 2
    assert desk("status", "--watch", "--json").code == 2
