"""Reviewing: what waits is shown with what to look at, and each entry's outcome is told as the server has it."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Strict
from tests.support import Desk, answering, body_of, joined

REFUSED_WITHOUT_A_LOGIN = (
    "alga: no login here, so this would use the practice data on this computer. "
    "Add --profile NAME, or --profile local if you mean it.\n"
)


@pytest.fixture
def admin(strict: Strict) -> Desk:
    """An administrator's desk. Three of her own entries are SUBMITTED."""
    return strict.as_role("admin")


def submit(strict: Strict, *ids: str, status: str = "SUBMITTED") -> None:
    """What the web does: the server's API has no way (section 7)."""
    with strict.app.store.open(writing=True) as db:
        for entry_id in ids:
            db.execute("UPDATE entries SET approval_status = ? WHERE entry_id = ?", (status, entry_id))


def worked(strict: Strict, *spans: str, notes: str = "Fixed it") -> list[str]:
    """A technician's submitted entries, by their spans: their ids."""
    said = ["-s", "Basic Support", "--json", *(["-m", notes] if notes else [])]
    ids = [strict.desk.ok("log", "TIC1042", *span.split(), *said).json["id"] for span in spans]
    submit(strict, *ids)
    strict.network.requests.clear()
    return ids


def status_of(desk: Desk, entry_id: str) -> str:
    """As the server has it."""
    shown: str = desk.ok("show", entry_id, "--json").json["approval_status"]
    return shown


def test_what_waits_is_shown_by_person_with_what_to_look_at_and_asked_about(strict: Strict, admin: Desk) -> None:
    strict.desk.clock.pass_by(hours=8)
    first, second = worked(strict, "7:00-8:30", "8:30-9:15")
    long = worked(strict, "22:00+10h30m --date 2026-11-21", notes="")[0]
    shown = admin("approve", typed="y\n", columns=120)
    assert "no notes, over 10 h, past midnight" in strip(shown.err)
    assert "Tin Woodman   " in strip(shown.err)
    assert "Approve 3 entries of 1 person, 12h 45m worked? [y/N]" in shown.err
    assert shown.code == 0
    assert shown.out.endswith("3 approved.\n")
    assert {status_of(admin, each) for each in (first, second, long)} == {"APPROVED"}


