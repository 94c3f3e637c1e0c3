"""Texts of others, in every place where a server may put one: no output is driven by them, and none grows with them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from tests.cli.test_processes import alga, at_a_terminal
from tests.hostile.world import CONTROL, KEY, STYLES, checked
from tests.support import Desk

DRIVING = (
    "\x1b[2J\x1b]0;title\x07\x1b]8;;http://evil.example\x1b\\link \x9b31m \u202egnp.exe\u2066 a\tb\r\nc\x00 \u2028 "
    "$(touch A) `touch B` %s {0} {server} #{x} [bold]m[/] é 日本"
)
FORMULA = '=HYPERLINK("http://evil.example";"x")'
LONG = "x" * 200_000
TEXTS = {"driving": DRIVING, "formula": FORMULA, "long": LONG}


def server(text: str) -> httpx.MockTransport:
    """A server that says a text wherever it can."""
    entry = {
        "entry_id": "6b6204c0-ac26-4202-9f57-f0b45dd3046d", "user_id": "u-1", "user_name": text, "notes": text,
        "work_item_type": "ticket", "work_item_id": "a9ecbff2-c10f-48c2-9a5f-ca56608ad1dd", "work_item_title": text,
        "start_time": "2026-11-23T06:00:00Z", "end_time": "2026-11-23T06:30:00Z", "billable_duration": 30,
        "service_id": "s-1", "service_name": text, "approval_status": text, "change_reason": text,
    }  # fmt: skip
    ticket = {
        "ticket_id": "a9ecbff2-c10f-48c2-9a5f-ca56608ad1dd",
        "ticket_number": "TIC1",
        "title": text,
        "client_name": text,
    }
    rows: dict[str, Any] = {
        "/tickets": [ticket, ticket | {"ticket_id": text, "ticket_number": text}],
        "/services": [{"service_id": "s-1", "service_name": text}, {"service_id": text, "service_name": text}],
        "/time-entries": [entry, entry | {"entry_id": text}],
        "/activities": [
            {"type": "ticket", "sourceId": "t-9", "title": text, "ticketNumber": "TIC9", "assignedTo": ["u-1"]}
        ],
        "/templates": [{"name": text, text[:50]: text}],
    }

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method != "GET":
            told = {"code": text, "message": text, "details": [{"path": [text], "message": text}] * 30}
            return httpx.Response(400, json={"error": told})
        if path.endswith("active-session"):
            return httpx.Response(200, json={"data": entry | {"end_time": None, "session_id": entry["entry_id"]}})
        found = next((value for name, value in reversed(rows.items()) if name in path), [entry])
        data = entry if path.endswith(str(entry["entry_id"])) else found
        return httpx.Response(200, json={"data": data, "pagination": {"total": 2, "hasNext": False}})

    return httpx.MockTransport(answer)


SHOWN = (
    ("list",), ("list", "--everyone", "--today"), ("day",), ("status",), ("stats", "--by", "user"), ("search", "x"),
    ("show", "6b6204c0"), ("tickets",), ("tickets", "x"), ("services",), ("whoami",), ("templates",), ("doctor",),
    ("log", "TIC1", "5:00-5:10", "-s", "s-1"), ("start", "TIC1", "-s", "s-1"), ("edit", "6b6204c0", "-m", "x"),
    ("delete", "6b6204c0", "-y"), ("approve", "--dry-run"), ("approve", "6b6204c0", "-y"), ("resume",), ("queue",),
    ("stop",), ("status", "--offline"), (), ("status", "--template", "{notes} {work_item}"),
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("tty", [True, False], ids=["terminal", "pipe"])
def test_no_text_drives_a_screen_or_fills_it(desk: Desk, text: str, tty: bool) -> None:
    desk.transport, desk.env = server(text), {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": KEY}
    for command in SHOWN:
        result = checked(desk, command, tty=tty, whole=command[:1] == ("show",))
        assert len(result.out) < (110_000 if command[:1] == ("show",) else 30_000), (command, len(result.out))
    learnt = sum(each.stat().st_size for each in (desk.home / "state").rglob("*") if each.is_file())
    assert learnt < 1_000_000, "caches and the prompt's file stay small, and the journal has the notes only"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_for_programs_is_whole_and_harmless(desk: Desk, text: str) -> None:
    desk.transport, desk.env = server(text), {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": KEY}
    (row, _) = desk.ok("list", "--everyone", "--json").json
    assert (row["notes"], row["work_item_title"]) == (text, text)
    assert desk.ok("show", row["id"], "--json").json["notes"] == text
    everyone = ("export", "--everyone", "--from", "2026-11-01")
    lines = [json.loads(line) for line in desk.ok(*everyone, "-f", "jsonl", tty=False).out.splitlines()]
    assert lines[0]["notes"] == text
    csv.field_size_limit(1_000_000)
    table = list(csv.DictReader(io.StringIO(desk.ok(*everyone, tty=False).content.decode(), newline="")))
    assert table[0]["notes"].removeprefix("'") == text.replace("\x00", "") or text == DRIVING
    assert table[0]["notes"].startswith("'=") == (text == FORMULA)
    book = openpyxl.load_workbook(io.BytesIO(desk.ok(*everyone, "-f", "xlsx", tty=False).content))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells), "no cell is a formula"


def test_a_prompt_and_a_tab_offer_little_and_nothing_that_drives(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for text in TEXTS.values():
        desk.transport, desk.env = server(text), {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": KEY}
        for command in (("tickets",), ("services",), ("list", "--everyone"), ("status",)):
            checked(desk, command)
        prompt = (desk.home / "state" / "timer").read_text()
        assert len(prompt) < 2000 and not set("$`%\\{}") & set(prompt) and not CONTROL.search(prompt.replace("\t", ""))
        for line in ("alga log ", "alga edit ", "alga log TIC1 1m -s "):
            asked = {"_ALGA_COMPLETE": "complete_lines", "_TYPER_COMPLETE_ARGS": line}
            places = {f"ALGA_{name}_DIR": str(desk.home / name.lower()) for name in ("CONFIG", "DATA", "STATE")}
            offered = alga(tmp_path, **asked, **desk.env, **places).stdout
            assert len(offered) < 5000, (line, len(offered))
            assert not CONTROL.search(offered.replace("\t", ""))


def test_a_real_terminal_gets_no_byte_that_drives_it(tmp_path: Path) -> None:
    alga(tmp_path, "log", "tk_1", "9:00-9:30", "--date", "2026-11-20", "-m", DRIVING.replace("\x00", ""))
    for command in (["list", "--from", "2026-11-01"], ["search", "touch"], ["day", "2026-11-20"]):
        code, screen = at_a_terminal(tmp_path, b"", *command, COLUMNS="200")
        assert code == 0 and "title" in screen
        assert not CONTROL.search(STYLES.sub("", screen).replace("\r\n", "\n")), (command, screen)


def test_the_key_is_in_no_file_but_the_config_and_in_no_child(tmp_path: Path, desk: Desk) -> None:
    """Also with ALGA_DEBUG, which shows where something failed."""
    desk.env = {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": KEY, "ALGA_DEBUG": "1"}
    for status in (200, 401, 500):
        desk.transport = httpx.MockTransport(
            lambda request, status=status: httpx.Response(status, json={"data": KEY[:0]})
        )
        for command in (
            ("list",),
            ("log", "tk_1", "5:00-5:10"),
            ("whoami",),
            ("doctor",),
            ("config", "list"),
            ("queue",),
        ):
            result = desk(*command)
            assert KEY not in result.out + result.err
    for each in desk.home.rglob("*"):
        assert each.is_dir() or KEY.encode() not in each.read_bytes(), each
