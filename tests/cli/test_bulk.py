"""Many entries at once: every fault before anything is sent, and what became of each row."""

import json
import re
from typing import Any

import httpx
import pytest

from alga.app.environment import Environment
from alga.app.session import Session
from alga.core.errors import Overtaken
from tests.conftest import Strict
from tests.support import Desk, Result, body_of, joined, strict_rows

GOOD = "date,start,end,item,notes\n2026-11-20,9:00,10:00,tk_1,First\n2026-11-20,10:00,11:30,tk_2,Second\n"


@pytest.fixture
def local(desk: Desk) -> Desk:
    """A script's desk: no terminal, practice data by name."""
    desk.env["ALGA_PROFILE"] = "local"
    desk.tty = False
    return desk


def file_of(desk: Desk, content: str | bytes, name: str = "rows.csv") -> str:
    """A file at the desk: its path."""
    path = desk.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def entries(desk: Desk) -> list[dict[str, Any]]:
    """All there are, oldest first."""
    found: list[dict[str, Any]] = desk.ok("list", "--from", "2020-01-01", "--json").json
    return found


def faults_of(result: Result, file: str) -> list[str]:
    """The lines that name the file, without its path."""
    return [line.removeprefix(f"{file}:") for line in result.err.splitlines() if line.startswith(file)]


# --- create ---------------------------------------------------------------------------------------


def test_rows_become_entries_and_each_has_its_outcome(local: Desk) -> None:
    path = file_of(local, GOOD)
    result = local.ok("bulk", "create", path)
    first, second = entries(local)
    assert result.err == ""
    assert result.out == (
        "ROW          OUTCOME    ID         WHAT\n"
        f"{'─' * 80}\n"
        f"rows.csv:2   recorded   {first['id'][:8]}   tk_1 Fri 20 Nov 09:00-10:00\n"
        f"rows.csv:3   recorded   {second['id'][:8]}   tk_2 Fri 20 Nov 10:00-11:30\n"
        "2 recorded.\n"
    )
    assert [(e["work_item_id"], e["notes"], e["duration_minutes"], e["billable_minutes"]) for e in (first, second)] == [
        ("tk_1", "First", 60, 60),
        ("tk_2", "Second", 90, 90),
    ]
    assert (first["started_at"], second["ended_at"]) == ("2026-11-20T08:00:00Z", "2026-11-20T10:30:00Z")


def test_the_same_file_again_sends_nothing(local: Desk) -> None:
    path = file_of(local, GOOD)
    local.ok("bulk", "create", path)
    again = local.ok("bulk", "create", path, "--json").json
    assert [row["outcome"] for row in again] == ["recorded already"] * 2
    assert [row["id"] for row in again] == [entry["id"] for entry in entries(local)]


ROWS: dict[str, tuple[str, str]] = {  # a way to say an hour from 9 to 10 in Berlin: the file's name and content
    "friendly": ("r.csv", "date,start,end,item\n2026-11-20,9:00,10:00,tk_1\n"),
    "span": ("r.csv", "date,start,span,item\n2026-11-20,9:00,60m,tk_1\n"),
    "times in the span": ("r.csv", "date,span,item\n2026-11-20,9:00-10:00,tk_1\n"),
    "length in the span": ("r.csv", "date,span,item\n2026-11-20,9:00+1h,tk_1\n"),
    "published": (
        "r.csv",
        "started_at,ended_at,work_item_type,work_item_id,duration_minutes\n"
        "2026-11-20T08:00:00Z,2026-11-20T09:00:00Z,ticket,tk_1,60\n",
    ),
    "deployed": (
        "r.csv",
        "start_time,end_time,work_item_id\n2026-11-20T08:00:00.000Z,2026-11-20T09:00:00.000Z,tk_1\n",
    ),
    "minutes": ("r.csv", "start,duration_minutes,item\n2026-11-20 9:00,60,tk_1\n"),
    "tabs and blank lines": ("r.csv", "\n\nDate\tStart\tEnd\tWork Item\n\n2026-11-20\t9:00\t10:00\ttk_1\n\n"),
    "Excel's first line": ("r.csv", "sep=;\r\ndate;start;end;item\r\n2026-11-20;9:00;10:00; tk_1 \r\n"),
    "a flag of a database": ("r.csv", "start,span,item,is_billable\n2026-11-20T08:00:00Z,1h,tk_1,1\n"),
    "semicolons and CRLF": ("r.csv", "date;start;end;item\r\n2026-11-20;9:00;10:00;tk_1\r\n"),
    "a mark at the beginning": ("r.csv", "\ufeffdate,start,end,item\n2026-11-20,9:00,10:00,tk_1\n"),
    "json": ("r.json", '[{"date": "2026-11-20", "start": "9:00", "end": "10:00", "item": "tk_1", "notes": null}]'),
    "json lines": ("r.jsonl", '{"start": "2026-11-20T08:00:00Z", "duration_minutes": 60, "item": "tk_1"}\n'),
}


@pytest.mark.parametrize("name", ROWS)
def test_every_way_to_say_the_same_row(local: Desk, name: str) -> None:
    file, content = ROWS[name]
    local.ok("bulk", "create", file_of(local, content, file))
    assert [(e["started_at"], e["ended_at"], e["work_item_id"], e["billable_minutes"]) for e in entries(local)] == [
        ("2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z", "tk_1", 60)
    ]


def test_utf_16_and_standard_input_are_read(local: Desk) -> None:
    local.ok("bulk", "create", "-", typed=GOOD.encode("utf-16"))
    assert len(entries(local)) == 2


@pytest.mark.parametrize(
    ("billable", "minutes"), [("yes", 60), ("no", 0), ("true", 60), ("", 60), ("20", 20), ("0", 0), ("1h", 60)]
)
def test_what_a_row_says_of_billable(local: Desk, billable: str, minutes: int) -> None:
    local.ok("bulk", "create", "-", typed=f"date,start,end,item,billable\n2026-11-20,9:00,10:00,tk_1,{billable}\n")
    assert [entry["billable_minutes"] for entry in entries(local)] == [minutes]


