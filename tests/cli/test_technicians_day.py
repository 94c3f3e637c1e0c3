"""A technician's day against `alga serve --strict --role technician`, on a socket."""

import re

import httpx
import pytest

from alga.core.errors import Forbidden
from tests.conftest import Strict
from tests.support import VPN_DROPS, body_of, joined

KEPT = (
    "Clock kept here (lap7), and nowhere else; AlgaPSA gets the entry at stop "
    "(its own timer leaves entries off the time sheet)."
)


def test_the_day(strict: Strict) -> None:
    desk = strict.desk

    # a ticket by number, a service by name though the list is forbidden
    logged = desk.ok("log", "TIC1011", "7:40-9:10", "-s", "basic support", "-m", "Patched")
    told = r"1h 30m worked, 1h 30m billable, Basic Support \(07:40-09:10\) [0-9a-f]{8}"
    shown = joined(logged.out).removeprefix(f"Logged {VPN_DROPS}: ")
    assert re.fullmatch(told, shown), "a service that is not the setting is named"
    services = desk.ok("services")
    assert "Basic Support" in services.out
    assert "service:read" in services.err

    # the second entry, by bare digits: what was billed on another ticket says nothing about this one
    asked = desk("log", "1042", "9:10-9:12", "-m", "Mailbox", tty=False)
    assert (asked.code, "alga config set service NAME" in asked.err) == (5, True)
    chosen = desk.ok("log", "1042", "9:10-9:12", "-m", "Mailbox", typed="3\ny\n")
    assert "  3  Premium Support\nBilled as which service?" in chosen.err
    assert "Use Premium Support whenever -s is not given?" in chosen.err
    entry = desk.ok("list", "--json").json[1]
    assert entry["service_name"] == "Premium Support"
    assert desk.ok("config", "get", "service").out == "Premium Support\n"
    desk.ok("config", "set", "service", "")
    again = desk.ok("log", "TIC1011", "6:00-6:30", "-m", "x", tty=False)
    assert "30m billable, Basic Support (06:00-06:30)" in again.out, "the service of the same ticket"

    # an overlap, shown with the clash
    first_id = desk.ok("list", "-f", "ids").out.splitlines()[1][:8]
    clash = desk("log", "1042", "9:00-9:05", "-m", "x")
    assert clash.code == 5
    assert f"09:00-09:05 overlaps TIC1011 07:40-09:10 ({first_id}). Nothing was logged." in joined(clash.err)

    # a timer, kept here, that ends up on a time sheet
    started = desk.ok("start", "TIC1011", "-m", "VPN again")
    assert started.out == "Started TIC1011 (VPN drops every hour) at 09:12, Basic Support: VPN again\n"
    assert KEPT in joined(started.err)
    desk.clock.pass_by(minutes=48)
    desk.ok("stop")
    timer = desk.ok("list", "--json").json[-1]
    assert (timer["duration_minutes"], timer["billable_minutes"]) == (48, 48)
    assert timer["time_sheet_id"]

    # what the server would store otherwise is refused before it is sent
    colleague = desk.ok("list", "--everyone", "--last-week", "--json").json[0]["user_id"]
    for_another = desk("log", "1042", "5:00-5:30", "-m", "x", "--user", colleague, "-s", "basic")
    assert (for_another.code, joined(for_another.err)) == (
        5,
        "alga: This server records time for the key's own user only: the entry would be on your own time sheet. "
        "Nothing was logged. Other users log their time themselves. For yourself: "
        "alga log 1042 5:00-5:30 -m x -s basic",
    )
    billed = desk("log", "1042", "6:30-7:30", "-m", "it's", "--billable", "30", "-s", "basic")
    assert (billed.code, joined(billed.err)) == (
        5,
        "alga: This server bills an entry whole or not at all: 30m of 1h cannot be billed. Nothing was logged. "
        """To bill all: alga log 1042 6:30-7:30 -m 'it'"'"'s' -s basic --billable 60 To bill nothing: alga log 1042 """
        """6:30-7:30 -m 'it'"'"'s' -s basic --no-billable""",
    )

    # deleting is refused, with the permission's name
    refused = desk("delete", timer["id"], "--yes")
    assert refused.code == Forbidden.exit_code
    assert "may not delete time entries" in joined(refused.err)
    assert "timeentry:delete" in refused.err

    # only own entries are listed
    names = {row["user_name"] for row in desk.ok("list", "--last-week", "--json").json + desk.ok("list", "--json").json}
    assert names == {"Tin Woodman"}
    everyone = desk.ok("list", "--everyone", "--from", "2026-11-01", "--json").json
    assert {row["user_name"] for row in everyone} == {"Tin Woodman", "Glinda Good"}


