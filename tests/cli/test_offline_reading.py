"""Without a connection a person sees what this computer saw last, and what of it is not whole."""

import httpx
import pytest

from tests.conftest import Strict
from tests.support import Desk, joined

SERVICE = ("-s", "Basic Support")


def down(request: httpx.Request) -> None:
    raise httpx.ConnectError("no route to host")


@pytest.fixture
def away(strict: Strict) -> Desk:
    """A technician who saw this week on Tuesday at 10:12, and then lost the connection."""
    desk = strict.desk
    desk.env["NO_COLOR"] = "1"
    desk.clock.pass_by(days=1)
    desk.ok("log", "1042", "7:00-8:00", *SERVICE, "-m", "Seen")
    desk.ok("log", "1011", "yesterday", "9:00-9:30", *SERVICE, "-m", "Yesterday")
    desk.clock.pass_by(hours=1)
    desk.ok("list")
    desk.ok("tickets")
    strict.network.before = down
    desk.clock.pass_by(hours=1)
    return desk


def test_a_list_shows_what_was_last_seen(away: Desk) -> None:
    shown = away.ok("list").out.splitlines()
    assert shown[0] == "Mine, this week (23-29 Nov), as of 10:12, no connection"
    assert [line.split()[:2] for line in shown[3:]] == [
        ["Mon", "23"], ["09:00-09:30", "30m"], [], ["Tue", "24"], ["07:00-08:00", "1h"], [], ["2", "entries"],
    ]  # fmt: skip
    assert away.ok("list", "--offline", "--json").json[0]["work_item_number"] == "TIC1011"


def test_a_script_needs_a_connection_unless_it_says_offline(away: Desk, strict: Strict) -> None:
    for command in ("list", "day", "week", "tickets", "services", "status"):
        assert away(command, tty=False).code == 7
    strict.network.requests.clear()
    for command in ("list", "day", "week", "tickets", "services"):
        assert away.ok(command, "--offline", tty=False).out
    assert strict.network.requests == []


def test_days_that_were_not_seen_have_no_sum(away: Desk) -> None:
    shown = away.ok("list", "--from", "2026-11-20").out
    assert "Not seen here, so there is no sum: Fri 20 Nov, Sat 21 Nov, Sun 22 Nov." in joined(shown)
    assert "2 entries" not in shown
    week = away.ok("week", "2026-W47").out
    assert "Sum" not in week
    assert "Not seen here, so there is no sum: Mon 16 Nov, Tue 17 Nov, Wed 18 Nov, Thu 19 Nov and 3 more." in joined(
        week
    )
    friday = away.ok("day", "2026-11-20", "--json").json
    assert (friday["unseen"], friday["duration_minutes"], friday["missing_minutes"]) == (True, None, None)
    assert "no sum" in away.ok("day", "2026-11-20").out


def test_the_day_and_the_week_have_what_waits_beside_the_sum(away: Desk) -> None:
    away.ok("log", "1042", "8:00-8:30", *SERVICE, "-m", "Waits")
    day = away.ok("day", "--json").json
    assert (day["duration_minutes"], day["waiting_minutes"], day["unseen"]) == (60, 30, False)
    assert day["as_of"] == "2026-11-24T09:12:00Z"
    assert "+ 30m waiting" in away.ok("day").out
    week = away.ok("week", "--json").json
    assert (week["duration_minutes"], week["waiting_minutes"], week["unseen"]) == (90, 30, [])


def test_a_new_day_is_not_seen_yet(away: Desk) -> None:
    away.clock.pass_by(days=1)
    week = away.ok("week")
    assert "as of Tue 24 Nov 10:12, no connection" in week.out
    assert "Not seen here, so there is no sum: Wed 25 Nov." in joined(week.out)


def test_status_shows_todays_sum_as_it_was(away: Desk) -> None:
    assert away.ok("status").out.splitlines()[-1] == "Today    1h worked, as of 10:12, no connection"
    away.ok("start", "1042", *SERVICE)
    away.clock.pass_by(minutes=20)
    assert away.ok("status").out.splitlines()[-1].endswith("  1h + 20m running, as of 10:12, no connection")


def test_tickets_and_services_are_those_seen_here(away: Desk) -> None:
    shown = away.ok("tickets").out
    assert shown.splitlines()[0] == "Assigned to you, as last seen here, no connection"
    assert [row["number"] for row in away.ok("tickets", "--offline", "--json").json] == [
        "TIC1011", "TIC1023", "TIC1042", None,
    ]  # fmt: skip
    assert "TIC1011" in away.ok("tickets", "vpn").out
    assert "Basic Support" in away.ok("services").out


def test_only_ones_own_entries_are_remembered(away: Desk) -> None:
    assert away("list", "--everyone").code == 7
    refused = away("list", "--everyone", "--offline")
    assert (refused.code, "remembers only your own entries" in joined(refused.err)) == (7, True)


def test_an_entry_that_is_gone_on_the_server_is_gone_here(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("log", "1042", "7:00-8:00", *SERVICE)
    with strict.app.store.open(writing=True) as db:
        db.execute("DELETE FROM entries WHERE user_id = (SELECT user_id FROM users WHERE role = 'technician')")
    desk.ok("list")
    strict.network.before = down
    assert "Nothing recorded." in desk.ok("list").out


def test_an_answer_that_makes_no_sense_is_no_reason_to_look_back(away: Desk, strict: Strict) -> None:
    strict.network.before = lambda request: None
    strict.network.after = lambda request, response: httpx.Response(200, json={"data": [{"id": 5}]})
    assert away("list").code == 7
    strict.network.after = lambda request, response: httpx.Response(200, text="Welcome to our hotel")
    assert ", as of 10:12, no connection" in away.ok("list").out


def test_a_long_period_is_not_remembered(away: Desk) -> None:
    for period in (["--to", "2026-11-24"], ["--from", "2026-01-01"]):
        refused = away("list", *period)
        assert (refused.code, "so many days are not remembered here" in joined(refused.err)) == (7, True)