def test_types_services_and_long_notes(local: Desk) -> None:
    notes = "ä" * 60_000
    rows = [
        {"start": "2026-11-20T08:00:00Z", "span": "1h", "type": "non_billable_category", "notes": notes},
        {"start": "2026-11-20T09:00:00Z", "span": "1h", "item": "TIC1042", "service": "basic"},
    ]
    local.ok("bulk", "create", "-", typed=json.dumps(rows))
    local.ok("bulk", "create", "-", typed=f"date,span,item,notes\n2026-11-21,9:00-10:00,tk_1,{'x' * 200_000}\n")
    first, second, third = entries(local)
    assert len(third["notes"]) == 200_000
    assert (first["work_item_type"], first["billable_minutes"], first["notes"]) == ("non_billable_category", 0, notes)
    assert second["service_name"] == "Basic Support"


FAULTS = {  # a row after a good heading: what is said of it
    "2026-11-20,9:00,10:00,,x": "item: The row has no work item.",
    "2026-11-20,9:00,9:00,tk_1,x": "end: 09:00-09:00 is less than a minute.",
    "2026-11-20,10:00,9:00,tk_1,x": "end: 10:00 to 09:00 ends before it starts. Past midnight? Give the end date too.",
    "2026-11-24,9:00,10:00,tk_1,x": "end: 09:00-10:00 ends in the future.",
    ",9:00,10:00,tk_1,x": "start: 9:00 on which day? Add a date.",
    ",9:00:00,2026-11-20 10:00,tk_1,x": "start: 9:00:00 on which day? Add a date.",
    "0001-01-01,9:00,10:00,tk_1,x": "date: '0001-01-01' is not a date.",
    "20.11.,9:00,10:00,tk_1,x": "date: '20.11.' is not a date. Did you mean 2026-11-20?",
    "2026-11-20,9:00,,tk_1,x": "end: The row has neither an end nor a span.",
    "2026-11-20,,10:00,tk_1,x": "start: The row has no start. Add a start, or a span like 9:00-10:30.",
    "2026-11-20,\"9,5\",10:00,tk_1,x": "start: '9,5' is not a time.",
    "2026-11-20,9:00,10:00,TIC9999,x": "item: There is no ticket TIC9999. To find one: alga tickets WORDS",
    "2026-11-20,9:00,10:00,tk_1": "the row has 4 cells, but the heading has 5.",
    "2026-10-25,2:30,4:00,tk_1,x": "happens twice: the clocks go back.",
}  # fmt: skip


def test_all_faults_are_told_by_file_and_line_before_anything_is_sent(local: Desk) -> None:
    path = file_of(local, "date,start,end,item,notes\n" + "".join(f"{row}\n" for row in FAULTS) + GOOD.split("\n")[1])
    result = local("bulk", "create", path)
    assert (result.code, result.out) == (2, "")
    told = faults_of(result, path)
    assert len(told) == len(FAULTS)
    for line, (got, said) in enumerate(zip(told, FAULTS.values(), strict=True), 2):
        assert re.match(rf"{line}\b", got)
        assert said in got
    assert result.err.splitlines()[0] == f"alga: {len(FAULTS)} rows cannot be sent. Nothing was sent."
    assert result.err.splitlines()[-1] == "To send the other 1: add --yes"
    assert entries(local) == []


CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "duration_minutes: The row says 30 minutes, but start to end is 60.": {"duration_minutes": 30},
    "span: Both the span and the row give times.": {"span": "9:00-10:00"},
    "billable: 61 billable minutes are more than the 60 worked.": {"billable": 61},
    "user_id: Time is recorded for the key's own user only. Leave the column out.": {"user_id": "somebody"},
    "start_time: conflicts with column 'start'.": {"start_time": "2026-11-20T08:30:00Z"},
    "type: Unknown type 'tickets'.": {"type": "tickets"},
    "service: Unknown service 'gold'.": {"service": "gold"},
    "date: The row says 2026-11-19, but the start is on 2026-11-20.": {"date": "2026-11-19"},
    "is_billable: '2' is neither yes nor no.": {"is_billable": "2"},
    "Item: the row has this column twice.": {"Item": "tk_2"},
    "notes: The notes contain invalid characters.": {"notes": "\ud800"},
    "minutes: 'many' is not a whole number of minutes.": {"minutes": "many"},
}


@pytest.mark.parametrize("said", CONTRADICTIONS)
def test_a_row_that_contradicts_itself_is_faulty(local: Desk, said: str) -> None:
    row = {"start": "2026-11-20T08:00:00Z", "end": "2026-11-20T09:00:00Z", "item": "tk_1"} | CONTRADICTIONS[said]
    result = local("bulk", "create", "-", typed=json.dumps([row]))
    assert result.code == 2
    assert f"standard input:1 {said}" in result.err


def test_ones_own_user_may_be_named_and_seconds_are_cut_as_the_server_does(local: Desk) -> None:
    own = local.ok("whoami", "--json").json["user_id"]
    row = {"start": "2026-11-20T08:00:59Z", "end": "2026-11-20T09:00:01Z", "item": "tk_1", "user_id": own}
    outcome = local.ok("bulk", "create", "-", "--json", typed=json.dumps([row])).json[0]
    assert (outcome["outcome"], outcome["reason"]) == ("recorded", None)
    assert local.ok("bulk", "create", "-", "--json", typed=json.dumps([row])).json[0]["outcome"] == "recorded already"


def test_every_fault_of_a_row_is_told(local: Desk) -> None:
    rows = "date,start,end,item,type,billable,service\n2026-11-20,9.5,10.5,,tickets,x,gold\n"
    told = faults_of(local("bulk", "create", "-", typed=rows), "standard input")
    assert [line.split(":")[0] for line in told] == ["2 type", "2 item", "2 start", "2 end", "2 service"]


def test_a_span_that_cannot_be_read_is_one_fault(local: Desk) -> None:
    rows = 'date,span,item\n2026-11-20,"1,5",tk_1\n2026-11-20,90,tk_1\n'
    told = faults_of(local("bulk", "create", "-", typed=rows), "standard input")
    assert told == [
        "2 span: '1,5' is not a length of time. Did you mean 1,5h?",
        "3 span: 90 what? 90m or 90h.",
    ]


