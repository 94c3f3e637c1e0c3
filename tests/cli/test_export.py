"""Exports: what payroll and billing open in other software, the same bytes every time, and safe to open."""

import csv
import errno
import io
import json
import os
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import httpx
import openpyxl
import polars
import pytest

from alga.export import workbook
from tests.conftest import Strict
from tests.support import Desk, Result

HEADING = (
    "id,work_date,started_at,ended_at,local_start,local_end,duration_minutes,billable_minutes,work_item_type,"
    "work_item_id,work_item_title,service_id,service_name,user_id,user_name,approval_status,notes"
)
HOSTILE = {  # notes, and what CSV makes of them so that neither a spreadsheet nor a terminal obeys
    "=1+1": "'=1+1",
    "+49 30 1234": "'+49 30 1234",
    "-2+3": "'-2+3",
    "@SUM(A1)": "'@SUM(A1)",
    "\tindented": "'\tindented",
    'a "quoted", one\nand a line': 'a "quoted", one\nand a line',
    "\x1b[31mred\x1b]0;title\x07": "\ufffd[31mred\ufffd]0;title\ufffd",
    "[bold red]markup[/]": "[bold red]markup[/]",
    "back\rover": "back\ufffdover",
    "right\u202eto left": "right\ufffdto left",
    "Grüße ✓": "Grüße ✓",
}


@pytest.fixture
def payroll(desk: Desk) -> Desk:
    """A script's desk on practice data with three entries of last week, one of them not billable, and a timer."""
    desk.env["ALGA_PROFILE"] = "local"
    desk.tty = False
    desk.ok("log", "tk_2", "10:00-11:30", "--date", "2026-11-17", "-m", "Second")
    desk.ok("log", "tk_1", "9:00-10:00", "--date", "2026-11-17", "-m", "First", "-s", "Basic Support")
    desk.ok("log", "TIC1042", "23:30+1h", "--date", "2026-11-18", "--no-billable", "-s", "Basic Support")
    desk.ok("start", "tk_3")
    return desk


def rows_of(result: Result) -> list[dict[str, str]]:
    """The CSV as the csv module reads it."""
    return list(csv.DictReader(io.StringIO(result.content.decode(), newline="")))


def hostile(desk: Desk) -> None:
    """An entry for each of the hostile notes, in their order."""
    rows = [
        {"start": f"2026-11-20T{n + 6:02}:00:00Z", "span": "30m", "item": "tk_1", "notes": notes}
        for n, notes in enumerate(HOSTILE)
    ]
    desk.ok("bulk", "create", "-", "--profile", "local", typed=json.dumps(rows))


# --- CSV ------------------------------------------------------------------------------------------


def test_csv_word_for_word(payroll: Desk) -> None:
    result = payroll.ok("export", "--last-week", "--fields", "work_date,started_at,local_start,local_end,"
                        "duration_minutes,billable_minutes,work_item_title,service_name,user_name,notes")  # fmt: skip
    assert result.content == (
        b"work_date,started_at,local_start,local_end,duration_minutes,billable_minutes,work_item_title,service_name,"
        b"user_name,notes\r\n"
        b"2026-11-17,2026-11-17T08:00:00Z,2026-11-17 09:00,2026-11-17 10:00,60,60,,Basic Support,You,First\r\n"
        b"2026-11-17,2026-11-17T09:00:00Z,2026-11-17 10:00,2026-11-17 11:30,90,90,,,You,Second\r\n"
        b"2026-11-18,2026-11-18T22:30:00Z,2026-11-18 23:30,2026-11-19 00:30,60,0,"
        b'"Mailbox full, cannot send",Basic Support,You,\r\n'
    )
    assert result.err == ""
    assert payroll.ok("export", "--last-week").content.splitlines()[0].decode() == HEADING


def test_a_running_timer_is_left_out_and_counted(payroll: Desk) -> None:
    result = payroll.ok("export", "--today")
    assert (result.content, result.err) == (
        f"{HEADING}\r\n".encode(),
        "Nothing to export: no finished entry matches.\n"
        "1 running timer left out: a timer's time is recorded when it stops.\n",
    )


