"""A sum is of everything, or there is none."""

import io
import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from alga.api import lists
from tests.conftest import Strict
from tests.support import MONDAY, Desk, joined

MANY = 2_500
PEOPLE = 3


def entry(n: int) -> dict[str, Any]:
    """Half an hour of one of a few people of the same name, on one of two work items of the same title."""
    start = datetime(2026, 1, 1, tzinfo=MONDAY.tzinfo) + timedelta(hours=n)
    return {
        "entry_id": f"e{n:06}", "user_id": f"u{n % PEOPLE}", "user_name": "Alex Kim", "work_item_type": "ticket",
        "work_item_id": f"t{n % 2}", "work_item_title": "Printer", "approval_status": "DRAFT" if n % 5 else "SUBMITTED",
        "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end_time": f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}",
        "billable_duration": 30 * (n % 2), "notes": f"note {n}", "service_id": None,
    }  # fmt: skip


class Archive(httpx.BaseTransport):
    """A server with many entries: by page, and all at once. It counts those that are `lost`, and does not send them."""

    def __init__(self, count: int = MANY, lost: int = 0) -> None:
        self.count, self.lost, self.asked = count, lost, Counter[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """A page, or everything."""
        name = request.url.path.removeprefix("/api/v1/")
        self.asked[name] += 1
        rows = [entry(n) for n in range(self.lost, self.count)]
        if name == "time-entries/export":
            return httpx.Response(200, json={"data": rows})
        if name == "time-entries":
            page, limit = (int(request.url.params[part]) for part in ("page", "limit"))
            shown = rows[(page - 1) * limit : page * limit]
            pages = {"total": self.count, "hasNext": page * limit < self.count - self.lost}
            return httpx.Response(200, json={"data": shown, "pagination": pages})
        return httpx.Response(404, json={"error": {"code": "NOT_FOUND", "message": "Not found"}})


@pytest.fixture
def archive(desk: Desk) -> Archive:
    """A desk in front of one."""
    desk.transport, desk.env = Archive(), {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": "k"}
    return desk.transport


YEAR = ("--from", "2026-01-01", "--everyone")


def test_sums_are_of_all_whatever_the_number_and_take_one_request_for_them(desk: Desk, archive: Archive) -> None:
    shown = desk.ok("stats", *YEAR, "--by", "user", "--json").json
    assert (shown["entries"], shown["duration_minutes"]) == (MANY, 30 * MANY)
    assert [(group["key"], group["name"]) for group in shown["groups"]] == [
        (f"u{n}", "Alex Kim") for n in range(PEOPLE)
    ]
    assert sum(group["entries"] for group in shown["groups"]) == MANY
    assert archive.asked["time-entries/export"] == 1
    by_item = desk.ok("stats", *YEAR, "--by", "work-item", "--json").json["groups"]
    assert [(group["key"], group["entries"]) for group in by_item] == [("t0", MANY // 2), ("t1", MANY // 2)]
    assert archive.asked["time-entries"] == 2, "how many they are, of a long time"


def test_a_long_list_is_read_from_the_export(desk: Desk, archive: Archive) -> None:
    assert len(desk.ok("list", *YEAR, "--json").json) == MANY
    assert (archive.asked["time-entries"], archive.asked["time-entries/export"]) == (1, 1)
    archive.count = lists.MOST_LISTED
    assert len(desk.ok("list", *YEAR, "--json").json) == lists.MOST_LISTED
    assert (archive.asked["time-entries"], archive.asked["time-entries/export"]) == (11, 1)


def test_everything_is_searched(desk: Desk, archive: Archive) -> None:
    found = desk.ok("search", "--all", "note", "2499", "--json").json
    assert [row["id"] for row in found] == ["e002499"]
    assert archive.asked["time-entries/export"] == 1


@pytest.mark.parametrize(
    "typed",
    [["list", *YEAR], ["list", *YEAR, "--json"], ["approve", "--from", "2026-01-01", "--dry-run", "--everyone"]],
)
@pytest.mark.parametrize("count", [90, MANY])
def test_what_the_server_counts_and_does_not_send_is_an_error_and_no_number(
    desk: Desk, archive: Archive, typed: list[str], count: int
) -> None:
    archive.count, archive.lost = count, 1
    told = desk(*typed)
    assert (told.code, told.out) == (7, "")
    assert f"psa.example.test counts {count} entries and returned only {count - 1}" in joined(told.err)


def test_a_short_export_keeps_the_file_that_is_there(strict: Strict, tmp_path: Path) -> None:
    payroll = tmp_path / "payroll.csv"
    strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic", "-m", "x")
    strict.desk.ok("export", "--today", "-o", str(payroll))
    good, asked = payroll.read_bytes(), list[str]()

    def short(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/export"):
            return response
        asked.append(request.url.path)
        return httpx.Response(200, json={**response.json(), "pagination": {"total": 455, "hasNext": False}})

    strict.network.after = short
    told = strict.desk("export", "--today", "-o", str(payroll))
    assert (told.code, len(asked), payroll.read_bytes()) == (7, 2, good)
    assert "counts 455 entries and returned only 1" in joined(told.err)
    strict.network.after = lambda request, response: response
    nothing = strict.desk.ok("export", "--yesterday", "-o", str(payroll))
    assert "Nothing to export: no finished entry matches." in nothing.err
    assert payroll.read_bytes().count(b"\n") == 1


def test_the_sheet_of_sums_tells_people_and_work_items_of_one_name_apart(desk: Desk, archive: Archive) -> None:
    archive.count = 12
    book = openpyxl.load_workbook(
        io.BytesIO(desk.ok("export", "--from", "2026-01-01", "-f", "xlsx", tty=False).content)
    )
    rows = [[cell.value for cell in row] for row in book["Sums"].iter_rows()]
    assert [(row[0], row[1], row[2], row[5], row[6]) for row in rows[1:-1]] == [
        ("Alex Kim", "Printer", 2, f"u{person}", f"t{item}") for person in range(PEOPLE) for item in range(2)
    ]


# --- several of one thing, and one thing twice --------------------------------------------------------


def test_several_people_statuses_work_items_and_services_mean_any_of_them(strict: Strict) -> None:
    admin = strict.as_role("admin")
    for n, (item, service) in enumerate((("TIC1042", "basic"), ("TIC1011", "premium"), ("TIC1023", "on-site"))):
        admin.ok("log", item, f"{n}:00-{n}:30", "-s", service, "-m", item)
        strict.desk.ok("log", item, f"{n}:00-{n}:30", "-s", service, "-m", item)

    def counted(*typed: str) -> list[str]:
        told = admin.ok("list", "--today", "--json", *typed)
        assert "ignored the filter" not in told.err, "the server was not asked"
        return sorted(row["notes"] for row in told.json)

    both = ["TIC1011", "TIC1042"]
    assert counted("--work-item", "TIC1042", "--work-item", "TIC1011") == both
    assert counted("-s", "basic", "-s", "premium") == both
    assert counted("--status", "draft", "--status", "submitted") == ["TIC1011", "TIC1023", "TIC1042"]
    assert len(counted("--user", "tin", "--user", "glinda")) == 6
    title = admin.ok("list", "--today", "-s", "basic", "-s", "premium").out.splitlines()[0]
    assert title == "Mine, today (Mon 23 Nov), basic or premium"
    assert admin.ok("export", "--today", "-s", "basic", "-s", "premium", "-f", "jsonl").out.count("\n") == 4


@pytest.mark.parametrize(
    ("typed", "option"),
    [
        (["stats", "--by", "user", "--by", "day"], "--by"),
        (["list", "--from", "2026-01-01", "--from", "2026-02-01"], "--from"),
        (["log", "tk_1", "30m", "-m", "a", "-m", "b"], "--notes"),
        (["log", "tk_1", "30m", "-s", "a", "--service", "b"], "--service"),
        (["export", "-o", "a", "-o", "b"], "--output"),
        (["list", "--json", "--json"], "--json"),
        (["--profile", "local", "--profile", "local", "list"], "--profile"),
        (["--profile", "local", "list", "--profile", "local"], "--profile"),
    ],
)
def test_an_option_that_means_one_thing_stands_there_once(desk: Desk, typed: list[str], option: str) -> None:
    told = desk(*typed)
    assert told.code == 2
    assert f"{option} is given twice." in joined(told.err).replace("\\", "")


def test_an_unchanged_export_given_back_is_no_operation(strict: Strict, tmp_path: Path) -> None:
    for hour in (6, 7):
        strict.desk.ok("log", "TIC1042", f"{hour}:00-{hour}:30", "-s", "basic", "-m", "x")
    rows = strict.desk.ok("export", "--today", "-f", "jsonl").out
    same = tmp_path / "same.jsonl"
    same.write_text(rows)
    told = strict.desk.ok("bulk", "update", str(same), "--json")
    assert [row["outcome"] for row in told.json] == ["unchanged", "unchanged"]
    assert strict.desk.ok("queue", "--json").json == []
    assert strict.desk.ok("status").err == ""
    changed = [json.loads(line) for line in rows.splitlines()]
    changed[1]["notes"] = "new"
    same.write_text("\n".join(map(json.dumps, changed)))
    told = strict.desk.ok("bulk", "update", str(same), "--json")
    assert [row["outcome"] for row in told.json] == ["unchanged", "changed"]
