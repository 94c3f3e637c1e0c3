"""Dividing an entry, the words last and last-1, the editor, and an entry's story."""

import sqlite3
import sys
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alga.practice.app import App
from tests.conftest import Strict
from tests.support import MAILBOX, Clock, Desk, joined, taking_no_entry


def parts(desk: Desk) -> list[tuple[str, int, int, str | None]]:
    """Start, worked and billable minutes, and notes of each entry."""
    rows = desk.ok("list", "--mine", "--from", "2026-11-01", "--json").json
    return [(row["started_at"][11:16], row["duration_minutes"], row["billable_minutes"], row["notes"]) for row in rows]


def logged(desk: Desk, *typed: str) -> str:
    return str(desk.ok("log", *typed, "--json").json["id"])


# --- split ---


def test_an_entry_is_shortened_and_the_rest_is_created(desk: Desk) -> None:
    entry = logged(desk, "tk_1", "7:00-9:00", "-m", "x", "--billable", "61")
    divided = desk.ok("split", entry[:8], "7:30", "8:40", columns=200)
    assert [line.split(" (")[0] for line in divided.out.splitlines()] == [
        "Shortened tk_1: 30m worked, 15m billable",
        "Logged tk_1: 1h 10m worked, 35m billable",
        "Logged tk_1: 20m worked, 11m billable",
    ]
    assert parts(desk) == [("06:00", 30, 15, "x"), ("06:30", 70, 35, "x"), ("07:40", 20, 11, "x")]


def test_a_night_is_divided_at_midnight(desk: Desk) -> None:
    entry = logged(desk, "tk_1", "--from", "2026-11-20 22:00", "--to", "2026-11-21 2:00")
    desk.ok("split", entry[:8], "24:00", "1:00")
    assert [(start, worked) for start, worked, *_ in parts(desk)] == [("21:00", 120), ("23:00", 60), ("00:00", 60)]


@pytest.mark.parametrize(
    ("times", "code", "told"),
    [
        (["6:00"], 2, "6:00 is not within 07:00-09:00."),
        (["9:00"], 2, "9:00 is not within 07:00-09:00."),
        (["later"], 2, "'later' is not a time."),
    ],
)
def test_a_time_outside_the_entry_changes_nothing(desk: Desk, times: list[str], code: int, told: str) -> None:
    entry = logged(desk, "tk_1", "7:00-9:00")
    refused = desk("split", entry[:8], *times)
    assert (refused.code, told in joined(refused.err)) == (code, True)
    assert len(parts(desk)) == 1


def test_only_finished_drafts_are_divided(desk: Desk) -> None:
    desk.ok("start", "tk_1", "--at", "8:00")
    running = desk.ok("status", "--json").json["id"]
    assert "still running" in desk("split", running[:8], "8:30").err
    desk.ok("stop")
    with App(desk.home / "data" / "local.db", desk.clock).store.open(writing=True) as db:
        db.execute("UPDATE entries SET approval_status = 'SUBMITTED'")
    refused = desk("split", running[:8], "8:30")
    assert (refused.code, "The entry's status is SUBMITTED: only a draft can be divided." in joined(refused.err)) == (
        5,
        True,
    )


def test_on_alga_psa_an_entry_is_billed_whole_or_not(strict: Strict) -> None:
    service = ("-s", "Basic Support")
    whole = logged(strict.desk, "1042", "6:00-7:00", *service)
    nothing = logged(strict.desk, "1042", "7:00-8:00", *service, "--no-billable")
    for entry, time in ((whole, "6:20"), (nothing, "7:20")):
        strict.desk.ok("split", entry[:8], time)
    assert [(worked, billed) for _, worked, billed, _ in parts(strict.desk)] == [(20, 20), (40, 40), (20, 0), (40, 0)]
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET billable_duration = 7 WHERE entry_id = ?", (whole,))
    refused = strict.desk("split", whole[:8], "6:10")
    assert refused.code == 5
    assert len(parts(strict.desk)) == 4