def test_a_timer_kept_here_is_counted_too(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic")
    result = strict.desk.ok("export", "--today", "--mine", tty=False)
    assert result.err.splitlines()[-1] == "1 running timer left out: a timer's time is recorded when it stops."
    for elsewhere in (["--yesterday"], ["--today", "--work-item", "TIC1011"], ["--today", "--status", "draft"]):
        assert "running" not in strict.desk.ok("export", *elsewhere, tty=False).err


def test_all_time_is_said(payroll: Desk) -> None:
    result = payroll.ok("export")
    assert len(rows_of(result)) == 3
    assert result.err.splitlines()[0] == "No period was given: exporting entries of all time."


def test_the_same_period_gives_the_same_bytes(payroll: Desk, tmp_path: Path) -> None:
    for form in ("csv", "json", "jsonl", "xlsx"):
        first, second = (payroll.ok("export", "--last-week", "--format", form).content for _ in range(2))
        payroll.clock.pass_by(hours=1)
        assert first == second == payroll.ok("export", "--last-week", "-f", form).content, form


def test_ties_are_in_the_order_of_their_ids(strict: Strict) -> None:
    for role in ("technician", "admin"):
        strict.as_role(role).ok("log", "TIC1042", "7:00-8:00", "-s", "Basic Support")
    rows = strict.desk.ok("export", "--today", "--json", tty=False).json
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert {row["user_name"] for row in rows} == {"Tin Woodman", "Glinda Good"}, "everyone's"
    assert len(strict.desk.ok("export", "--today", "--mine", "--json", tty=False).json) == 1


def test_cells_that_a_spreadsheet_would_run_are_made_harmless(desk: Desk) -> None:
    hostile(desk)
    rows = rows_of(desk.ok("export", "--profile", "local", tty=False))
    assert [row["notes"] for row in rows] == list(HOSTILE.values())


def test_exact_leaves_them_as_they_are(desk: Desk) -> None:
    hostile(desk)
    rows = rows_of(desk.ok("export", "--profile", "local", "--exact", tty=False))
    assert [row["notes"] for row in rows] == list(HOSTILE)
    at_terminal = desk("export", "--exact")
    assert (at_terminal.code, at_terminal.out) == (2, "")


def test_no_output_of_any_command_drives_a_terminal(desk: Desk) -> None:
    hostile(desk)
    typed = [
        ["list", "--from", "2026-11-01"], ["search", "--all", "re"], ["search", "["], ["day", "2026-11-20"],
        ["stats", "--by", "work-item", "--from", "2026-11-01"], ["export"], ["export", "-f", "json"],
        ["export", "-f", "jsonl"], ["approve", "--dry-run", "--mine", "--status", "draft"],
        ["bulk", "delete", "--dry-run", *desk.ok("list", "--from", "2026-11-01", "-f", "ids").out.split()],
    ]  # fmt: skip
    for command in typed:
        desk.env["NO_COLOR"] = "1"
        shown = desk.ok(*command, "--profile", "local")
        for char in ("\x1b", "\x07", "\u202e", "k\ro"):
            assert char not in shown.out + shown.err, command


# --- JSON -----------------------------------------------------------------------------------------


def test_json_and_json_lines_say_the_same_as_csv(payroll: Desk) -> None:
    as_json = payroll.ok("export", "--last-week", "--json").json
    lines = [json.loads(line) for line in payroll.ok("export", "--last-week", "-f", "jsonl").out.splitlines()]
    from_csv = rows_of(payroll.ok("export", "--last-week"))
    assert as_json == lines
    assert [{k: "" if v is None else str(v) for k, v in row.items()} for row in as_json] == from_csv


def test_an_export_of_nothing(payroll: Desk) -> None:
    empty = {"csv": f"{HEADING}\r\n", "json": "[]\n", "jsonl": ""}
    for form, content in empty.items():
        assert payroll.ok("export", "--from", "2030-01-01", "-f", form).content.decode() == content
    book = openpyxl.load_workbook(io.BytesIO(payroll.ok("export", "--from", "2030-01-01", "-f", "xlsx").content))
    assert [cell.value for cell in book["Entries"][1]] == HEADING.split(",")
    assert [cell.value for cell in book["Sums"][2]] == ["Total", None, 0, 0, 0, None, None]


# --- other software -------------------------------------------------------------------------------


def stats_of(desk: Desk, *typed: str) -> tuple[int, int, int]:
    """Entries, worked and billable minutes, as alga stats has them."""
    shown = desk.ok("stats", *typed, "--json").json
    return shown["entries"], shown["duration_minutes"], shown["billable_minutes"]


def test_sums_in_other_software_equal_those_of_stats(payroll: Desk, tmp_path: Path) -> None:
    payroll.ok("export", "--last-week", "-o", str(tmp_path / "t.csv"))
    payroll.ok("export", "--last-week", "-o", str(tmp_path / "t.xlsx"))
    frame = polars.read_csv(tmp_path / "t.csv", try_parse_dates=True)
    sums = frame.select("duration_minutes", "billable_minutes").sum().row(0)
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    total = [cell.value for cell in book["Sums"][book["Sums"].max_row]]

    expected = (3, 210, 150)
    assert stats_of(payroll, "--last-week") == expected
    assert stats_of(payroll, "--last-week", "--everyone") == expected
    assert (len(frame), *sums) == expected
    assert tuple(total[2:5]) == expected
    assert frame.schema["local_start"] == polars.Datetime("us"), "a time, not a text"


def test_the_workbook_has_real_dates_numbers_text_filters_and_a_frozen_heading(payroll: Desk) -> None:
    book = openpyxl.load_workbook(io.BytesIO(payroll.ok("export", "--last-week", "-f", "xlsx").content))
    sheet = book["Entries"]
    assert book.properties.created == datetime(2026, 1, 1), "the same entries give the same bytes, whenever"
    first = dict(zip([cell.value for cell in sheet[1]], sheet[2], strict=True))
    assert (first["work_date"].value, first["work_date"].number_format) == (datetime(2026, 11, 17), "yyyy-mm-dd")
    assert first["local_start"].value == datetime(2026, 11, 17, 9)
    assert first["started_at"].value == datetime(2026, 11, 17, 8)
    assert (first["duration_minutes"].value, first["duration_minutes"].data_type) == (60, "n")
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:Q4")
    sums = [[cell.value for cell in row] for row in book["Sums"].iter_rows()]
    assert [row[:5] for row in sums] == [
        ["person", "work_item", "entries", "duration_minutes", "billable_minutes"],
        ["You", "TIC1042 Mailbox full, cannot send", 1, 60, 0],
        ["You", "tk_1", 1, 60, 60],
        ["You", "tk_2", 1, 90, 90],
        ["Total", None, 3, 210, 150],
    ]
    assert [row[5] for row in sums] == ["user_id", *[payroll.ok("whoami", "--json").json["user_id"]] * 3, None]
    assert [row[6] for row in sums][2:] == ["tk_1", "tk_2", None]


def test_text_in_the_workbook_is_text(desk: Desk) -> None:
    hostile(desk)
    content = desk.ok("export", "--profile", "local", "-f", "xlsx", tty=False).content
    cells = [row[16] for row in openpyxl.load_workbook(io.BytesIO(content))["Entries"].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in cells] == [safe.removeprefix("'") for safe in HOSTILE.values()]


def test_a_text_longer_than_a_cell_is_cut_and_told(desk: Desk, tmp_path: Path) -> None:
    row = [{"start": "2026-11-20T08:00:00Z", "span": "1h", "item": "tk_1", "notes": "x" * 60_000}]
    desk.ok("bulk", "create", "-", "--profile", "local", typed=json.dumps(row))
    result = desk.ok("export", "--profile", "local", "--last-week", "-o", str(tmp_path / "t.xlsx"), tty=False)
    assert result.err == "1 text cut to the 32767 characters of an Excel cell.\n"
    cell = openpyxl.load_workbook(tmp_path / "t.xlsx")["Entries"]["Q2"]
    assert len(cell.value) == 32767


def test_more_rows_than_a_sheet_has_are_refused(payroll: Desk, tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with patch.object(workbook, "MOST_ROWS", 2):
        result = payroll("export", "--last-week", "-o", str(path))
    assert (result.code, path.exists()) == (2, False)
    assert "An Excel sheet holds 2 rows, and there are more entries." in result.err


# --- files ----------------------------------------------------------------------------------------


def test_the_file_is_named_by_its_days_and_nothing_is_said_to_a_script(payroll: Desk, tmp_path: Path) -> None:
    result = payroll.ok("export", "--last-week", "-o", str(tmp_path / "time-{from}-{to}-{date}.jsonl"))
    assert (result.out, result.err) == ("", "")
    (made,) = tmp_path.glob("time-*")
    assert made.name == "time-2026-11-16-2026-11-22-2026-11-23.jsonl"
    assert len(made.read_text().splitlines()) == 3
    assert made.stat().st_mode & 0o777 == 0o666 & ~os.umask(os.umask(0o22))
    assert payroll("export", "-o", str(tmp_path / "{from}.csv")).code == 2, "all time has no first day"


def test_a_person_is_told_what_was_written(payroll: Desk, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    result = payroll.ok("export", "--last-week", "-o", str(path), tty=True, columns=200)
    assert result.err == f"Wrote 3 entries to {path}: 3h 30m worked, 2h 30m billable.\n"


@pytest.mark.parametrize(
    ("name", "start"), [("t.csv", b"id,"), ("t.json", b"[\n"), ("t.ndjson", b'{"id"'), ("t.xlsx", b"PK"), ("t", b"id,")]
)
def test_the_format_is_the_one_of_the_name(payroll: Desk, tmp_path: Path, name: str, start: bytes) -> None:
    payroll.ok("export", "--last-week", "-o", str(tmp_path / name))
    assert (tmp_path / name).read_bytes().startswith(start)


def test_what_was_there_before_keeps_its_mode_and_on_a_full_disk_its_content(payroll: Desk, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("before")
    path.chmod(0o640)

    def full(*given: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with patch("os.fsync", full):
        result = payroll("export", "--last-week", "-o", str(path))
    assert (result.code, path.read_text()) == (3, "before")
    assert result.err.startswith(f"alga: {path} cannot be written: No space left on device.")
    assert "The existing file is unchanged." in result.err
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".t")] == []
    payroll.ok("export", "--last-week", "-o", str(path))
    assert (path.stat().st_mode & 0o777, len(path.read_text().splitlines())) == (0o640, 4)


def test_places_that_are_no_files(payroll: Desk, tmp_path: Path) -> None:
    assert payroll("export", "-o", str(tmp_path)).code == 2
    assert payroll("export", "--today", "-o", str(tmp_path / "no" / "t.csv")).code == 3
    null = os.stat("/dev/null")
    payroll.ok("export", "--today", "-o", "/dev/null")
    assert os.stat("/dev/null").st_rdev == null.st_rdev, "a device is written to, not replaced"


def test_the_standard_output_by_name_is_added_to_and_never_replaced(payroll: Desk) -> None:
    assert payroll.ok("export", "--today", "-o", "/dev/stdout").out == f"{HEADING}\r\n"


def test_an_open_file_is_added_to_and_stays_the_same_file(payroll: Desk, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("KEEP\n")
    handle = os.open(path, os.O_RDWR)
    try:
        payroll.ok("export", "--last-week", "-o", f"/dev/fd/{handle}")
        assert os.fstat(handle).st_ino == path.stat().st_ino
    finally:
        os.close(handle)
    assert path.read_text().splitlines()[:2] == ["KEEP", HEADING]


def test_a_file_in_memory_is_a_file(payroll: Desk) -> None:
    path = Path("/dev/shm") / f"alga-{os.getpid()}.csv"
    try:
        for _ in range(2):
            payroll.ok("export", "--last-week", "-o", str(path))
        assert len(path.read_text().splitlines()) == 4, "replaced, not added to"
    finally:
        path.unlink(missing_ok=True)


def test_names_that_make_no_sense_are_refused(payroll: Desk) -> None:
    for name, said in (
        ("t.pdf", "Unknown format '.pdf'"),
        ("t-{x}.csv", "Unknown {x}"),
        ("", "Unknown format"),
    ):
        result = payroll("export", "--today", "-o", name)
        assert (result.code, said in result.err) == (2, True), name


def test_wrong_fields_formats_and_terminals_are_refused(payroll: Desk) -> None:
    assert "Unknown field 'hours'." in payroll("export", "--today", "--fields", "hours").err
    assert "Choose from: csv, json, jsonl, xlsx" in payroll("export", "-f", "pdf").err
    assert payroll("export", "-f", "xlsx", tty=True).code == 2


# --- the server's part ----------------------------------------------------------------------------


def test_filters_go_to_the_server_and_are_checked_when_they_come_back(strict: Strict) -> None:
    strict.desk.tty = False
    strict.desk.ok("log", "TIC1042", "7:00-8:00", "-s", "Basic Support")
    strict.desk.ok("log", "TIC1011", "8:00-9:00", "-s", "Premium", "--no-billable")

    def ignoring(request: httpx.Request) -> None:
        if request.url.path.endswith("/export"):
            request.url = request.url.copy_with(params={"format": "json"})

    typed = ["export", "--json", "--today", "--mine", "--service", "premium", "--billable", "no", "--status", "draft"]
    asked = strict.desk.ok(*typed)
    query = dict(strict.network.requests[-1].url.params)
    assert query["format"] == "json"
    assert {"user_id", "service_id", "is_billable", "approval_status", "start_time_from", "start_time_to"} < set(query)
    strict.network.before = ignoring
    obeyed = strict.desk.ok(*typed)
    assert [row["service_name"] for row in asked.json] == ["Premium Support"]
    assert obeyed.json == asked.json
    assert obeyed.err == (
        "The server ignored the filter by billable and period and service and status and user: alga filtered instead.\n"
    )


def test_a_server_that_exports_page_by_page_is_read_to_its_end(strict: Strict) -> None:
    rows = [{"id": f"e{n:03}", "started_at": f"2026-11-{1 + n // 20:02}T{n % 20:02}:00:00Z",
             "ended_at": f"2026-11-{1 + n // 20:02}T{n % 20:02}:30:00Z"} for n in range(130)]  # fmt: skip

    def paged(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/export"):
            return response
        page = int(request.url.params["page"])
        shown = rows[(page - 1) * 50 : page * 50 + 1]  # pages shift while people work
        return httpx.Response(200, json={"data": shown, "pagination": {"total": 130, "hasNext": page * 50 < 130}})

    strict.network.after = paged
    result = strict.desk.ok("export", "--month", "--json", tty=False)
    assert [row["id"] for row in result.json] == [row["id"] for row in rows], "each once"
    assert result.err == ""
    rows.pop()
    short = strict.desk("export", "--month", "--json", tty=False)
    assert (short.code, "counts 130 entries and returned only 129, so totals" in short.err) == (7, True)


def test_an_answer_that_broke_off_and_came_again_gives_each_entry_once_as_it_was_last(desk: Desk) -> None:
    def row(n: int, start: str, notes: str, ended: bool = True) -> dict[str, object]:
        times = {"start_time": f"2026-11-{start}:00.000Z", "end_time": f"2026-11-{start}:30.000Z" if ended else None}
        return {"entry_id": f"e{n}", "notes": notes, "billable_duration": 0, **times}

    gone, running = row(0, "20T07:00", "deleted meanwhile"), row(3, "20T11:00", "it ran", ended=False)
    first, second, stopped = row(1, "20T08:00", "first"), row(2, "20T09:00", "second"), row(3, "20T11:00", "it stopped")
    tie = row(1, "20T09:00", "at the same time as the second")
    twice, environment = row(5, "20T10:00", "moved later"), row(4, "19T08:00", "moved out of the period")
    was, soon = row(4, "20T12:00", "was in the period"), row(5, "20T06:00", "soon moved")
    broken = json.dumps({"data": [gone, first, second, running, was, {}]})[:-4]
    whole = json.dumps({"data": [second, soon, first, tie, stopped, was, twice, environment]})
    answers: list[list[bytes | Exception]] = [[broken.encode(), httpx.ReadError("reset")], [whole.encode()]]

    def sent(request: httpx.Request) -> httpx.Response:
        def pieces(answer: list[bytes | Exception]) -> Iterator[bytes]:
            for piece in answer:
                if isinstance(piece, Exception):
                    raise piece
                yield piece

        return httpx.Response(200, content=pieces(answers.pop(0)))

    desk.transport, desk.env = httpx.MockTransport(sent), {"ALGA_URL": "https://x.test", "ALGA_API_KEY": "k"}
    result = desk.ok("export", "--from", "2026-11-20", "--json", tty=False)
    assert [each["notes"] for each in result.json] == [
        "at the same time as the second", "second", "moved later", "it stopped"
    ]  # fmt: skip
    assert result.err == "The server ignored the filter by period: alga filtered instead.\n"


def test_no_room_for_the_temporary_file_is_told(payroll: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def small(path: str, isolation_level: None) -> sqlite3.Connection:
        db = sqlite3.connect(path, isolation_level=isolation_level)
        db.execute("PRAGMA max_page_count = 2")
        return db

    module = SimpleNamespace(connect=small, OperationalError=sqlite3.OperationalError)
    monkeypatch.setattr("alga.export.spool.sqlite3", module)
    for number in range(9):
        payroll.ok("log", "tk_1", f"{number}:00-{number}:30", "--date", "2026-10-01", "-m", "x" * 2000)
    target = tmp_path / "time.csv"
    target.write_text("before")
    refused = payroll("export", "--from", "2026-10-01", "-o", str(target), columns=300)
    assert (refused.code, target.read_text()) == (3, "before")
    assert "Not enough disk space for the temporary file of an export (database or disk is full)." in refused.err


def test_the_work_date_is_that_of_the_servers_zone(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "0:15-1:00", "-s", "Basic Support", tty=False)
    row = strict.desk.ok("export", "--today", "--mine", "--json", tty=False).json[0]
    assert (row["work_date"], row["local_start"]) == (str(date(2026, 11, 22)), "2026-11-23 00:15")