def test_yes_goes_on_with_the_good_rows(local: Desk) -> None:
    path = file_of(local, GOOD + "2026-11-20,10:30,11:00,tk_3,overlaps\n")
    result = local("bulk", "create", path, "--yes", "--json")
    assert (result.code, [row["outcome"] for row in result.json]) == (9, ["recorded", "recorded", "faulty"])
    assert "10:30-11:00 overlaps tk_2 10:00-11:30" in result.json[2]["reason"]
    assert f"({path}:3)" in result.json[2]["reason"]
    assert len(entries(local)) == 2


def test_in_a_terminal_a_person_is_asked(local: Desk) -> None:
    path = file_of(local, GOOD + ",,,,\n2026-11-20,10:30,11:00,tk_3,overlaps\n")
    asked = local("bulk", "create", path, tty=True, typed="n\n")
    assert (asked.code, asked.out) == (0, "Nothing was changed.\n")
    assert "1 row cannot be sent. Send the other 2? [y/N]" in asked.err
    assert entries(local) == []
    assert local("bulk", "create", path, tty=True, typed="y\n").code == 9
    assert len(entries(local)) == 2


def test_rows_are_held_against_what_is_recorded(local: Desk) -> None:
    local.ok("log", "tk_9", "9:30+15m", "--date", "2026-11-20")
    local.clock.pass_by(hours=2)
    local.ok("start", "tk_8", "--ago", "1h")
    path = file_of(local, GOOD + "2026-11-23,10:00,11:00,tk_3,beside the timer\n")
    told = faults_of(local("bulk", "create", path), path)
    assert "09:00-10:00 overlaps tk_9 09:30-09:45" in told[0]
    assert "10:00-11:00 overlaps the running timer on tk_8, since 10:12." in told[1]
    assert len(told) == 2


def test_dry_run_tells_and_sends_nothing(local: Desk) -> None:
    result = local.ok("bulk", "create", file_of(local, GOOD), "--dry-run", "--json")
    assert [(row["outcome"], row["id"], row["delivery"]) for row in result.json] == [("to record", None, None)] * 2
    assert local("bulk", "create", file_of(local, GOOD + "x,,,,\n"), "--dry-run").code == 2
    assert entries(local) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("dat,start,end,item\n1,2,3,4\n", "rows.csv:1 dat: unknown column. Did you mean date?"),
        ("xyzzy,start,end,item\n1,2,3,4\n", "rows.csv:1 xyzzy: unknown column. Choose from: item, type, date,"),
        ("date,start,end\n1,2,3\n", "rows.csv:1: there is no column item or type."),
        ("date,item\n1,2\n", "rows.csv:1: there is no column start or span."),
        ("date,date,item\n1,2,3\n", "rows.csv:1: there are two columns 'date'."),
        ("date,,item\n1,2,3\n", "rows.csv:1: column 2 has no heading."),
        ('date,start,item\n1,"2\n,3\n', "rows.csv, line 3: unexpected end of data."),
        (b"date,start,item\n1,2,caf\xe9\n", "rows.csv, line 2: not UTF-8 text."),
        (b"PK\x03\x04\x00\x00", "rows.csv is not a text file."),
        ('[{"item": "tk_1"},\n{"item": }]', "rows.csv, line 2: not valid JSON."),
        ('[{"item": "tk_1"}\n', "rows.csv, line 2: the list is not closed."),
        ('[{"item": "tk_1"},\n', "rows.csv, line 2: the list is not closed."),
        ("[", "rows.csv, line 1: the list is not closed."),
        ('[{"minutes": ' + "9" * 5000 + "}]", "rows.csv, line 1: not valid JSON."),
        ('[{"item": "tk_1"}]\nmore', "rows.csv: unexpected text after the list."),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(local: Desk, content: str | bytes, said: str) -> None:
    result = local("bulk", "create", file_of(local, content), "--yes")
    assert (result.code, result.out) == (2, "")
    assert f"{local.home}/{said}" in result.err
    assert "Nothing was sent." in result.err


def test_rows_that_are_no_rows(local: Desk) -> None:
    assert local.ok("bulk", "create", "-", typed="").out == "No rows: nothing to do.\n"
    assert local.ok("bulk", "create", "-", typed="date,start,item\n").out == "No rows: nothing to do.\n"
    assert local("bulk", "create", "-", typed='[5, {"notes": {"a": 1}}]').err.count("standard input:1") == 2
    assert local("bulk", "create", str(local.home / "nope.csv")).code == 2
    assert local("bulk", "create", str(local.home)).code == 2


def test_with_json_the_faults_are_in_the_error(local: Desk) -> None:
    result = local("bulk", "create", "-", "--json", typed="date,start,end,item\n,9:00,10:00,tk_1\n")
    assert json.loads(result.err) == {
        "error": "1 row cannot be sent. Nothing was sent.",
        "hint": None,
        "exit_code": 2,
        "details": ["standard input:2 start: 9:00 on which day? Add a date."],
    }


# --- a server that only counts --------------------------------------------------------------------


def test_rows_go_in_chunks_of_fifty(known: Strict) -> None:
    result = known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(120))
    posts = known.network.sent("POST")
    assert [len(body_of(request)["entries"]) for request in posts] == [50, 50, 20]
    assert len({row["id"] for row in result.json}) == 120
    assert {row["outcome"] for row in result.json} == {"recorded"}


def test_a_short_count_is_resolved_row_by_row(known: Strict) -> None:
    unknown = "99999999-9999-4999-8999-999999999999"
    rows = strict_rows(5).splitlines()
    rows[3] = rows[3].replace("TIC1042", unknown)
    result = known.desk("bulk", "create", "-", "--json", typed="\n".join(rows))
    assert result.code == 9
    assert [row["outcome"] for row in result.json] == ["recorded", "recorded", "refused", "recorded", "recorded"]
    assert result.json[2]["line"] == 4
    assert "does not know that work item" in result.json[2]["reason"]


def test_all_failing_is_told_although_the_server_says_201(known: Strict) -> None:
    unknown = "99999999-9999-4999-8999-999999999999"
    result = known.desk("bulk", "create", "-", "--json", typed=strict_rows(3, unknown))
    assert (result.code, {row["outcome"] for row in result.json}) == (5, {"refused"})


