"""Which service is billed where none is typed, and what a person at a terminal is asked."""

import sqlite3
import time
from contextlib import closing

import httpx
import pytest

from tests.cli.test_track import offline
from tests.conftest import Strict
from tests.support import MAILBOX, Desk, hourly, joined


def online(request: httpx.Request) -> None:
    """The network is well."""


def test_without_a_connection_timers_and_logs_go_on_without_a_service(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("log", "1042", "7:00-7:10", "-s", "Basic Support", "-m", "x")
    strict.network.before = offline
    assert desk.ok("start", "1011", "-m", "x").out.startswith("Started 1011 at 09:12")
    desk.clock.pass_by(minutes=10)
    desk.ok("switch", "TIC1042", "-m", "x")
    fresh = Desk(desk.home.parent / "laptop", desk.clock, env=desk.env, transport=strict.network)
    assert fresh.ok("log", "TIC1042", "8:00-8:30", "-m", "x", "--json").json["delivery"] == "queued"
    strict.network.before = online
    desk("sync")
    aside = desk.ok("queue", "--json").json
    assert ["needs a service" in (row["reason"] or "") for row in aside if row["delivery"] == "set aside"] == [True]


def test_the_last_service_is_that_of_the_work_item_whoever_logged_it(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("log", "1042", "6:00-6:10", "-s", "Premium Support", "-m", "x")
    other = Desk(desk.home.parent / "other", desk.clock, env=desk.env)
    other.ok("log", "1042", "7:00-7:10", "-s", "Basic Support", "-m", "x")
    assert "10m billable, Basic Support" in joined(desk.ok("log", "1042", "8:00-8:10", "-m", "x").out)


def test_an_exact_name_wins_over_a_part_whatever_is_billed_by_the_hour(strict: Strict) -> None:
    admin = strict.as_role("admin")
    with closing(sqlite3.connect(strict.app.path)) as db, db:
        for number, (name, method) in enumerate({"Emerald City": "fixed", "Emerald City Support": "hourly"}.items(), 1):
            db.execute(
                "INSERT INTO services VALUES (?, ?, ?)", (f"{number}" * 8 + "-5555-4555-8555-" + "5" * 12, name, method)
            )

    strict.network.after = hourly
    admin.transport = strict.network
    logged = admin.ok("log", "1042", "8:00-8:10", "-s", "emerald city", "-m", "x")
    assert "billable, Emerald City (" in joined(logged.out)
    admin.ok("config", "set", "service", "Emerald City")
    named = admin.ok("log", "1042", "7:00-7:10", "-s", "Emerald City Support", "-m", "x").out
    assert "billable, Emerald City Support (" in joined(named), "it is not the setting, whose name is a part of it"


def test_the_question_may_take_its_time_and_what_waits_has_its_name(
    strict: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:

    def slowly(question: str, above: object = ()) -> str:
        monkeypatch.setattr("time.monotonic", lambda: real() + 60)
        return "1"

    real = time.monotonic
    monkeypatch.setattr("alga.ui.choices.ask", slowly)
    monkeypatch.setattr("alga.ui.choices.confirm", lambda *given: False)
    logged = strict.desk.ok("log", "1042", "8:00-8:30", "-m", "x")
    assert joined(logged.out).startswith(f"Logged {MAILBOX}: 30m worked, 30m billable, Basic Support")


def test_what_runs_already_is_said_before_a_service_is_asked_for(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    for tty in (True, False):
        told = strict.desk.ok("start", "TIC1042", tty=tty)
        assert ("runs already" in told.out, "service" in told.err) == (True, False)


def test_a_service_is_chosen_by_its_number_or_its_name_and_asked_for_again(strict: Strict) -> None:
    chosen = strict.desk.ok("log", "TIC1042", "8:00-8:30", "-m", "x", typed="9\nas\nsupport\npremium\nn\n")
    assert "'9' is not in that list." in chosen.err
    assert "'as' is not in that list." in chosen.err, "no part within a word"
    assert "'support' is in several lines of that list." in chosen.err
    assert strict.desk.ok("list", "--json").json[0]["service_name"] == "Premium Support"
    for no in ("", "n", "no", "q", "-"):
        none = strict.desk("log", "TIC1011", "9:00-9:10", typed=f"{no}\n")
        assert (none.code, "Nothing was chosen." in none.err) == (2, True)


def test_switch_as_the_first_command_asks_as_start_does(strict: Strict) -> None:
    told = strict.desk.ok("switch", "1042", "-m", "x", typed="1\nn\n")
    assert "Billed as which service?" in told.err
    assert "Started TIC1042" in told.out


def test_an_export_with_a_part_of_the_minutes_is_given_back_unchanged(strict: Strict) -> None:
    entry_id = strict.desk.ok("log", "TIC1042", "6:00-7:00", "-s", "basic", "-m", "x", "--json").json["id"]
    with closing(sqlite3.connect(strict.app.path)) as db, db:  # on the web
        db.execute("UPDATE entries SET billable_duration = 20 WHERE entry_id = ?", (entry_id,))
    rows = strict.desk.ok("export", "--today", "-f", "jsonl").out
    told = strict.desk.ok("bulk", "update", "-", "--json", typed=rows, tty=False)
    assert [row["outcome"] for row in told.json] == ["unchanged"]
    told = strict.desk.ok("bulk", "update", "-", "--json", typed=rows.replace('"x"', '"new"'), tty=False)
    assert [row["outcome"] for row in told.json] == ["changed"]


def test_what_is_known_to_be_refused_is_refused_without_a_connection(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "6:00-7:00", "-s", "basic", "-m", "x")
    strict.network.before = offline
    for more in (["--billable", "5"], ["--user", strict.app.user_of("admin")[0]]):
        told = strict.desk("log", "TIC1042", "8:00-8:10", "-s", "basic", "-m", "x", *more)
        assert told.code == 5, told
    own = strict.app.user_of("technician")[0].upper()
    strict.desk.ok("log", "TIC1042", "8:00-8:10", "-s", "basic", "-m", "x", "--user", own)


def test_people_without_ids_are_told_apart_and_several_people_are_those_alone(desk: Desk) -> None:
    names = ["Ann", "Ann", "Bob", "Carl"]
    rows = [
        {"id": f"e{n}", "user_name": name, "user_id": f"u-{name}" if known else None,
         "started_at": f"2026-11-23T0{n}:00:00Z", "ended_at": f"2026-11-23T0{n}:30:00Z", "billable_minutes": 30}
        for n, (name, known) in enumerate([*((name, False) for name in names), ("Dora", True), ("Eve", True)])
    ]  # fmt: skip
    desk.transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"data": rows}))
    desk.env = {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": "k"}
    by_name = desk.ok("stats", "--today", "--everyone", "--by", "user", "--json").json["groups"]
    assert [(group["key"], group["name"], group["entries"]) for group in by_name] == [
        ("", "Ann", 2), ("", "Bob", 1), ("", "Carl", 1), ("u-Dora", "Dora", 1), ("u-Eve", "Eve", 1),
    ]  # fmt: skip
    two = desk.ok("stats", "--today", "--user", "dora", "--user", "eve", "--user", "Dora", "--by", "user")
    assert "Carl" not in two.out
    assert two.out.startswith("Dora's and Eve's, today")


def test_an_option_twice_is_an_object_on_stderr_for_a_program(desk: Desk) -> None:
    told = desk("list", "--json", "--limit", "1", "--limit", "2", tty=False)
    assert (told.code, joined(told.err).startswith('{"error": "--limit is given twice."')) == (2, True)