def test_everyone_has_a_column_and_status_shows_when_it_is_not_draft(strict: Strict) -> None:
    lines = strict.desk.ok("list", "--everyone", "--last-week", tty=False).out.splitlines()
    assert lines[0] == "Everyone's, last week (16-22 Nov)"
    assert lines[1].split() == ["TIME", "PERSON", "WORKED", "BILLABLE", "WORK", "ITEM", "NOTES", "STATUS", "ID"]
    assert "Glinda Good" in lines[4]
    assert "SUBMITTED" in lines[4]


def test_lists_say_when_they_cannot_be_ones_own(strict: Strict) -> None:
    def no_activities(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(404) if "/activities" in request.url.path else response

    strict.network.after = no_activities
    shown = strict.desk.ok("list", "--last-week")
    assert "Everyone's, last week" in shown.out
    assert "these are everyone's" in joined(shown.err)
    strict.desk.ok("log", "1042", "8:00-8:30", "-s", "basic", "-m", "x")
    assert "Mine, this week" in strict.desk.ok("list").out, "the first write told whose key it is"


def test_a_service_must_be_chosen_and_the_hint_is_right(strict: Strict) -> None:
    strict.desk.tty = False
    refused = strict.desk("start", "TIC1011")
    assert refused.code == 5
    assert "AlgaPSA needs a service for every entry. Nothing was started." in joined(refused.err)
    assert "-s NAME" in refused.err
    logged = strict.desk("log", "TIC1011", "8:00-8:30")
    assert (logged.code, "-s NAME" in logged.err) == (5, True)
    strict.desk.ok("config", "set", "service", "Premium Support")
    told = strict.desk.ok("log", "TIC1011", "8:00-8:30", "-m", "x")
    assert "billable (08:00-08:30)" in told.out, "the setting is not named"
    other = strict.desk.ok("log", "TIC1011", "7:00-7:30", "-m", "x", "-s", "basic")
    assert "billable, Basic Support (07:00-07:30)" in other.out
    unknown = strict.desk("log", "TIC1011", "6:00-6:30", "-s", "plumbing")
    assert unknown.code == 6
    assert "Basic Support, On-site Work, Premium Support" in joined(unknown.err)
    unclear = strict.desk("log", "TIC1011", "6:00-6:30", "-s", "support")
    assert unclear.code == 2
    assert "Choose a service: Basic Support, Premium Support" in joined(unclear.err)


def test_numbers_are_compared_exactly_and_remembered(strict: Strict) -> None:
    assert strict.desk("log", "TIC10", "8:00-8:30").code == 6
    assert strict.desk("log", "104", "8:00-8:30").code == 6
    strict.desk.ok("log", "tic1042", "8:00-8:30", "-s", "basic", "-m", "x")
    asked = len([r for r in strict.network.requests if r.url.path.endswith("/tickets")])
    strict.desk.ok("log", "TIC1042", "7:00-7:30", "-m", "x")
    again = len([r for r in strict.network.requests if r.url.path.endswith("/tickets")])
    assert asked == again, "a known number is not looked up twice"
    posts = [body_of(request) for request in strict.network.sent("POST")]
    assert {len(post["work_item_id"]) for post in posts} == {36}


def test_an_unknown_ticket_id_says_how_to_find_one(strict: Strict) -> None:
    unknown = "99999999-9999-4999-8999-999999999999"
    for typed in (unknown, "tk_9c41"):
        refused = strict.desk("log", typed, "8:00-8:30", "-s", "basic")
        assert refused.code == 6
        assert "alga tickets WORDS" in refused.err


def test_tickets_by_words_and_assigned(strict: Strict) -> None:
    lines = strict.desk.ok("tickets", "vpn", tty=False).out.splitlines()
    assert lines[0] == "Tickets with 'vpn'"
    assert lines[3].split("   ")[0] == "TIC1011"
    mine = strict.desk.ok("tickets", "--json").json
    assert [row["number"] for row in mine] == ["TIC1011", "TIC1023", "TIC1042", None]
    assert "No ticket has these words" in strict.desk.ok("tickets", "zzzz").out


def test_whoami_and_home_on_a_server(strict: Strict) -> None:
    who = strict.desk.ok("whoami", "--json").json
    assert (who["profile"], who["url"], who["clock"], who["server_kind"]) == ("env", strict.url, "here", "deployed")
    home = strict.desk.ok()
    assert home.out.startswith(f"alga 0.1.0: {strict.url} (profile env)\n")


@pytest.mark.parametrize("setting", ["auto", "server", "local"])
def test_whose_clock_runs_is_a_setting(strict: Strict, setting: str) -> None:
    desk = strict.desk
    desk.ok("config", "set", "timer", setting)
    started = desk.ok("start", "TIC1042", "-s", "basic", "-m", "x", "--json").json
    assert started["clock"] == ("server" if setting == "server" else "here")
    assert (started["id"] is None) is (setting != "server")
    desk.clock.pass_by(minutes=5)
    stopped = desk.ok("stop")
    said = "This entry is on no time sheet, so it will not reach approval." in joined(stopped.err)
    assert said is (setting == "server")