def test_without_knowing_whose_key_it_is_the_first_row_goes_alone(strict: Strict) -> None:
    strict.desk.tty = False
    strict.desk.ok("bulk", "create", "-", typed=strict_rows(3))
    bodies = [body_of(request) for request in strict.network.sent("POST")]
    assert ["entries" in body for body in bodies] == [False, True]


def test_an_entry_that_may_be_ones_own_is_not_doubled(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.ok("bulk", "create", "-", typed=strict_rows(1))
    result = strict.desk("bulk", "create", "-", typed=strict_rows(1), tty=False)
    assert result.code == 2
    assert "is the same entry and may be yours" in result.err


def test_a_server_that_stores_something_else_is_told_by_row(known: Strict) -> None:
    def other(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(response.status_code, content=response.content.replace(b"as asked", b"otherwise"))

    known.network.after = other
    rows = "date,start,span,item,service,notes\n2026-10-01,9:00,1h,TIC1042,Basic Support,as asked\n"
    row = known.desk.ok("bulk", "create", "-", "--json", typed=rows).json[0]
    assert row["outcome"] == "recorded"
    assert row["reason"] == "The server stored different notes from those sent."


def test_a_part_of_the_minutes_is_faulty_where_the_server_bills_all_or_nothing(known: Strict) -> None:
    rows = "date,start,span,item,service,billable\n2026-10-01,9:00,1h,TIC1042,Basic Support,20\n"
    for more in ([], ["--dry-run"]):
        told = known.desk("bulk", "create", "-", *more, typed=rows)
        assert told.code == 2
        assert "whole or not at all: 20m of 1h cannot be billed. Use yes or no." in joined(told.out + told.err)
    assert not known.network.sent("POST")


def test_a_lost_answer_is_looked_for_and_nothing_is_sent_twice(known: Strict) -> None:
    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST" and len(known.network.sent("POST")) == 2:
            raise httpx.ReadTimeout("", request=request)
        return response

    known.network.after = lost
    result = known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(120))
    assert {row["outcome"] for row in result.json} == {"recorded"}
    assert len(known.network.sent("POST")) == 3


def test_a_lost_request_is_left_for_the_next_run(known: Strict) -> None:
    def lost(request: httpx.Request) -> None:
        if request.method == "POST" and len(known.network.sent("POST")) == 2:
            raise httpx.ReadTimeout("", request=request)

    known.network.before = lost
    first = known.desk("bulk", "create", "-", "--json", typed=strict_rows(120))
    outcomes = [row["outcome"] for row in first.json]
    assert (first.code, outcomes.count("recorded"), outcomes.count("waits")) == (0, 70, 50)
    assert {row["delivery"] for row in first.json} == {"delivered", "queued"}
    second = known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(120))
    assert {row["outcome"] for row in second.json} == {"recorded already"}, "what waited was delivered first"
    assert len(known.desk.ok("list", "--from", "2026-10-01", "--json").json) == 121, "and the one from before"


def test_a_connection_that_goes_leaves_the_rest_waiting(known: Strict) -> None:
    def down(request: httpx.Request) -> None:
        if len(known.network.sent("POST")) > 1:
            raise httpx.ConnectError("down", request=request)

    known.network.before = down
    result = known.desk("bulk", "create", "-", "--json", typed=strict_rows(120))
    outcomes = [row["outcome"] for row in result.json]
    assert (result.code, outcomes.count("recorded"), outcomes.count("waits")) == (0, 0, 120), (
        "what could not be looked at waits, too"
    )
    known.network.before = lambda request: None
    known.desk.ok("sync")
    assert len(known.desk.ok("list", "--from", "2026-10-01", "--json").json) == 121, "and the one from before"


def test_nobody_else_sends_what_a_bulk_is_sending(known: Strict) -> None:
    environment = Environment(known.desk.clock, known.desk.zone, env=known.desk.environment())

    def another(request: httpx.Request) -> None:
        if request.method == "POST":
            with pytest.raises(Overtaken):
                Session(environment, syncing=True).outbox.drain(wait=0)

    known.network.before = another
    result = known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(3))
    assert [row["outcome"] for row in result.json] == ["recorded"] * 3


def test_ctrl_c_tells_what_became_of_each_row(known: Strict) -> None:
    def interrupt(request: httpx.Request) -> None:
        if len(known.network.sent("POST")) > 1:
            raise KeyboardInterrupt

    known.network.before = interrupt
    result = known.desk("bulk", "create", "-", typed=strict_rows(120))
    assert result.code == 130
    assert result.out.endswith("100 wait, 20 not sent. alga sync delivers what waits.\n"), (
        "what may be there is looked for later"
    )
    known.network.before = lambda request: None
    assert known.desk.ok("bulk", "create", "-", typed=strict_rows(120)).out.endswith(
        "100 recorded already, 20 recorded.\n"
    )


def test_a_row_of_a_form_the_server_refuses_does_not_hold_up_the_others(known: Strict) -> None:
    rows = strict_rows(3).splitlines()
    rows[2] = rows[2].replace("TIC1042", "tk_9c41")
    result = known.desk("bulk", "create", "-", "--json", typed="\n".join(rows))
    assert (result.code, [row["outcome"] for row in result.json]) == (9, ["recorded", "refused", "recorded"])
    assert "does not know that work item" in result.json[1]["reason"]


def test_a_row_that_the_server_counts_and_does_not_list_is_not_sent_again(known: Strict) -> None:
    unknown = "99999999-9999-4999-8999-999999999999"

    def counting(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(201, json={"data": {"created_count": 1}})
        return response

    known.network.after = counting
    result = known.desk("bulk", "create", "-", "--json", typed=strict_rows(1, unknown))
    assert (result.code, result.json[0]["outcome"]) == (0, "waits")
    assert "counts the entry but does not list it" in result.json[0]["reason"]
    assert len(known.network.sent("POST")) == 1


def test_a_first_row_whose_answer_is_lost_is_looked_for_and_not_sent_again(strict: Strict) -> None:
    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ReadTimeout("", request=request)
        return response

    strict.network.after = lost
    result = strict.desk("bulk", "create", "-", "--json", typed=strict_rows(3), tty=False)
    assert [row["outcome"] for row in result.json] == ["recorded"] * 3, "a look has found the first"
    assert ["entries" in body_of(request) for request in strict.network.sent("POST")] == [False, True]
    strict.network.after = lambda request, response: response
    again = strict.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(3), tty=False).json
    assert [row["outcome"] for row in again] == ["recorded already"] * 3


