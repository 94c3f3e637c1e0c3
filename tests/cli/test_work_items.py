"""What work is on: numbers, ids, words and project tasks, checked before anything starts or is recorded."""

import json
from uuid import uuid4

import httpx
import pytest

from tests.conftest import Strict
from tests.support import MAILBOX, Desk, joined

SERVICE = ("-s", "Basic Support")


def asked_for(strict: Strict) -> list[str]:
    """What the server was asked about work items."""
    paths = [request.url.path.removeprefix("/api/v1") for request in strict.network.requests]
    return [path for path in paths if path.startswith(("/tickets", "/projects"))]


def offline(strict: Strict) -> None:
    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("no route to host")

    strict.network.before = down


def task_of(strict: Strict) -> str:
    tasks = [row for row in strict.desk.ok("tickets", "--json").json if row["type"] == "project_task"]
    assert [task["title"] for task in tasks] == ["Map new areas"]
    return str(tasks[0]["id"])


# --- tickets ---


def test_a_ticket_that_is_known_here_is_not_looked_up_again(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "7:00-7:30", *SERVICE)
    ticket = strict.desk.ok("list", "--json").json[0]["work_item_id"]
    strict.network.requests.clear()
    for typed in ("TIC1042", "tic1042", ticket, ticket.upper()):
        assert strict.desk.ok("start", typed, *SERVICE).out.startswith("Started TIC1042 (Mailbox full, cannot send)")
        strict.desk.ok("cancel", "--yes")
    assert asked_for(strict) == []


def test_an_id_that_the_server_does_not_know_starts_nothing(strict: Strict) -> None:
    unknown = str(uuid4())
    for command in (["start", unknown], ["log", unknown, "30m"], ["start", "tk_9c41"]):
        refused = strict.desk(*command, *SERVICE)
        assert refused.code == 6
        assert f"There is no ticket {command[1]}. Nothing was" in joined(refused.err)
    assert strict.desk.ok("status", "--json").json is None
    assert strict.desk.ok("queue", "--json").json == []