def strip(text: str) -> str:
    """Without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_no_changes_nothing(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    assert admin("approve", typed="n\n").out == "Nothing was changed.\n"
    assert status_of(admin, entry) == "SUBMITTED"


def test_overlapping_entries_name_each_other(strict: Strict, admin: Desk) -> None:
    first = worked(strict, "7:00-8:00")[0]
    second = worked(strict, "8:00-9:00")[0]
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET start_time = '2026-11-23T06:30:00Z' WHERE entry_id = ?", (second,))
    rows = admin.ok("approve", "--dry-run", "--json").json
    assert {row["id"]: row["look_at"] for row in rows} == {
        first: [f"overlaps {second[:8]}"],
        second: [f"overlaps {first[:8]}"],
    }


def test_ids_are_taken_at_their_word_and_each_gets_its_outcome(strict: Strict, admin: Desk) -> None:
    good, draft = worked(strict, "7:00-7:30", "7:30-8:00")
    submit(strict, draft, status="DRAFT")
    unknown = "99999999-9999-4999-8999-999999999999"
    result = admin("approve", good, draft, unknown, good, "--json", tty=False)
    assert result.code == 9
    assert result.json == [
        {"id": good, "outcome": "approved", "reason": None, "delivery": "delivered"},
        {
            "id": draft, "outcome": "refused", "delivery": None,
            "reason": "Time entry is in DRAFT status and cannot be approved",
        },
        {"id": unknown, "outcome": "refused", "reason": "Time entry not found", "delivery": None},
    ]  # fmt: skip
    assert result.err == "A DRAFT entry cannot be approved until its time sheet is submitted on the web.\n"
    assert admin("approve", draft, tty=False).code == 5, "none could be approved"
    assert status_of(admin, good) == "APPROVED"


def test_ids_come_through_a_pipe_in_any_form(strict: Strict, admin: Desk) -> None:
    first, second, third = worked(strict, "6:00-6:30", "6:30-7:00", "7:00-7:30")
    assert admin.ok("approve", "-", typed=f"{first}\n\n{first}\n", tty=False).out.endswith("1 approved.\n")
    assert admin.ok("approve", "-", typed=json.dumps([{"id": second}]), tty=False).code == 0
    assert admin.ok("approve", "-", typed=f"notes,id\nx,{third}\n", tty=False).code == 0
    assert {status_of(admin, each) for each in (first, second, third)} == {"APPROVED"}
    assert admin.ok("approve", "-", typed="", tty=False).out == "No ids were given: nothing to do.\n"


def test_a_shortened_id_is_looked_up_before_anything_is_sent(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    assert admin("approve", entry[:8], "ffffffff", tty=False).code == 6
    assert status_of(admin, entry) == "SUBMITTED"
    assert admin("approve", entry[:8], tty=False).code == 0


def test_more_ids_than_a_request_takes_are_sent_in_chunks(strict: Strict, admin: Desk) -> None:
    ids = [f"{n:08}-0000-4000-8000-000000000000" for n in range(250)]
    admin.transport = strict.network
    result = admin("approve", *ids, "--json", tty=False)
    assert [len(body_of(request)["entry_ids"]) for request in strict.network.sent("POST")] == [100, 100, 50]
    assert (result.code, [row["id"] for row in result.json]) == (5, ids)


def test_filters_ask_and_without_a_terminal_need_yes(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    refused = admin("approve", "--today", tty=False)
    assert (refused.code, refused.out) == (2, "")
    assert "There is no terminal to ask in. Nothing was changed." in refused.err
    assert "add --yes" in refused.err
    assert admin.ok("approve", "--yesterday", "--yes", tty=False).out.endswith("No entry matches.\n")
    assert status_of(admin, entry) == "SUBMITTED"
    assert admin.ok("approve", "--today", "--yes", tty=False).out.endswith("1 approved.\n")


def test_nothing_named_is_an_error_where_nobody_can_be_asked(admin: Desk) -> None:
    for typed in (["approve"], ["approve", "--yes"]):
        result = admin(*typed, tty=False)
        assert (result.code, result.err) == (
            2,
            "alga: Approve what? Give ids, - to read ids, or a filter: alga approve --last-week\n",
        )
    assert admin("approve", "x", "--today").code == 2, "ids and filters"


def test_yes_is_not_enough_to_approve_whatever_there_is(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    assert admin("approve", "--yes").code == 2, "in a terminal too"
    assert status_of(admin, entry) == "SUBMITTED"


def test_only_what_is_submitted_waits_and_not_ones_own(strict: Strict, admin: Desk) -> None:
    submitted, draft = worked(strict, "7:00-7:30", "7:30-8:00")
    submit(strict, draft, status="DRAFT")
    assert [row["id"] for row in admin.ok("approve", "--dry-run", "--json").json] == [submitted]
    assert len(admin.ok("approve", "--dry-run", "--json", "--everyone").json) == 4, "her own three too"
    assert [row["id"] for row in admin.ok("approve", "--dry-run", "--json", "--status", "draft").json] == [draft]


def test_a_dry_run_names_ids_that_are_not_there(admin: Desk) -> None:
    unknown = "99999999-9999-4999-8999-999999999999"
    assert admin.ok("approve", unknown, "--dry-run", tty=False).err == f"No entry has the id {unknown}.\n"


def test_dry_run_only_shows(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    shown = admin.ok("approve", entry, "--dry-run", tty=False)
    assert entry[:8] in shown.out
    assert shown.out.endswith("Nothing was changed (--dry-run).\n")
    assert admin.ok("approve", "--dry-run", "-f", "ids", tty=False).out == f"{entry}\n"
    assert status_of(admin, entry) == "SUBMITTED"


def test_a_role_that_may_not_approve_is_told_which_permission(strict: Strict) -> None:
    result = strict.desk("approve", "99999999-9999-4999-8999-999999999999")
    assert result.code == 4
    assert joined(result.err) == (
        "alga: Your role may not approve. An administrator must grant time_entry:approve. No standard role has it."
    )


@pytest.mark.parametrize(
    "typed",
    [["approve", "x"], ["request-changes", "x", "--reason", "y"], ["export"], ["bulk", "create", "x"],
     ["bulk", "update", "x"], ["bulk", "delete", "x"]],
    ids=lambda typed: " ".join(typed[:2]),
)  # fmt: skip
def test_without_a_login_and_without_a_terminal_practice_data_is_refused(desk: Desk, typed: list[str]) -> None:
    result = desk(*typed, tty=False)
    assert (result.code, result.out, result.err) == (3, "", REFUSED_WITHOUT_A_LOGIN)
    assert "practice data" not in desk(*typed, "--profile", "local", tty=False).err


# --- sent back ------------------------------------------------------------------------------------


def test_request_changes_tells_what_is_true_and_that_no_reason_is_kept(strict: Strict, admin: Desk) -> None:
    good, draft = worked(strict, "7:00-7:30", "7:30-8:00")
    submit(strict, draft, status="DRAFT")
    unknown = "99999999-9999-4999-8999-999999999999"
    result = admin("request-changes", good, draft, unknown, "--reason", "Notes, please", "--json", tty=False)
    assert result.code == 9
    assert [(row["outcome"], row["reason"]) for row in result.json] == [
        ("sent back", None),
        ("refused", "Its status is DRAFT: only a submitted entry can be sent back."),
        ("refused", "No entry has that id."),
    ]
    assert "The server does not store the reason: tell the person yourself." in result.err
    assert status_of(admin, good) == "CHANGES_REQUESTED"
    assert admin("request-changes", good, "--reason", " ").code == 2


def test_request_changes_sends_reason_and_feedback(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    admin.transport = strict.network
    admin.ok("request-changes", "--today", "--reason", "why", "--feedback", "more", typed="y\n")
    assert body_of(strict.network.sent("POST")[-1]) == {
        "entry_ids": [entry], "change_reason": "why", "detailed_feedback": "more",
    }  # fmt: skip


def test_a_server_that_keeps_the_reason_is_believed(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]

    def keeping(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "GET" and entry in request.url.path:
            data = response.json()["data"] | {"change_reason": "why"}
            return httpx.Response(200, json={"data": data})
        return response

    admin.transport, strict.network.after = strict.network, keeping
    assert admin.ok("request-changes", entry, "--reason", "why", "--yes").err == ""


def test_an_entry_that_was_sent_back_before_is_told(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    submit(strict, entry, status="CHANGES_REQUESTED")
    row = admin.ok("request-changes", entry, "--reason", "x", "--yes", "--json").json[0]
    assert (row["outcome"], row["delivery"]) == ("sent back already", None)


def test_without_knowing_whose_key_it_is_ones_own_cannot_be_left_out(strict: Strict, admin: Desk) -> None:
    def silent(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(200, json={"data": []}) if "activities" in request.url.path else response

    admin.transport, strict.network.after = strict.network, silent
    refused = admin("approve", "--from", "2026-01-01", "--yes")
    assert (refused.code, "so your own entries cannot be left out" in joined(refused.err)) == (2, True)
    assert len(admin.ok("approve", "--everyone", "--dry-run", "--json").json) == 3


def test_a_role_that_may_not_is_told_before_the_question(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "7:00-8:00", "-s", "Basic Support")
    for command in (["approve"], ["request-changes", "--reason", "x"]):
        result = strict.desk(*command, typed="y\n")
        assert (result.code, "[y/N]" in result.err) == (4, False)
    direct = strict.desk("request-changes", "99999999-9999-4999-8999-999999999999", "--reason", "x")
    assert joined(direct.err) == (
        "alga: Your role may not approve. An administrator must grant time_entry:approve. No standard role has it."
    )


def test_what_cannot_be_approved_is_marked(strict: Strict, admin: Desk) -> None:
    draft = worked(strict, "7:00-7:30")[0]
    submit(strict, draft, status="DRAFT")
    assert admin.ok("approve", "--status", "draft", "--dry-run", "--json").json[0]["look_at"] == ["DRAFT"]


def test_only_what_was_approved_goes_on_through_a_pipe(strict: Strict, admin: Desk) -> None:
    good, draft = worked(strict, "7:00-7:30", "7:30-8:00")
    submit(strict, draft, status="DRAFT")
    assert admin("approve", good, draft, "-f", "ids", tty=False).out == f"{good}\n"


@pytest.mark.parametrize("columns", [80, 120])
def test_what_waits_keeps_to_the_terminals_width(strict: Strict, admin: Desk, columns: int) -> None:
    worked(strict, "22:00+10h30m --date 2026-11-21", notes="")
    worked(strict, "7:00-8:30", notes="A long note about the mailbox of the reception that was full")
    for command in (["approve", "--dry-run"], ["list", "--everyone", "--status", "submitted", "--last-week"]):
        lines = strip(admin.ok(*command, columns=columns).out).splitlines()
        assert max(map(len, lines)) <= columns


# --- a network that fails -------------------------------------------------------------------------


def losing(nth: int) -> Callable[[httpx.Request, httpx.Response], httpx.Response]:
    """The answer to the nth POST is lost."""
    seen = 0

    def after(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        nonlocal seen
        seen += request.method == "POST"
        if request.method == "POST" and seen == nth:
            raise httpx.ReadTimeout("", request=request)
        return response

    return after


@pytest.mark.parametrize(
    ("command", "done"), [(["approve"], "approved"), (["request-changes", "--reason", "x"], "sent back")]
)
def test_a_lost_answer_is_read_from_the_entries(strict: Strict, admin: Desk, command: list[str], done: str) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    admin.transport, strict.network.after = strict.network, losing(1)
    result = admin(*command, entry, "--json", tty=False)
    assert (result.code, result.json[0]["outcome"]) == (0, done)
    assert len(strict.network.sent("POST")) == 1, "a write is never sent twice"


@pytest.mark.parametrize("command", [["request-changes", "--reason", "x"]])
def test_what_cannot_be_read_again_waits(strict: Strict, admin: Desk, command: list[str]) -> None:
    entry = worked(strict, "7:00-8:00")[0]

    def broken(request: httpx.Request) -> None:
        if request.method == "GET" and strict.network.sent("POST"):
            raise httpx.ReadTimeout("", request=request)

    admin.transport, strict.network.before = strict.network, broken
    result = admin(*command, entry, "--json", tty=False)
    assert (result.code, result.json[0]["outcome"]) == (0, "waits")
    strict.network.before = lambda request: None
    assert admin.ok("sync", "--json").json[0]["delivery"] == "delivered"


@pytest.mark.parametrize("command", [["approve"], ["request-changes", "--reason", "x"]])
def test_a_lost_request_may_still_arrive_and_is_no_refusal(strict: Strict, admin: Desk, command: list[str]) -> None:
    entry = worked(strict, "7:00-8:00")[0]

    def lost(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadTimeout("", request=request)

    admin.transport, strict.network.before = strict.network, lost
    result = admin(*command, entry, "--json", tty=False)
    assert (result.code, result.json[0]["outcome"]) == (0, "waits")
    strict.network.before = lambda request: None
    later = admin("sync", "--json")
    approved = command == ["approve"]  # nobody saw what it was that was approved: it may have changed since
    assert (later.code, later.json[0]["delivery"]) == ((8, "set aside") if approved else (0, "delivered"))


def test_what_waits_to_be_approved_is_not_if_it_was_changed_after_it_was_seen(strict: Strict, admin: Desk) -> None:
    first, second = worked(strict, "7:00-8:00", "8:00-9:00")
    lost: list[str] = []

    def lose(request: httpx.Request) -> None:
        if request.url.path.endswith("/approve") and b"00000000-0000" not in request.content and not lost:
            lost.append("once")
            raise httpx.ReadTimeout("", request=request)

    admin.transport, strict.network.before = strict.network, lose
    waits = admin.ok("approve", "--today", "--yes", "--json", tty=False)
    assert {row["outcome"] for row in waits.json} == {"waits"}
    strict.desk.ok("edit", first, "6:00-8:00")
    told = {row["entry_id"]: row["delivery"] for row in admin("sync", "--json").json}
    assert (told[first], told[second]) == ("set aside", "delivered")


def test_what_was_approved_meanwhile_is_not_called_sent_back(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    submit(strict, entry, status="CHANGES_REQUESTED")

    def meanwhile(request: httpx.Request) -> None:
        if request.method == "POST":
            submit(strict, entry, status="APPROVED")

    admin.transport, strict.network.before = strict.network, meanwhile
    row = admin("request-changes", entry, "--reason", "x", "--yes", "--json").json[0]
    assert (row["outcome"], row["reason"]) == (
        "refused", "Its status is APPROVED: only a submitted entry can be sent back.",
    )  # fmt: skip


def test_what_an_error_leaves_unsent_is_told(strict: Strict, admin: Desk) -> None:
    entry = worked(strict, "7:00-8:00")[0]
    ids = [entry, *(f"{n:08}-0000-4000-8000-000000000000" for n in range(150))]

    def down(request: httpx.Request) -> None:
        if len(strict.network.sent("POST")) > 1:
            raise httpx.ConnectError("down", request=request)

    admin.transport, strict.network.before = strict.network, down
    result = admin("approve", *ids, "--json", tty=False)
    outcomes: list[dict[str, Any]] = result.json
    assert result.code == 9
    assert (outcomes[0]["outcome"], outcomes[-1]["outcome"]) == ("approved", "waits")
    assert "cannot be reached" in outcomes[-1]["reason"]
    assert len(outcomes) == 151


def test_an_answer_that_leaves_entries_out_is_not_taken_for_yes(strict: Strict, admin: Desk) -> None:
    admin.transport = answering(200, {"data": {"approved_count": 1, "results": []}})
    result = admin("approve", "99999999-9999-4999-8999-999999999999", "--json", tty=False)
    assert result.code == 0
    assert result.json[0]["reason"].startswith("The server did not report the result: it may or may not")
    assert result.json[0]["delivery"] == "queued"