def test_rows_are_held_against_a_timer_kept_here(known: Strict) -> None:
    known.desk.ok("start", "TIC1042", "-s", "basic")
    known.desk.clock.pass_by(hours=1)
    row = "date,span,item,service\n2026-11-23,9:30-10:00,TIC1011,Basic Support\n"
    result = known.desk("bulk", "create", "-", typed=row)
    assert result.code == 2
    assert "09:30-10:00 overlaps the running timer on TIC1042, since 09:12." in result.err


def test_a_row_is_held_against_what_reaches_in_from_the_day_before(local: Desk) -> None:
    local.ok("log", "tk_9", "--from", "2026-11-19 22:00", "--to", "2026-11-20 2:00")
    result = local("bulk", "create", "-", typed="date,span,item\n2026-11-20,1:00-1:30,tk_1\n")
    assert "overlaps tk_9 Thu 19 Nov 22:00+4h" in result.err


def test_a_row_twice_in_a_file_is_one_entry_however_often_it_is_run(local: Desk) -> None:
    rows = GOOD + GOOD.splitlines()[1] + "\n"
    for already in ("recorded", "recorded already"):
        result = local("bulk", "create", "-", "--yes", "--json", typed=rows)
        assert [row["outcome"] for row in result.json] == [already, already, "faulty"]
    assert len(entries(local)) == 2


def failing_to_read(strict: Strict, after: str) -> None:
    """Once something was written with that method, nothing can be read any more."""

    def broken(request: httpx.Request) -> None:
        if request.method == "GET" and strict.network.sent(after):
            raise httpx.ReadTimeout("", request=request)

    strict.network.before = broken


def test_what_was_sent_and_cannot_be_read_again_waits(known: Strict) -> None:
    failing_to_read(known, "POST")
    result = known.desk("bulk", "create", "-", "--json", typed=strict_rows(60))
    outcomes = [row["outcome"] for row in result.json]
    assert (result.code, outcomes.count("waits")) == (0, 60)
    known.network.before = lambda request: None
    known.desk.ok("sync")
    assert len(known.desk.ok("list", "--from", "2026-10-01", "--json").json) == 61


def test_a_gateways_page_is_no_proof_that_an_entry_is_gone(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.tty, admin.transport = False, strict.network
    ids = [row["id"] for row in admin.ok("bulk", "create", "-", "--json", typed=strict_rows(2)).json]

    def gateway(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(502)
        return httpx.Response(404, text="default backend") if strict.network.sent("DELETE") else response

    def unheard(request: httpx.Request) -> None:
        if request.method == "DELETE":
            request.url = request.url.copy_with(path="/api/v1/nowhere")

    strict.network.before, strict.network.after = unheard, gateway
    result = admin("bulk", "delete", *ids, "--yes", "--json")
    assert (result.code, {row["outcome"] for row in result.json}) == (0, {"waits"})


def test_ctrl_c_is_130_in_the_only_chunk_too_and_while_progress_is_told(known: Strict) -> None:
    def interrupt(request: httpx.Request) -> None:
        if request.method == "POST":
            raise KeyboardInterrupt

    known.network.before = interrupt
    result = known.desk("bulk", "create", "-", "--json", typed=strict_rows(3))
    assert (result.code, {row["outcome"] for row in result.json}) == (130, {"waits"})


def test_rows_sent_alone_keep_their_outcomes_when_the_network_goes(known: Strict) -> None:
    rows = strict_rows(5).splitlines()
    rows[5] = rows[5].replace("TIC1042", "tk_9c41")  # its form makes the server refuse the whole chunk

    def down(request: httpx.Request) -> None:
        if len(known.network.sent("POST")) > 3:
            raise httpx.ConnectError("down", request=request)

    known.network.before = down
    result = known.desk("bulk", "create", "-", "--json", typed="\n".join(rows))
    assert (result.code, [row["outcome"] for row in result.json]) == (
        0, ["recorded", "recorded", "waits", "waits", "waits"],
    )  # fmt: skip


# --- update ---------------------------------------------------------------------------------------


@pytest.fixture
def two(local: Desk) -> tuple[str, str]:
    """The ids of two entries on the practice data."""
    local.ok("bulk", "create", file_of(local, GOOD))
    first, second = entries(local)
    return first["id"], second["id"]


def test_rows_change_entries_and_only_what_they_say(local: Desk, two: tuple[str, str]) -> None:
    rows = f"id,notes,span,billable\n{two[0]},New,,\n{two[1]},,12:00-13:00,no\n"
    result = local.ok("bulk", "update", "-", "--json", typed=rows)
    assert [(row["id"], row["outcome"]) for row in result.json] == [(two[0], "changed"), (two[1], "changed")]
    first, second = entries(local)
    assert (first["notes"], first["duration_minutes"]) == ("New", 60)
    assert (second["notes"], second["started_at"], second["billable_minutes"]) == ("Second", "2026-11-20T11:00:00Z", 0)


def test_an_export_that_was_edited_changes_what_was_edited(local: Desk, two: tuple[str, str]) -> None:
    exported = local.ok("export", "--from", "2020-01-01", "--exact").out
    result = local.ok("bulk", "update", "-", "--json", typed=exported.replace("First", "Mended"))
    assert [row["outcome"] for row in result.json] == ["changed", "unchanged"]
    assert [entry["notes"] for entry in entries(local)] == ["Mended", "Second"]


def test_with_new_times_what_a_row_says_of_billable_is_what_is_meant(local: Desk, two: tuple[str, str]) -> None:
    rows = f"id,span,billable\n{two[0]},7:00-8:30,60\n{two[1]},12:00-14:00,\n"
    local.ok("bulk", "update", "-", typed=rows)
    assert [(e["duration_minutes"], e["billable_minutes"]) for e in entries(local)] == [(90, 60), (120, 120)]


def test_new_times_are_held_against_other_entries_as_they_will_be(local: Desk, two: tuple[str, str]) -> None:
    swapped = f"id,span\n{two[0]},10:00-11:30\n{two[1]},9:00-10:00\n"
    assert local.ok("bulk", "update", "-", typed=swapped).out.endswith("2 changed.\n")
    clash = local("bulk", "update", "-", typed=f"id,span\n{two[1]},9:30-10:30\n")
    assert clash.code == 2
    assert f"standard input:2 start: 09:30-10:30 overlaps tk_1 10:00-11:30 ({two[0][:8]})." in clash.err


def test_faulty_changes_are_told_by_line(local: Desk, two: tuple[str, str]) -> None:
    unknown = "99999999-9999-4999-8999-999999999999"
    rows = f"id,notes,end\n{unknown},x,\n,y,\n{two[0]},z,8:00\n{two[1]},a,\n{two[1]},b,\n"
    result = local("bulk", "update", "-", typed=rows)
    assert result.code == 2
    assert faults_of(result, "standard input") == [
        "2 id: No entry has that id.",
        "3 id: The row has no id.",
        "4 start: The row has no start. Add a start, or a span like 9:00-10:30.",
        "6 id: standard input:5 already changes that entry.",
    ]
    assert local("bulk", "update", "-", "--yes", typed=rows).code == 9
    assert [entry["notes"] for entry in entries(local)] == ["First", "a"]


def test_a_running_timer_gets_notes_and_no_times(local: Desk) -> None:
    running = local.ok("start", "tk_1", "--json").json["id"]
    for row in ("span\n{},8:00-9:00", "billable\n{},no"):
        result = local("bulk", "update", "-", typed=f"id,{row.format(running)}\n")
        assert (result.code, "Its timer is still running" in result.err) == (2, True)
    local.ok("bulk", "update", "-", typed=f"id,notes\n{running},new\n")
    assert local.ok("status", "--json").json["notes"] == "new"


def test_updates_that_a_server_counts_but_does_not_make_are_found_out(known: Strict) -> None:
    made = known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(3)).json
    with known.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET approval_status = 'APPROVED' WHERE entry_id = ?", (made[1]["id"],))
    rows = "id,notes\n" + "".join(f"{row['id']},new\n" for row in made)
    told = known.desk("bulk", "update", "-", typed=rows)
    assert "standard input:3 id: The entry is approved, so it cannot be changed" in told.err
    result = known.desk("bulk", "update", "-", "--json", "--yes", typed=rows)
    assert (result.code, [row["outcome"] for row in result.json]) == (9, ["changed", "faulty", "changed"])


def test_updates_that_a_server_counts_and_drops_are_tried_alone(known: Strict) -> None:
    made = known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(2)).json

    def dropping(request: httpx.Request) -> None:
        if request.method == "PUT" and request.url.path.endswith("/bulk"):
            with known.app.store.open(writing=True) as db:  # approved meanwhile, by somebody else
                db.execute("UPDATE entries SET approval_status = 'APPROVED' WHERE entry_id = ?", (made[1]["id"],))

    known.network.before = dropping
    rows = "id,notes\n" + "".join(f"{row['id']},new\n" for row in made)
    result = known.desk("bulk", "update", "-", "--json", typed=rows)
    assert (result.code, [row["outcome"] for row in result.json]) == (9, ["changed", "refused"])
    assert result.json[1]["reason"] == "The entry is approved, so it cannot be changed."