@pytest.mark.parametrize("status", [403, 404, 502])
def test_where_nobody_can_tell_an_id_is_taken_at_its_word(strict: Strict, status: int) -> None:
    ticket = strict.as_role("admin").ok("tickets", "1042", "--json").json[0]["id"]

    def no_lookups(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.url.path.startswith("/api/v1/tickets/"):
            body = {"error": {"code": "FORBIDDEN", "message": "Permission denied: Cannot read ticket"}}
            return httpx.Response(status, json=body) if status == 403 else httpx.Response(status, text="<html>")
        return response

    strict.network.after = no_lookups
    assert strict.desk.ok("start", ticket, *SERVICE).out.startswith(f"Started {ticket[:8]} at 09:12")


def test_without_a_connection_an_id_is_taken_at_its_word_and_a_number_is_looked_up_later(strict: Strict) -> None:
    strict.desk.ok("list")
    offline(strict)
    unknown = str(uuid4())
    assert strict.desk.ok("log", unknown, "30m", *SERVICE).out.startswith(f"Saved {unknown[:8]}")
    saved = strict.desk.ok("log", "TIC1011", "7:00-7:30", *SERVICE, columns=200)
    assert "Not looked up yet: ticket TIC1011" in saved.err


def test_exact_takes_the_text_as_the_id(strict: Strict, desk: Desk) -> None:
    refused = strict.desk("start", "TIC1042", "--exact", *SERVICE)
    assert refused.code == 0, "the clock is kept here; the server refuses the id at the stop"
    assert desk.ok("start", "1042", "--exact").out == "Started 1042 at 09:12\n"


def test_practice_data_takes_any_single_word(desk: Desk) -> None:
    assert desk.ok("start", "vpn").out == "Started vpn at 09:12\n"
    refused = desk("log", "no such words", "10m")
    assert refused.code == 6
    assert "No ticket has the number 'no such words', nor these words in its title." in joined(refused.err)


# --- words ---


def test_words_with_one_ticket_ask_in_a_terminal(strict: Strict) -> None:
    started = strict.desk.ok("start", "mailbox", *SERVICE, typed="\n")
    assert "Use TIC1042 Mailbox full, cannot send? [Y/n]" in started.err
    assert started.out.startswith("Started TIC1042")
    strict.desk.ok("cancel", "--yes")
    refused = strict.desk("start", "mailbox", *SERVICE, typed="n\n")
    assert (refused.code, "No work item was chosen." in refused.err) == (2, True)
    assert strict.desk.ok("status", "--json").json is None


def test_words_with_several_tickets_are_chosen_from(strict: Strict) -> None:
    started = strict.desk.ok("start", "e", *SERVICE, typed="2\n")
    numbers = [line.split()[1] for line in started.err.splitlines() if "TIC10" in line]
    assert len(numbers) > 1
    assert started.out.startswith(f"Started {numbers[1]}")


def test_an_assigned_task_is_found_by_its_words_once_it_was_listed(strict: Strict) -> None:
    strict.desk.ok("tickets")
    started = strict.desk.ok("start", "map new", "-s", "basic", typed="y\n")
    assert "Map new areas" in started.err
    assert strict.desk.ok("status", "--json").json["work_item_type"] == "project_task"
    ticket = strict.desk("log", "map new", "7:00-7:10", "--type", "ticket", "-s", "basic", typed="y\n")
    assert ticket.code == 6, "a ticket was asked for"


def test_words_in_a_script_are_refused_with_the_numbers(strict: Strict) -> None:
    for command in (["start", "vpn"], ["log", "vpn", "30m"], ["list", "--work-item", "vpn"]):
        refused = strict.desk(*command, tty=False)
        assert refused.code == 6
        told = "'vpn' is no number. Work with these words: TIC1011 VPN drops every hour."
        assert told in joined(refused.err)
    assert strict.desk.ok("list", "--json", tty=False).json == []


def test_words_that_no_ticket_has(strict: Strict) -> None:
    refused = strict.desk("start", "dishwasher", *SERVICE)
    assert refused.code == 6
    assert "No ticket has the number 'dishwasher', nor these words in its title." in joined(refused.err)
    assert "If the text is an id, add --exact." in joined(refused.err)


def test_words_without_a_connection_are_found_among_the_tickets_seen_here(strict: Strict) -> None:
    strict.desk.ok("tickets", "vpn")
    offline(strict)
    assert strict.desk.ok("start", "vpn", *SERVICE, typed="y\n").out.startswith("Started TIC1011")
    refused = strict.desk("log", "laptop", "30m", *SERVICE, tty=False)
    assert refused.code == 7
    told = "No connection, and 'laptop' is no ticket seen here. Nothing was logged. Give its number."
    assert told in joined(refused.err)


def test_a_list_by_an_id_does_not_need_its_ticket(strict: Strict) -> None:
    strict.network.requests.clear()
    assert strict.desk.ok("list", "--work-item", str(uuid4()), "--json").json == []
    assert asked_for(strict) == []


# --- project tasks ---


def test_assigned_tasks_are_listed_with_their_project(strict: Strict) -> None:
    shown = strict.desk.ok("tickets", columns=100).out
    assert "Map new areas" in shown
    assert "Road network" in shown


def test_a_task_is_started_by_eight_characters_of_its_id_and_brings_its_type(strict: Strict) -> None:
    task = task_of(strict)
    assert strict.desk.ok("start", task[:8], *SERVICE).out.startswith("Started Map new areas (Road network)")
    strict.desk.clock.pass_by(minutes=30)
    stopped = strict.desk.ok("stop", "-m", "x", "--json").json
    assert (stopped["work_item_type"], stopped["work_item_id"]) == ("project_task", task)


def test_a_task_that_does_not_exist_is_refused_although_the_server_would_take_it(strict: Strict) -> None:
    unknown = str(uuid4())
    for command in (["log", unknown, "30m"], ["start", unknown]):
        refused = strict.desk(*command, "--type", "project_task", *SERVICE)
        assert refused.code == 6
        assert f"There is no project task {unknown}." in joined(refused.err)
    row = {"item": unknown, "type": "project_task", "date": "2026-11-20", "span": "9:00-9:30", "service": "basic"}
    refused = strict.desk("bulk", "create", "-", typed=json.dumps([row]), tty=False)
    assert "There is no project task" in refused.err
    assert strict.desk.ok("list", "--from", "2026-11-20", "--type", "project_task", "--json").json == []


# --- types without work items ---


@pytest.mark.parametrize("kind", ["non_billable_category", "ad_hoc", "interaction"])
def test_types_without_work_items_need_none(desk: Desk, strict: Strict, kind: str) -> None:
    for person in (desk, strict.desk):
        entry = person.ok("log", "10m", "--type", kind, "-m", "Team meeting", *SERVICE, "--json").json
        assert (entry["work_item_type"], entry["work_item_id"]) == (kind, None)
        assert (entry["duration_minutes"], entry["notes"]) == (10, "Team meeting")
    assert asked_for(strict) == []


def test_a_ticket_is_needed_for_a_ticket(desk: Desk) -> None:
    refused = desk("log", "10m", "-m", "Team meeting")
    assert refused.code == 2
    assert "How long, or from when to when?" in refused.err


# --- numbers and clients ---


def test_entries_have_their_tickets_number_and_client(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "7:00-7:30", *SERVICE)
    row = strict.desk.ok("list", "--json").json[0]
    assert (row["work_item_number"], row["client_name"]) == ("TIC1042", "Wonderland")
    assert "TIC1042" in strict.desk.ok("list", "--fields", "work_item_number").out
    other = Desk(strict.desk.home.parent / "other", strict.desk.clock, env=strict.desk.env, transport=strict.network)
    shown = other.ok("show", row["id"])
    assert "Client     Wonderland" in shown.out
    assert other.ok("show", row["id"], "--json").json["work_item_number"] == "TIC1042"


def test_at_most_five_unknown_tickets_are_asked_for(strict: Strict, monkeypatch: pytest.MonkeyPatch) -> None:
    strict.desk.ok("log", "TIC1042", "7:00-7:30", *SERVICE)
    other = Desk(strict.desk.home.parent / "other", strict.desk.clock, env=strict.desk.env, transport=strict.network)
    strict.network.requests.clear()
    assert other.ok("list", "--json").json[0]["work_item_number"] == "TIC1042"
    assert len(asked_for(strict)) == 1
    monkeypatch.setattr("alga.lookup.work_items.MOST_ASKED", 0)
    third = Desk(strict.desk.home.parent / "third", strict.desk.clock, env=strict.desk.env, transport=strict.network)
    strict.network.requests.clear()
    assert third.ok("list", "--json").json[0]["work_item_number"] == "TIC1042", "the newest tickets, in one page"
    assert asked_for(strict) == ["/tickets"]


def test_a_ticket_that_is_not_there_is_asked_for_once(strict: Strict) -> None:
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET work_item_id = ?", (str(uuid4()),))
    everything = ("list", "--everyone", "--from", "2026-01-01", "--json")
    strict.desk.ok(*everything)
    strict.network.requests.clear()
    assert strict.desk.ok(*everything).json[0]["work_item_number"] is None
    assert asked_for(strict) == []


def test_after_a_write_a_script_asks_for_nothing_more(strict: Strict) -> None:
    ticket = strict.as_role("admin").ok("tickets", "1042", "--json").json[0]["id"]
    strict.desk.ok("log", ticket, "7:00-7:30", *SERVICE, "--exact", tty=False)
    assert asked_for(strict) == []
    shown = strict.desk.ok("log", ticket, "7:30-8:00", *SERVICE, "--exact")
    assert joined(shown.out).startswith(f"Logged {MAILBOX}: 30m worked")