def test_a_part_that_is_refused_is_set_aside_and_the_split_can_be_taken_back(strict: Strict) -> None:
    admin = strict.as_role("admin")
    entry = logged(admin, "1042", "6:00-7:00", "-s", "Basic Support", "-m", "x")
    admin.transport = strict.network
    wire = strict.network.inner
    strict.network.inner = taking_no_entry(wire)
    partly = admin("split", entry[:8], "6:20")
    assert partly.code == 9
    assert "A part is set aside" in partly.err
    assert [row["delivery"] for row in admin.ok("queue", "--json").json] == ["set aside"]
    strict.network.inner = wire
    admin.ok("undo", typed="y\n")
    assert [row for row in parts(admin) if row[3] == "x"] == [("05:00", 60, 60, "x")]
    assert admin.ok("queue", "--json").json == []


def test_what_the_server_made_of_the_parts_is_compared_with_what_was_asked(strict: Strict) -> None:
    admin = strict.as_role("admin")
    entry = logged(admin, "1042", "6:00-7:00", "-s", "Basic Support", "-m", "x")
    admin.transport = strict.network

    def less_billed(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(
            response.status_code,
            content=response.content.replace(b'"billable_duration": 40', b'"billable_duration": 7'),
        )

    strict.network.after = less_billed
    assert "The billable time is 7m, not 40m" in joined(admin.ok("split", entry[:8], "6:20").err)


def test_without_a_connection_both_wait_and_none_goes_alone(strict: Strict) -> None:
    entry = logged(strict.desk, "1042", "6:00-7:00", "-s", "Basic Support")

    def no_writes(request: httpx.Request) -> None:
        if request.method != "GET":
            raise httpx.ConnectError("down")

    strict.network.before = no_writes
    strict.desk.ok("split", entry[:8], "6:20")
    assert [row["kind"] for row in strict.desk.ok("queue", "--json").json] == ["edit", "create"]
    strict.network.before = lambda request: None
    strict.desk.ok("sync")
    assert [(start, worked) for start, worked, *_ in parts(strict.desk)] == [("05:00", 20), ("05:20", 40)]


def test_a_part_never_goes_where_the_entry_was_not_shortened(strict: Strict) -> None:
    entry = logged(strict.desk, "1042", "6:00-7:00", "-s", "Basic Support")

    def no_writes(request: httpx.Request) -> None:
        if request.method != "GET":
            raise httpx.ConnectError("down")

    strict.network.before = no_writes
    strict.desk.ok("split", entry[:8], "6:20")
    strict.network.before = lambda request: None
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET notes = 'changed on the web' WHERE entry_id = ?", (entry,))
    strict.desk("sync")
    assert [(start, worked) for start, worked, *_ in parts(strict.desk)] == [("05:00", 60)]
    assert [row["delivery"] for row in strict.desk.ok("queue", "--json").json] == ["set aside", "set aside"]


@settings(max_examples=30)
@given(st.integers(2, 300), st.data())
def test_no_minute_is_lost_whatever_is_divided(
    tmp_path_factory: pytest.TempPathFactory, worked: int, data: st.DataObject
) -> None:
    desk = Desk(tmp_path_factory.mktemp("split"), Clock(), tty=False)
    billable = data.draw(st.integers(0, worked))
    cuts = data.draw(st.lists(st.integers(1, worked - 1), min_size=1, max_size=4))
    entry = logged(desk, "tk_1", f"0:00+{worked}m", "--billable", str(billable))
    desk.ok("split", entry[:8], *(f"{n // 60}:{n % 60:02}" for n in cuts))
    found = parts(desk)
    assert len(found) == len(set(cuts)) + 1
    assert sum(row[1] for row in found) == worked
    assert sum(row[2] for row in found) == billable
    assert all(row[2] <= row[1] for row in found)


# --- last ---


def test_last_is_the_latest_entry_and_last_1_the_one_before(desk: Desk) -> None:
    first, second = logged(desk, "tk_1", "7:00-7:30"), logged(desk, "tk_2", "8:00-8:30")
    assert desk.ok("show", "last", "--json").json["id"] == second
    assert desk.ok("edit", "last-1", "-m", "y", "--json", typed="y\n").json["id"] == first
    assert desk("show", "last-2").code == 6


def test_edit_of_last_asks_where_another_entry_was_recorded_after_it(desk: Desk) -> None:
    late, early = logged(desk, "tk_1", "8:00-8:30"), logged(desk, "tk_2", "7:00-7:30")
    for word in ("last", "LAST"):
        asked = desk("edit", word, "-m", "x", typed="n\n")
        assert (asked.code, f"'{word}' is tk_1: 30m worked" in joined(asked.err)) == (5, True)
    desk.ok("edit", "last", "-m", "x", typed="y\n")
    desk.ok("edit", "last", "-m", "y")  # the last thing that was recorded is of this entry
    assert desk.ok("show", late, "--json").json["notes"] == "y"
    assert desk.ok("show", early, "--json").json["notes"] is None


def test_delete_and_split_of_last_show_it_and_ask(desk: Desk) -> None:
    logged(desk, "tk_1", "7:00-7:30")
    kept = desk("delete", "last", "--yes", typed="n\n")
    assert (kept.code, "To delete: tk_1: 30m worked" in kept.err) == (5, True)
    assert "Divide the entry at 07:10? [y/N]" in desk("split", "last", "7:10", typed="n\n").err
    for command in (["delete", "last", "--yes"], ["split", "last", "7:10"]):
        refused = desk(*command, tty=False)
        assert (refused.code, "'last' needs a terminal to ask in." in refused.err) == (2, True)
    desk.ok("split", "last", "7:10", typed="y\n")
    desk.ok("delete", "last", typed="y\n")
    assert [(start, worked) for start, worked, *_ in parts(desk)] == [("06:00", 10)]


def test_last_that_waits_here_is_not_the_one_before(strict: Strict) -> None:
    logged(strict.desk, "1042", "6:00-7:00", "-s", "Basic Support")

    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("down")

    strict.network.before = down
    strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "Basic Support")
    refused = strict.desk("edit", "last", "-m", "y")
    assert refused.code == 5
    assert "TIC1042 is not on the server yet. Nothing was changed." in joined(refused.err)
    assert "alga queue retry 2" in refused.err


