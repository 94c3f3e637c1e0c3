"""Ways in which a minute was once lost, doubled or given to somebody else."""

import sqlite3
from contextlib import closing

import httpx
import pytest

from tests.cli.test_track import ids, offline
from tests.conftest import Strict
from tests.support import MAILBOX, VPN_DROPS, Desk, Faulty, body_of, joined

DOWN = httpx.Response(502, content=b"<html>bad gateway</html>")
UNKNOWN_KEY = httpx.Response(401, json={"error": {"code": "UNAUTHORIZED", "message": "Invalid API key"}})


@pytest.fixture
def strict(strict: Strict) -> Strict:
    """The technician has a usual service."""
    strict.desk.ok("config", "set", "service", "Basic Support")
    return strict


def through(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    return response


def a_waiting_stop(strict: Strict) -> Desk:
    """09:12-10:00 on TIC1042, stopped without a connection; it is 10:00, and the connection is back."""
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=48)
    strict.network.before = offline
    strict.desk.ok("stop")
    strict.network.before = lambda request: None
    return strict.desk


def refusing_posts(request: httpx.Request) -> None:
    """Only what changes something does not get through."""
    if request.method != "GET":
        offline(request)


def test_a_colleagues_entry_is_never_taken_for_a_lost_one(strict: Strict) -> None:
    desk, colleague = strict.desk, strict.as_role("admin")
    desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    desk.clock.pass_by(minutes=48)

    def lost_on_the_way(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadTimeout("timed out", request=request)

    strict.network.before = lost_on_the_way
    assert desk.ok("stop", "--json").json["delivery"] == "queued"
    strict.network.before = lambda request: None
    colleague.ok("log", "TIC1042", "9:12-10:00", "-s", "basic", "-m", "theirs")
    desk.ok("sync")
    assert [row["user_name"] for row in desk.ok("list", "--json").json] == ["Tin Woodman"]


def test_somebody_elses_ticket_does_not_say_who_i_am(strict: Strict) -> None:
    other = strict.app.user_of("admin")[0]

    def beside_another(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/activities") or "ticket" not in request.url.params["type"]:
            return response
        row = {"type": "ticket", "sourceId": "t", "ticketNumber": "TIC1003", "title": "x", "assignedTo": [other]}
        return httpx.Response(200, json={"data": [row]})

    strict.network.after = beside_another
    assert strict.desk.ok("whoami", "--json").json["user_id"] is None
    strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x")
    assert strict.desk.ok("whoami", "--json").json["user_id"] == strict.app.user_of("technician")[0]


def test_activities_of_two_people_do_not_say_who_i_am(strict: Strict) -> None:
    def of_two(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/activities"):
            return response
        rows = [{"type": "timeEntry", "sourceId": name, "assignedTo": [name]} for name in ("one", "two")]
        return httpx.Response(200, json={"data": rows})

    strict.network.after = of_two
    assert strict.desk.ok("whoami", "--json").json["user_id"] is None


def test_logging_for_somebody_does_not_make_me_them(published: Desk) -> None:
    published.ok("log", "tk_1", "6:00-6:30", "-m", "it shows what kind of server this is")
    network = published.transport
    assert isinstance(network, Faulty)

    def honoured(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method != "POST":
            return response
        return httpx.Response(201, json={"data": response.json()["data"] | {"user_id": "other", "user_name": "Glinda"}})

    network.after = honoured
    published.ok("log", "tk_1", "8:00-8:30", "-m", "x", "--user", "other")
    network.after = through
    assert published.ok("whoami", "--json").json["user_id"] != "other"


def test_time_for_somebody_else_is_never_recorded_as_ones_own(strict: Strict) -> None:
    colleague = strict.app.user_of("admin")[0]
    typed = ("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x", "--user", colleague)
    told = strict.desk(*typed)  # nothing is known of the server yet: alga looks first
    assert (told.code, strict.network.sent("POST")) == (5, [])
    fresh = Desk(strict.desk.home.parent / "laptop", strict.desk.clock, env=strict.desk.env, transport=strict.network)
    strict.network.before = offline
    assert fresh.ok(*typed, "--json").json["delivery"] == "queued"
    strict.network.before = lambda request: None
    assert fresh("sync").code == 8
    aside = fresh.ok("queue", "--json").json
    told_later = "This server records time for the key's own user only: the entry would be on your own time sheet."
    assert [(row["delivery"], row["reason"]) for row in aside] == [("set aside", told_later)]
    assert strict.network.sent("POST") == []


def test_a_part_of_the_minutes_is_refused_or_set_aside_before_it_is_sent(strict: Strict) -> None:
    desk = strict.desk
    entry_id = desk.ok("log", "TIC1042", "6:00-7:00", "-m", "x", "--json").json["id"]
    assert desk("edit", entry_id, "--billable", "15").code == 5
    desk.ok("start", "TIC1011", "-m", "x")
    desk.clock.pass_by(minutes=48)
    told = desk("stop", "--billable", "15", columns=200)
    assert told.code == 5
    assert "15m of 48m cannot be billed. The timer is still running." in told.err
    assert "To bill all: alga stop\nTo bill nothing: alga stop --no-billable\n" in told.err
    fresh = Desk(desk.home.parent / "laptop", desk.clock, env=desk.env, transport=strict.network)
    strict.network.before = offline
    fresh.ok("log", "TIC1042", "8:00-9:00", "-s", "basic", "--billable", "15", "-m", "x")
    strict.network.before = lambda request: None
    assert fresh("sync").code == 8
    assert "15m of 1h cannot be billed." in fresh.ok("queue", "--json").json[0]["reason"]
    assert [row["billable_minutes"] for row in desk.ok("list", "--json").json] == [60]


def test_a_stop_meant_for_another_timer_does_not_stretch_the_waiting_one(strict: Strict) -> None:
    desk = a_waiting_stop(strict)
    phone = strict.as_role("technician")
    phone.ok("config", "set", "timer", "server")
    phone.ok("start", "TIC1011", "-s", "basic", "-m", "web")
    desk.clock.pass_by(minutes=75)
    desk.ok("stop", "-m", "web work", "--ago", "5m")
    rows = [(row["duration_minutes"], row["notes"]) for row in desk.ok("list", "--json").json]
    assert rows == [(48, "x"), (70, "web\nweb work")]


def test_what_may_be_there_is_looked_for_as_it_was_before_it_is_mended(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=48)

    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST" or strict.network.sent("POST"):
            raise httpx.ReadTimeout("timed out", request=request)
        return response

    strict.network.after = lost
    assert strict.desk.ok("stop", "--json").json["delivery"] == "queued"
    assert strict.desk("queue", "retry", "1", "--to", "9:50").code == 7, "nobody can look"
    strict.network.after = through
    told = strict.desk.ok("queue", "retry", "1", "--to", "9:50", columns=200)
    assert told.out.startswith(f"Recorded {MAILBOX}: 48m worked, 48m billable (09:12-10:00)  ")
    assert [row["duration_minutes"] for row in strict.desk.ok("list", "--json").json] == [48]


def test_a_new_key_of_the_same_user_delivers_what_waits(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1011", "8:00-8:30", "-s", "basic", "-m", "it shows who I am")
    desk = a_waiting_stop(strict)
    new_key = "f" * 64
    with closing(sqlite3.connect(strict.app.path)) as db, db:
        db.execute("UPDATE users SET api_key = ? WHERE role = 'technician'", (new_key,))
    again = Desk(desk.home, desk.clock, env={**desk.env, "ALGA_API_KEY": new_key})
    assert "TIC1042 09:12-10:00 waits for another login: alga queue" in joined(again.ok("status", "--offline").err)
    again.ok("list")  # which shows whose key it is
    assert "Recorded now: TIC1042 09:12-10:00." in again.ok("list").err


def test_what_another_user_left_here_is_named_and_not_sent(strict: Strict) -> None:
    desk = a_waiting_stop(strict)
    boss = Desk(desk.home, desk.clock, env=strict.as_role("admin").env)
    assert boss.ok("whoami", "--json").json["user_id"], "it is known that this is somebody else"
    told = boss("stop")
    assert told.code == 6
    assert "TIC1042 09:12-10:00 waits for another login: alga queue" in joined(told.err)
    assert boss.ok("sync").out == "Nothing waits for this login.\n"
    assert "TIC1042 09:12-10:00" in boss.ok("queue").out
    assert boss("queue", "retry", "1").code == 5
    assert boss.ok("list", "--json").json == []


def test_the_clock_kept_here_and_a_waiting_stop_count_as_overlaps(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    desk.clock.pass_by(minutes=60)
    running = desk("log", "TIC1011", "9:30-9:45", "-m", "y", columns=200)
    assert running.code == 5
    assert "09:30-09:45 overlaps the running timer on TIC1042, since 09:12. Nothing was logged." in running.err
    strict.network.before = refusing_posts
    desk.ok("stop")
    waiting = desk("log", "TIC1011", "9:30-9:45", "-m", "y", columns=200)
    assert waiting.code == 5
    assert "overlaps TIC1042 09:12-10:12 (not sent yet). Nothing was logged." in waiting.err


def test_a_list_says_that_the_clock_kept_here_runs(strict: Strict) -> None:
    assert "runs here" not in strict.desk.ok("list").err
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    told = "The timer on TIC1042 has been running here since 09:12: it is listed after the stop."
    assert told in joined(strict.desk.ok("list").err)
    strict.desk.clock.pass_by(minutes=10)
    strict.desk.ok("stop")
    assert "runs here" not in strict.desk.ok("list").err


def test_with_both_clocks_a_plain_stop_ends_ours(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=10)
    phone = strict.as_role("technician")
    phone.ok("config", "set", "timer", "server")
    phone.ok("start", "TIC1011", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=10)
    both = "Another timer is running on AlgaPSA: VPN drops every hour, since 09:22. A second alga stop ends it."
    assert both in joined(strict.desk.ok("status").err)
    assert strict.desk.ok("stop").out.startswith("Stopped TIC1042 (Mailbox full, cannot send): 20m worked")
    refused = strict.desk("stop", columns=300)  # it ran beside ours: the same minutes are not recorded twice
    session = strict.desk.ok("status", "--json").json["id"][:8]
    assert (refused.code, f"start later with alga edit {session} --from TIME" in refused.err) == (5, True)
    strict.desk.clock.pass_by(minutes=5)
    strict.desk.ok("edit", session, "--from", "9:32")
    assert strict.desk.ok("stop").out.startswith(f"Stopped {VPN_DROPS}: 5m worked")


@pytest.mark.parametrize("answer", [DOWN, UNKNOWN_KEY], ids=["502", "401"])
def test_a_failing_server_hides_and_loses_nothing(strict: Strict, answer: httpx.Response) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "Basic Support", "-m", "x")
    desk.clock.pass_by(minutes=48)
    strict.network.after = lambda request, response: httpx.Response(answer.status_code, content=answer.content)
    assert desk.ok("status").out.startswith("TIC1042  0:48:00  since 09:12")
    assert "TIC1042" in desk.ok().out
    stopped = desk("stop", "-s", "premium")
    if answer is DOWN:
        assert (stopped.code, stopped.err) == (0, "Saved here, not sent (the server failed). alga sync sends it.\n")
    else:
        assert (stopped.code, "Your stop at 10:00 is kept." in joined(stopped.err)) == (4, True)
    strict.network.after = through
    desk.clock.pass_by(minutes=30)
    desk.ok("sync")
    rows = [(row["duration_minutes"], row["service_name"]) for row in desk.ok("list", "--json").json]
    assert rows == [(48, "Premium Support")]


def test_a_misspelt_service_keeps_the_end_and_less_than_a_minute_stays_nothing(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    desk.clock.pass_by(minutes=48)
    told = desk("stop", "-s", "plumbing", columns=200)
    assert told.code == 6
    assert "Your stop at 10:00 is kept. To correct it: alga queue retry 1, with the options of alga log." in told.err
    desk.clock.pass_by(minutes=5)
    assert desk.ok("queue", "retry", "1", "-s", "premium", "--json").json["delivery"] == "delivered"
    assert desk.ok("list", "--json").json[0]["duration_minutes"] == 48
    desk.ok("start", "TIC1042", "-m", "x")
    assert desk.ok("stop", "-s", "plumbing").out == "Less than a minute on TIC1042: nothing recorded.\n"
    assert len(ids(desk)) == 1


def test_a_switch_goes_on_when_the_stop_is_kept(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    desk.ok("tickets", "vpn")
    desk.clock.pass_by(minutes=48)
    strict.network.after = lambda request, response: DOWN
    switched = desk("switch", "TIC1011", "-m", "y")
    assert switched.out.splitlines()[-1] == "Started TIC1011 (VPN drops every hour) at 10:00: y"
    assert "Saved here; it may be on the server already (the server failed)." in joined(switched.err)
    strict.network.after = through
    desk.clock.pass_by(minutes=10)
    desk.ok("stop")
    assert sorted(row["duration_minutes"] for row in desk.ok("list", "--json").json) == [10, 48]


def test_ctrl_c_before_the_sending_sends_nothing(strict: Strict) -> None:
    def pressed(request: httpx.Request) -> None:
        if request.url.path.endswith("/tickets"):
            raise KeyboardInterrupt

    strict.network.before = pressed
    interrupted = strict.desk("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x")
    assert interrupted.code == 130
    assert "Nothing was logged." in joined(interrupted.err)
    assert strict.network.sent("POST") == []


def test_ctrl_c_after_the_sending_does_not_say_that_nothing_was_sent(strict: Strict) -> None:
    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("refused", request=request)

    def pressed(request: httpx.Request) -> None:
        if strict.network.sent("POST") and request.method == "GET":
            raise KeyboardInterrupt

    strict.network.before = down
    for ticket, span in (("TIC1042", "7:00-7:30"), ("TIC1011", "8:00-8:30")):  # the second is looked up when it is sent
        strict.desk.ok("log", ticket, span, "-s", "Basic Support", "-m", "x")
    strict.network.requests.clear()
    strict.network.before = pressed
    interrupted = strict.desk("sync")
    assert interrupted.code == 130
    assert "What was sent before is recorded. To see whether it was recorded: alga list --today" in joined(
        interrupted.err
    )
    strict.network.before = lambda request: None
    assert len(ids(strict.desk)) == 2, "the second waited, and went with the list"


def test_an_overlap_check_that_fails_is_no_permission(published: Desk) -> None:
    network = published.transport
    assert isinstance(network, Faulty)
    published.ok("list")

    def broken(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return DOWN if request.method == "GET" else response

    network.after = broken
    saved = published.ok("log", "tk_1", "8:00-8:30", "-m", "x", "--json").json
    assert saved["delivery"] == "queued"
    assert network.sent("POST") == []


def test_a_zero_minute_or_running_entry_keeps_its_billing_when_edited(published: Desk) -> None:
    desk = published
    desk.ok("start", "tk_1", "-m", "x")
    stopped = desk.ok("stop")
    assert stopped.out.startswith("Stopped tk_1: 0 minutes recorded (09:12-09:12)  ")
    entry_id = ids(desk)[0]
    desk.clock.pass_by(minutes=48)
    assert desk.ok("edit", entry_id, "9:12-10:00", "--json").json["billable_minutes"] == 48
    session = desk.ok("start", "tk_2", "--json").json["id"]
    desk.clock.pass_by(minutes=10)
    refused = desk("edit", session, "--to", "10:05")
    assert (refused.code, "alga stop --at" in refused.err) == (5, True)


def test_a_stop_bills_no_more_than_was_worked_and_nothing_of_a_non_billable_type(desk: Desk) -> None:
    desk.ok("start", "cat_1", "--type", "non_billable_category", "-m", "x")
    desk.clock.pass_by(minutes=48)
    assert desk("stop", "--billable", "600").code == 5
    assert desk.ok("stop", "--json").json["billable_minutes"] == 0


def test_part_of_a_services_name_is_looked_up_and_an_edit_does_not_change_the_usual_one(strict: Strict) -> None:
    admin = strict.as_role("admin")
    first = admin.ok("log", "TIC1042", "7:00-7:30", "-s", "premium", "-m", "x", "--json").json
    assert admin("log", "TIC1042", "8:00-8:30", "-s", "support", "-m", "x").code == 2, "there is Basic Support as well"
    admin.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x")
    admin.ok("edit", first["id"], "-m", "typo")
    assert admin.ok("log", "TIC1042", "6:00-6:30", "-m", "x", "--json").json["service_name"] == "Basic Support"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["edit", "ID", "45m"], "45m from when?"),
        (["log", "tk_1", "--from", "9:00", "--date", "yesterday"], "Until when? The start is not today."),
        (["start", "tk_1", "--at", "8:00-10:30"], "the offset here is +01:00"),
    ],
)
def test_what_could_be_read_in_two_ways_is_asked_back(desk: Desk, typed: list[str], told: str) -> None:
    entry_id = desk.ok("log", "tk_0", "6:00-7:00", "-m", "x", "--json").json["id"]
    refused = desk(*[entry_id if word == "ID" else word for word in typed])
    assert refused.code == 2
    assert told in joined(refused.err)


def test_a_wrong_field_does_not_hide_that_the_write_was_done(desk: Desk) -> None:
    told = desk("log", "tk_1", "8:00-8:30", "-m", "x", "--json", "--fields", "nope")
    assert (told.code, told.json["notes"]) == (2, "x")
    assert "Unknown field 'nope', so all fields are shown." in told.err
    assert len(ids(desk)) == 1


def test_a_servers_409_names_the_clash_zero_minutes_included(published: Desk) -> None:
    desk = published
    desk.ok("start", "tk_1", "-m", "x")
    desk.ok("stop")
    desk.clock.pass_by(minutes=30)
    refused = desk("log", "tk_2", "9:00-9:30", "-m", "x", columns=200)
    assert refused.code == 5
    assert f"09:00-09:30 overlaps tk_1 09:12-09:12 ({ids(desk)[0][:8]}). Nothing was logged." in refused.err


def test_a_back_dated_start_that_the_server_ignores_is_said(strict: Strict) -> None:
    strict.desk.ok("config", "set", "timer", "server")

    def ignored(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method != "PUT":
            return response
        assert set(body_of(request)) == {"started_at", "start_time"}
        return httpx.Response(200, json={"data": response.json()["data"] | {"start_time": "2026-11-23T08:12:00Z"}})

    strict.network.after = ignored
    started = strict.desk.ok("start", "TIC1042", "-s", "basic", "--at", "8:30")
    assert "For now the timer runs from 09:12, not 08:30: alga stop corrects it." in joined(started.err)


def test_a_stop_that_was_not_typed_to_the_second_says_nothing_of_seconds(strict: Strict) -> None:
    strict.desk.ok("config", "set", "timer", "server")
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=40, seconds=31)
    assert "Seconds" not in strict.desk.ok("stop", "--ago", "10m").err


def test_resume_takes_up_a_stop_that_still_waits(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1011", "8:00-8:30", "-s", "basic", "-m", "before")
    desk = a_waiting_stop(strict)
    assert desk.ok("resume").out.startswith("Started TIC1042")


def test_a_timer_stopped_while_cancel_asked_is_not_deleted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ok("start", "tk_1", "-m", "two hours work")
    desk.clock.pass_by(hours=2)

    def stopped_meanwhile(question: str, default: bool, otherwise: str) -> bool:
        desk.ok("stop")
        return True

    monkeypatch.setattr("alga.commands.cancel.confirm", stopped_meanwhile)
    cancelled = desk("cancel", columns=200)
    assert cancelled.code == 6
    assert "That timer was stopped elsewhere: 09:12-11:12" in cancelled.err
    assert len(ids(desk)) == 1


def test_editing_notes_leaves_a_part_billed(desk: Desk) -> None:
    entry_id = desk.ok("log", "tk_1", "8:00-9:00", "--billable", "15", "-m", "a", "--json").json["id"]
    assert desk.ok("edit", entry_id, "-m", "b", "--json").json["billable_minutes"] == 15


def test_a_back_dated_start_over_a_running_timer_offers_the_switch(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "x")
    desk.clock.pass_by(minutes=60)
    refused = desk("start", "tk_2", "--ago", "20m", tty=False)
    assert refused.code == 5
    assert "alga: tk_1 is running (1h). Nothing was started. Try: alga switch tk_2 --ago 20m\n" in refused.err
    switched = desk.ok("switch", "tk_2", "--ago", "20m", "--json").json
    assert switched["stopped"]["ended_at"] == switched["started"]["started_at"] == "2026-11-23T08:52:00Z"


def test_a_clash_on_another_day_says_its_day(desk: Desk) -> None:
    desk.ok("log", "tk_1", "0:00-6:00", "--date", "2026-11-17", "-m", "x")
    refused = desk("log", "tk_2", "22:00+4h", "--date", "2026-11-16", "-m", "x", columns=200)
    assert "22:00+4h overlaps tk_1 Tue 17 Nov 00:00-06:00" in refused.err
    assert "Free on Mon 16 Nov: all day." in refused.err


@pytest.mark.parametrize("command", [["log", "TIC9999", "8:00-8:30"], ["log", "TIC1042", "8:00-8:30", "-s", "x"]])
def test_every_refusal_of_a_log_says_that_nothing_was_logged(strict: Strict, command: list[str]) -> None:
    assert "Nothing was logged." in joined(strict.desk(*command).err)


def test_a_timer_across_midnight_counts_on_the_day_it_starts(desk: Desk) -> None:
    desk.clock.pass_by(hours=14)  # 23:12
    desk.ok("start", "tk_1", "-m", "x")
    desk.clock.pass_by(hours=1)
    assert "Today  0m worked; the timer counts on Mon 23 Nov" in desk.ok("status").out
    desk.ok("stop")
    assert "Today    0m worked" in desk.ok("status").out


def test_switch_back_takes_the_notes_along(desk: Desk) -> None:
    desk.ok("log", "tk_1", "8:00-9:00", "-m", "VPN")
    desk.ok("start", "tk_2", "-m", "other")
    desk.clock.pass_by(minutes=30)
    assert desk.ok("switch", "-", "--json").json["started"]["notes"] == "VPN"


def test_tickets_are_named_by_their_numbers_on_another_computer_too(strict: Strict) -> None:
    strict.desk.ok("log", "#1042", "8:00-8:30", "-s", "basic", "-m", "x")
    other = Desk(strict.desk.home.parent / "other", strict.desk.clock, env=strict.desk.env)
    assert "TIC1042" in other.ok("list").out
    assert "TIC1042" in other.ok("list", "--everyone").out


def test_without_a_default_no_time_goes_into_practice_data(strict: Strict) -> None:
    desk = Desk(strict.desk.home.parent / "fresh", strict.desk.clock)
    key = strict.app.key_of("technician") + "\n"
    for name in ("one", "two", "three"):
        desk.ok("login", strict.url, "--key-stdin", "--profile", name, typed=key)
    said = desk("login", "--key-stdin", "--profile", "two", typed=key, columns=200)
    assert "The default stays one. Next: alga tickets --profile two" in said.out, "and its address is known"
    desk.ok("logout")
    refused = desk("log", "tk_1", "8:00-8:30", "-m", "x", columns=200)
    assert refused.code == 3
    assert "No login is the default. Choose from: three, two." in refused.err
    desk.ok("config", "set", "default", "two")
    assert desk.ok("whoami", "--json").json["profile"] == "two"
    assert "The default login is now three." in desk.ok("logout").out


def test_switch_back_goes_to_a_stop_that_still_waits(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1011", "8:00-8:30", "-s", "basic", "-m", "before")
    desk = a_waiting_stop(strict)
    assert "1h 18m worked" in desk.ok("status").out, "what waits is part of today"
    desk.ok("start", "TIC1023", "-m", "now")
    desk.clock.pass_by(minutes=5)
    assert desk.ok("switch", "-").out.splitlines()[-1].startswith("Started TIC1042")


def test_without_a_connection_work_is_logged_as_it_was_typed(strict: Strict) -> None:
    strict.network.before = offline
    saved = strict.desk.ok("log", "1042", "30m", "-s", "basic", "-m", "x")
    assert saved.out == "Saved 1042: 30m worked, 30m billable, basic (08:42-09:12)\n"
    assert strict.desk.ok("start", "TIC1011", "-m", "x").out == "Started TIC1011 at 09:12: x\n"
    wrong = strict.desk.ok("log", "TIC9999", "8:00-8:30", "-s", "basic", "-m", "x")
    assert "Saved here, not sent (no connection)." in wrong.err
    strict.network.before = lambda request: None
    told = strict.desk("sync", columns=200)
    assert told.code == 8
    assert "There is no ticket TIC9999." in told.out
    row = strict.desk.ok("list", "--json").json[0]
    assert (row["work_item_title"], row["started_at"]) == ("Mailbox full, cannot send", "2026-11-23T07:42:00Z")
    strict.desk.ok("queue", "retry", "3", "--work-item", "TIC1011")
    assert len(ids(strict.desk)) == 2


def test_a_doubled_hour_with_a_date_is_asked_back_with_the_date(desk: Desk) -> None:
    told = desk("log", "tk_1", "--from", "2026-10-25T02:30", "--to", "2026-10-25T04:00", columns=200)
    assert "Choose a time: 2026-10-25T02:30+02:00 or 2026-10-25T02:30+01:00" in told.err
    again = desk.ok("log", "tk_1", "--from", "2026-10-25T02:30+02:00", "--to", "2026-10-25T04:00", "-m", "x", "--json")
    assert again.json["started_at"] == "2026-10-25T00:30:00Z"


def test_an_entry_that_came_in_between_is_named_when_the_server_refuses_the_stop(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic")
    desk.clock.pass_by(minutes=30)
    other = Desk(desk.home.parent / "other", desk.clock, env=dict(desk.env))

    def meanwhile(request: httpx.Request) -> None:
        if request.method == "POST":
            strict.network.before = lambda request: None
            other.ok("log", "TIC1011", "9:20-9:30", "-s", "Basic Support")

    strict.network.before = meanwhile
    refused = desk("stop")
    assert refused.code == 5
    assert "09:12-09:42 overlaps VPN drops every hour 09:20-09:30" in joined(refused.err)
    assert "The timer is still running. Stop earlier with alga stop --at" in joined(refused.err)
    assert desk.ok("status", "--json").json["started_at"] == "2026-11-23T08:12:00Z"
    assert desk.ok("stop", "--at", "9:20").out.startswith("Stopped TIC1042 (Mailbox full, cannot send): 8m worked")