def test_nobody_elses_entry_is_touched(known: Strict) -> None:
    admin = known.as_role("admin")
    theirs = admin.ok("log", "TIC1011", "7:00-7:30", "-s", "Basic Support", "--json").json["id"]
    update = known.desk("bulk", "update", "-", typed=f"id,notes\n{theirs},mine\n")
    assert update.code == 2
    assert "The entry belongs to Glinda Good: only its own user may change it." in update.err
    delete = admin("bulk", "delete", known.desk.ok("list", "-f", "ids").out.strip(), "--yes", "--json", tty=False)
    assert (delete.code, delete.json[0]["reason"]) == (
        5,
        "The entry belongs to Tin Woodman: only its own user may change it.",
    )


def test_a_place_that_a_faulty_row_does_not_leave_is_not_free(local: Desk, two: tuple[str, str]) -> None:
    local.ok("log", "tk_9", "13:00-14:00", "--date", "2026-11-20")
    rows = f"id,span\n{two[0]},13:00-14:00\n{two[1]},9:00-10:00\n"
    result = local("bulk", "update", "-", "--yes", typed=rows)
    assert result.code == 2
    assert [line[:7] for line in faults_of(result, "standard input")] == ["2 start", "3 start"]
    assert [entry["started_at"][11:16] for entry in entries(local)] == ["08:00", "09:00", "12:00"]


def test_a_change_waits_until_the_place_it_needs_is_free(known: Strict) -> None:
    """Row 1 needs row 2's place, and row 2's change is refused when it is sent."""
    made = known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(2)).json
    unknown = "99999999-9999-4999-8999-999999999999"
    rows = f"id,span,service\n{made[0]['id']},0:30-1:00,\n{made[1]['id']},5:00-5:30,{unknown}\n"
    result = known.desk("bulk", "update", "-", "--json", typed=rows)
    assert [(row["outcome"], row["reason"]) for row in result.json] == [
        ("refused", "Its new time is not free: the entry there was not moved."),
        ("refused", "AlgaPSA does not know that service."),
    ]
    starts = [entry["started_at"] for entry in known.desk.ok("list", "--from", "2026-10-01", "--json").json]
    assert len(starts) == len(set(starts))


def test_a_row_of_entries_moves_on_one_after_the_other(local: Desk, two: tuple[str, str]) -> None:
    rows = f"id,span\n{two[0]},10:00-11:00\n{two[1]},11:00-12:30\n"
    result = local.ok("bulk", "update", "-", "--json", typed=rows)
    assert {row["outcome"] for row in result.json} == {"changed"}
    assert [entry["started_at"][11:16] for entry in entries(local)] == ["09:00", "10:00"]