# --- the editor ---


@pytest.fixture
def editor(desk: Desk, tmp_path: Path) -> Path:
    """A program that does to the text what the test writes into it, and keeps the text it saw."""
    path = tmp_path / "editor.py"
    desk.env["EDITOR"] = f"{sys.executable} {path}"
    return path


def edits(editor: Path, *steps: tuple[str, str]) -> Path:
    """Replace one text by another, a step each time it is called."""
    seen = editor.with_suffix(".seen")
    editor.write_text(
        "import sys, pathlib\n"
        f"steps, seen = {list(steps)!r}, pathlib.Path({str(seen)!r})\n"
        "texts = seen.read_text().split('\\0') if seen.exists() else []\n"
        "path = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n"
        "old, new = steps[len(texts)] if len(texts) < len(steps) else ('', '')\n"
        "path.write_text(text.replace(old, new) if old else text)\n"
        "seen.write_text('\\0'.join([*texts, text]))\n"
    )
    return seen


def test_edit_alone_opens_the_editor(desk: Desk, editor: Path) -> None:
    entry = logged(desk, "tk_1", "7:00-8:00", "-m", "before")
    seen = edits(editor, ('to = "08:00"', 'to = "7:45"'))
    desk.ok("edit", entry[:8])
    assert parts(desk) == [("06:00", 45, 45, "before")]
    text = seen.read_text()
    assert text.splitlines()[0].startswith("# Entry tk_1: 1h worked, 1h billable (07:00-08:00)")
    assert 'from = "07:00"\nto = "08:00"\nwork_item = "tk_1"\n' in text
    assert 'notes = """before"""' in text


def test_what_is_wrong_is_shown_and_edited_again(desk: Desk, editor: Path) -> None:
    entry = logged(desk, "tk_1", "7:00-8:00", "-m", "before")
    seen = edits(editor, ('to = "08:00"', 'to = "6:00"'), ('to = "6:00"', 'to = "7:30'), ('"7:30', '"7:30"'))
    desk.ok("edit", entry[:8])
    texts = seen.read_text().split("\0")
    assert texts[1].startswith("#! 07:00 to 06:00 ends before it starts.")
    assert texts[2].startswith("#! This is no TOML: ")
    assert parts(desk) == [("06:00", 30, 30, "before")]


def test_a_text_that_is_closed_as_it_was_changes_nothing(desk: Desk, editor: Path) -> None:
    entry = logged(desk, "tk_1", "7:00-8:00", "-m", 'a "quoted" note\n# not a comment\n\\ end')
    edits(editor)
    assert desk.ok("edit", entry[:8]).out == "Nothing was changed.\n"
    edits(editor, ('to = "08:00"', 'to = "6:00"')).unlink()
    refused = desk("edit", entry[:8])
    assert (refused.code, "ends before it starts" in refused.err) == (5, True)
    assert parts(desk)[0][1] == 60