def test_what_was_moved_stays_told_when_the_network_goes_before_the_next(known: Strict) -> None:
    made = [row["id"] for row in known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(2)).json]

    def down(request: httpx.Request) -> None:
        if len(known.network.sent("PUT")) > 1:
            raise httpx.ConnectError("down", request=request)

    known.network.before = down
    rows = f"id,span\n{made[0]},0:30-1:00\n{made[1]},1:00-1:30\n"
    result = known.desk("bulk", "update", "-", "--json", typed=rows)
    assert (result.code, [row["outcome"] for row in result.json]) == (0, ["waits", "changed"])
    known.network.before = lambda request: None
    known.desk.ok("sync")
    rows = known.desk.ok("list", "--from", "2026-10-01", "--json").json
    assert {row["id"]: row["started_at"][11:16] for row in rows if row["id"] in made} == dict(
        zip(made, ("22:30", "23:00"), strict=True)
    )


def test_a_change_that_the_server_does_not_make_is_refused(known: Strict) -> None:
    made = known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(1)).json[0]["id"]
    before = known.desk.ok("show", made, "--json").json

    def deaf(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method != "PUT":
            return response
        counted = {"data": {"updated_count": 1}}
        return httpx.Response(200, json=counted if request.url.path.endswith("/nowhere/bulk") else {"data": before})

    def elsewhere(request: httpx.Request) -> None:
        if request.method == "PUT":
            request.url = request.url.copy_with(path=request.url.path.replace("time-entries", "nowhere"))

    known.network.before, known.network.after = elsewhere, deaf
    result = known.desk("bulk", "update", "-", "--json", typed=f"id,notes\n{made},new\n")
    assert (result.code, result.json[0]["outcome"]) == (5, "refused")
    assert result.json[0]["reason"] == "The server stored different notes from those sent."


def test_what_is_only_shown_is_no_column_to_create_from(local: Desk) -> None:
    rows = "start,span,item,service_name,local_start\n2026-11-20T08:00:00Z,1h,tk_1,Basic Support,2026-11-20 10:00\n"
    assert faults_of(local("bulk", "create", "-", typed=rows), "standard input") == [
        "2 service_name: Read-only column; use 'service'.",
        "2 local_start: Conflicts with the row's times: 2026-11-20 09:00.",
    ]


def test_notes_of_ones_own_file_are_as_they_are_typed(local: Desk) -> None:
    local.ok("bulk", "create", "-", typed="date,span,item,notes\n2026-11-20,9:00-10:00,tk_1,'-f' option\n")
    assert entries(local)[0]["notes"] == "'-f' option"
    exact = local.ok("export", "--last-week", "--exact").out
    assert local.ok("bulk", "update", "-", "--json", typed=exact).json[0]["outcome"] == "unchanged"


def test_a_wrong_field_never_hides_what_became_of_a_row(local: Desk) -> None:
    result = local("bulk", "create", "-", "--fields", "id,outcom", "--json", typed=GOOD)
    assert (result.code, [row["outcome"] for row in result.json]) == (2, ["recorded", "recorded"])
    assert "Unknown field 'outcom', so all fields are shown." in result.err


def test_ids_of_what_was_there_already_come_again(local: Desk, two: tuple[str, str]) -> None:
    assert local.ok("bulk", "create", "-", "-f", "ids", typed=GOOD).out.split() == list(two)


def test_a_change_is_held_against_a_timer_kept_here(known: Strict) -> None:
    entry = known.desk.ok("list", "-f", "ids").out.strip()
    known.desk.ok("start", "TIC1042", "-s", "basic")
    known.desk.clock.pass_by(hours=1)
    result = known.desk("bulk", "update", "-", typed=f"id,span\n{entry},9:30-10:00\n")
    assert (result.code, "overlaps the running timer on TIC1042, since 09:12." in result.err) == (2, True)


def test_what_alga_only_shows_cannot_be_changed_in_silence(local: Desk, two: tuple[str, str]) -> None:
    exported = local.ok("export", "--last-week").out
    changed = exported.replace("2026-11-20 09:00", "2026-11-20 08:00").replace("DRAFT", "APPROVED")
    told = faults_of(local("bulk", "update", "-", typed=changed), "standard input")
    assert (
        "2 local_start: Read-only column; its value is 2026-11-20 09:00. Change started_at, or leave the column out."
        in told
    )
    assert "2 approval_status: Read-only column; its value is DRAFT. Leave the column out." in told
    assert local("bulk", "update", "-", typed=f"id,duration_minutes\n{two[0]},30\n").code == 2


def test_an_export_reads_back_as_it_was(local: Desk) -> None:
    hostile = ["- fixed the printer", "=1+1", "'-quoted", "''=twice", "+49 30", "@home", "\tindent", "plain", "a\nb"]
    rows = [
        {"start": f"2026-11-20T{n + 6:02}:00:00Z", "span": "30m", "item": "tk_1", "notes": notes}
        for n, notes in enumerate(hostile)
    ]
    local.ok("bulk", "create", "-", typed=json.dumps(rows))
    for form in ("csv", "json", "jsonl"):
        exported = local.ok("export", "--last-week", "-f", form).content
        read_back = local.ok("bulk", "update", "-", "--json", typed=exported).json
        assert {row["outcome"] for row in read_back} == {"unchanged"}, form
    assert [entry["notes"] for entry in entries(local)] == hostile


def test_shortened_ids_and_a_dry_run_that_says_what_would_change(local: Desk, two: tuple[str, str]) -> None:
    rows = f"entry_id,notes\n{two[0][:8]},New\n{two[1]},Second\nffffffff,x\n"
    shown = local("bulk", "update", "-", "--dry-run", "--json", typed=rows)
    assert [row["outcome"] for row in shown.json] == ["to change", "unchanged", "faulty"]
    table = local("bulk", "update", "-", "--dry-run", typed=rows).out
    assert re.search(r"to change +\w{8} +notes", table)
    assert table.endswith("1 to change, 1 unchanged, 1 faulty.\nNothing was sent (--dry-run).\n")
    assert local("bulk", "update", "-", typed="id,notes\n../stats,x\n").code == 2


# --- delete ---------------------------------------------------------------------------------------


def test_entries_are_deleted_by_ids_and_files_and_each_has_its_outcome(local: Desk, two: tuple[str, str]) -> None:
    unknown = "99999999-9999-4999-8999-999999999999"
    path = file_of(local, f"notes,id\nx,{two[1]}\n", "doomed.csv")
    result = local("bulk", "delete", two[0][:8], path, unknown, "--yes", "--json")
    assert result.code == 9
    assert {row["id"]: (row["outcome"], row["reason"]) for row in result.json} == {
        two[0]: ("deleted", None),
        two[1]: ("deleted", None),
        unknown: ("refused", "No entry has that id."),
    }
    assert entries(local) == []


def test_deleting_asks(local: Desk, two: tuple[str, str]) -> None:
    refused = local("bulk", "delete", *two)
    assert (refused.code, joined(refused.err)) == (
        2, "alga: Delete 2 entries? There is no terminal to ask in. Nothing was changed. Add --yes.",
    )  # fmt: skip
    assert local("bulk", "delete", *two, tty=True, typed="n\n").out == "Nothing was changed.\n"
    assert len(local.ok("bulk", "delete", *two, "--dry-run", "--json").json) == 2
    assert len(entries(local)) == 2
    assert local("bulk", "delete", "-", typed="").out == "No ids: nothing to do.\n"
    assert local("bulk", "delete", *two, tty=True, typed="y\n").out.endswith("2 deleted.\n")


def test_many_entries_are_looked_up_at_once_and_each_is_read_after(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.tty, admin.transport = False, strict.network
    admin.ok("log", "TIC1011", "7:00-7:30", "-s", "Basic Support")
    ids = [row["id"] for row in admin.ok("bulk", "create", "-", "--json", typed=strict_rows(120)).json]
    strict.network.requests.clear()
    result = admin.ok("bulk", "delete", "-", "--yes", "--json", typed="\n".join(ids))
    assert {row["outcome"] for row in result.json} == {"deleted"}
    assert len(strict.network.sent("DELETE")) == 3
    methods = [request.method for request in strict.network.requests]
    assert methods.index("DELETE") == 1, "one export shows them all"
    assert methods.count("GET") == 1 + 2, "and one listing a hundred whether they are gone"


def test_what_a_server_says_is_deleted_and_is_not_is_found_out(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.tty = False
    ids = [row["id"] for row in admin.ok("bulk", "create", "-", "--json", typed=strict_rows(2)).json]
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET approval_status = 'APPROVED' WHERE entry_id = ?", (ids[0],))
    result = admin("bulk", "delete", *ids, "--yes", "--json")
    assert [(row["outcome"], row["reason"]) for row in result.json] == [
        ("refused", "The entry is approved, so it cannot be changed: an approver can reopen it on the web."),
        ("deleted", None),
    ]


def test_files_of_ids_are_read_and_what_is_no_file_is_told(local: Desk, two: tuple[str, str]) -> None:
    path = file_of(local, f"entry_id,notes\n{two[0]},x\n", "doomed.csv")
    assert local("bulk", "delete", str(local.home / "nope.csv"), "--yes").code == 2
    without = local("bulk", "delete", file_of(local, GOOD), "--yes")
    assert (without.code, "rows.csv:2 id: the row has no id." in without.err) == (2, True)
    shown = local.ok("bulk", "delete", path, "99999999-9999-4999-8999-999999999999", "--dry-run")
    assert shown.out.endswith(
        "1 other cannot be deleted: not found, approved, or somebody else's.\nNothing was sent (--dry-run).\n"
    )
    assert (
        local("bulk", "delete", path, "99999999-9999-4999-8999-999999999999", "--yes", "-f", "ids").out == f"{two[0]}\n"
    )


def test_a_technician_may_not_delete(known: Strict) -> None:
    entry = known.desk.ok("list", "-f", "ids").out.strip()
    result = known.desk("bulk", "delete", entry, "--yes")
    assert result.code == 4
    assert "timeentry:delete" in result.err


@pytest.mark.parametrize("command", ["update", "delete"])
def test_a_lost_answer_to_a_change_is_read_from_the_entries(strict: Strict, command: str) -> None:
    admin = strict.as_role("admin")
    admin.tty, admin.transport = False, strict.network
    ids = [row["id"] for row in admin.ok("bulk", "create", "-", "--json", typed=strict_rows(2)).json]

    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method in ("PUT", "DELETE"):
            raise httpx.ReadTimeout("", request=request)
        return response

    strict.network.after = lost
    typed = "id,notes\n" + "".join(f"{each},new\n" for each in ids)
    result = admin.ok("bulk", command, "-", "--yes", "--json", typed=typed)
    assert {row["outcome"] for row in result.json} == {f"{command}d".replace("updated", "changed")}
    assert len(strict.network.sent("PUT") + strict.network.sent("DELETE")) == 1


@pytest.mark.parametrize("command", ["update", "delete"])
def test_a_lost_request_for_a_change_is_not_taken_for_done(strict: Strict, command: str) -> None:
    admin = strict.as_role("admin")
    admin.tty, admin.transport = False, strict.network
    ids = [row["id"] for row in admin.ok("bulk", "create", "-", "--json", typed=strict_rows(2)).json]

    def lost(request: httpx.Request) -> None:
        if request.method in ("PUT", "DELETE"):
            raise httpx.ReadTimeout("", request=request)

    strict.network.before = lost
    typed = "id,notes\n" + "".join(f"{each},new\n" for each in ids)
    result = admin("bulk", command, "-", "--yes", "--json", typed=typed)
    assert (result.code, {row["outcome"] for row in result.json}) == (0, {"waits"})
    strict.network.before = lambda request: None
    admin.ok("sync")
    left = [row for row in admin.ok("list", "--from", "2026-10-01", "--json").json if row["id"] in ids]
    assert [row["notes"] for row in left] == (["new"] * 2 if command == "update" else [])


@pytest.mark.parametrize(
    "row",
    [
        "yesterday,9:00,10:00",
        ",yesterday 9:00,yesterday 10:00",
        "monday,9:00,10:00",
        ",2h ago,1h ago",
        "today,7:00,now",
    ],
)
def test_a_file_whose_times_are_others_tomorrow_is_refused(local: Desk, row: str) -> None:
    refused = local("bulk", "create", "-", "--yes", typed=f"date,start,end,item\n{row},tk_1\n")
    assert (refused.code, "is another time tomorrow." in joined(refused.err)) == (2, True)
    assert entries(local) == []