@pytest.mark.parametrize("program", ["false", "/nowhere/editor", "'"])
def test_an_editor_that_cannot_be_run_changes_nothing(desk: Desk, program: str) -> None:
    entry = logged(desk, "tk_1", "7:00-8:00")
    desk.env["EDITOR"] = program
    assert desk("edit", entry[:8]).code == 3
    assert desk("edit", entry[:8], tty=False).code == 2


# --- its story ---


def test_an_entrys_story_is_told_from_the_receipts(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.env["NO_COLOR"] = "1"
    entry = logged(admin, "1042", "6:00-7:00", "-s", "Basic Support", "-m", "x")
    admin.clock.pass_by(minutes=5)
    admin.ok("edit", entry[:8], "6:00-6:45", "-m", "y", tty=False)
    admin.clock.pass_by(minutes=5)
    admin.ok("delete", entry[:8], "--yes")
    admin.clock.pass_by(minutes=5)
    admin.ok("undo", typed="y\n")
    story = admin.ok("show", entry[:8], "--history", columns=120).out.splitlines()
    assert story[0] == f"Entry {entry}"
    assert [line.split()[:2] for line in story[3:]] == [["09:12", "you"], ["09:17", "script"], ["09:22", "you"]]
    assert "06:00-07:00 to 06:00-06:45; notes: x to y" in story[4]
    assert story[5].endswith("undone")
    told = admin.ok("show", entry, "--history", "--json").json
    assert [(each["kind"], each["undone"]) for each in told] == [("create", False), ("edit", False), ("delete", True)]
    assert admin("show", "ffffffff", "--history").code == 6


def test_last_names_itself_in_what_is_said(strict: Strict) -> None:
    logged(strict.desk, "1042", "6:00-7:00", "-s", "Basic Support")
    assert f"Work item  {MAILBOX}" in strict.desk.ok("show", "last").out


def test_an_entry_whose_change_waits_is_not_divided(strict: Strict) -> None:
    entry = logged(strict.desk, "1042", "6:00-7:00", "-s", "Basic Support")

    def no_puts(request: httpx.Request) -> None:
        if request.method == "PUT":
            raise httpx.ConnectError("down")

    strict.network.before = no_puts
    strict.desk.ok("edit", entry[:8], "6:00-6:30")
    refused = strict.desk("split", entry[:8], "6:20")
    assert (refused.code, "A change of that entry still waits." in joined(refused.err)) == (5, True)
    strict.network.before = lambda request: None
    strict.desk.ok("sync")
    assert [worked for _, worked, *_ in parts(strict.desk)] == [30]


def test_a_forgotten_receipt_holds_up_nothing(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.transport = strict.network
    admin.ok("config", "set", "receipts", "1d")
    admin.ok("config", "set", "service", "Basic Support")
    entry = logged(admin, "1042", "6:00-7:00", "-m", "x")

    def no_posts(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ConnectError("down")

    strict.network.before = no_posts
    admin.ok("split", entry[:8], "6:20")
    admin.clock.pass_by(days=2)
    admin.ok("log", "1011", "7:00-7:10", "-m", "x")
    strict.network.before = lambda request: None
    admin.ok("sync")
    assert [row[1] for row in parts(admin) if row[3] == "x"] == [20, 40, 10]


def test_last_counts_entries_without_a_work_item(desk: Desk) -> None:
    logged(desk, "tk_1", "6:00-7:00")
    meeting = logged(desk, "7:00-8:00", "--type", "ad_hoc")
    assert desk.ok("show", "last", "--json").json["id"] == meeting
    assert "(08:00-09:00)" in desk.ok("log", "tk_2", "--from", "last", "--to", "9:00").out
    assert desk.ok("resume", "--json").json["work_item_id"] == "tk_2"


@pytest.mark.parametrize(("entry_id", "code"), [("te_9c41", 0), ("tex9c41", 6)])
def test_the_story_of_an_entry_whose_id_has_an_underscore(published: Desk, entry_id: str, code: int) -> None:
    published.ok("log", "tk_1", "8:00-8:30")
    with sqlite3.connect(published.home / "state" / "outbox.db") as db:
        db.execute("UPDATE operation SET entry_id = ?", (entry_id,))
    assert published("show", "te_9c", "--history").code == code
