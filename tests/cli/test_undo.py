"""Taking back: what was done is gone or as it was, what somebody changed since is left, and an undo can be undone."""

from collections.abc import Callable

import httpx
import pytest

from alga.practice.app import App
from tests.conftest import Strict
from tests.support import Desk, joined, taking_no_entry


def rows(desk: Desk) -> list[tuple[str, str, int, str | None]]:
    """Work item, start, minutes and notes of each entry, the oldest first."""
    listed = desk.ok("list", "--mine", "--from", "2026-11-01", "--json").json
    listed = [row for row in listed if row["notes"] != "Handover"]  # those of the admin that are always there
    items = [row["work_item_number"] or row["work_item_id"] for row in listed]
    told = [(row["started_at"][11:16], row["duration_minutes"], row["notes"]) for row in listed]
    return [(item, *rest) for item, rest in zip(items, told, strict=True)]


def offline(request: httpx.Request) -> None:
    raise httpx.ConnectError("no route to host")


@pytest.fixture
def admin(strict: Strict) -> Desk:
    """Who may delete, and has a usual service; time passes between the commands."""
    desk = strict.as_role("admin")
    desk.transport = strict.network
    desk.ok("config", "set", "service", "Basic Support")
    return desk


# --- each kind ---


def test_a_log_is_deleted_and_recorded_again_by_a_second_undo(desk: Desk) -> None:
    logged = desk.ok("log", "tk_1", "8:00-9:00", "-m", "x", "--json").json
    desk.clock.pass_by(minutes=1)
    undone = desk.ok("undo", typed="y\n")
    assert "tk_1 08:00-09:00" in undone.err
    assert undone.out == f"Taken back: tk_1 08:00-09:00 (deleted {logged['id'][:8]})\n"
    assert rows(desk) == []
    desk.clock.pass_by(minutes=1)
    redone = desk.ok("undo", typed="y\n")
    assert "created again as " in redone.out
    assert rows(desk) == [("tk_1", "07:00", 60, "x")]
    desk.clock.pass_by(minutes=1)
    desk.ok("undo", typed="y\n")
    assert rows(desk) == []


def test_an_edit_is_set_back(desk: Desk) -> None:
    entry = desk.ok("log", "tk_1", "8:00-9:00", "-m", "x", "--json").json["id"]
    desk.ok("edit", entry[:8], "8:15-8:45", "-m", "y", "--billable", "10")
    undone = desk.ok("undo", typed="y\n", columns=200)
    assert undone.out == f"Taken back: edit tk_1 {entry[:8]} (set back)\n"
    assert f"edit tk_1 {entry[:8]} (" in undone.err, "it says what was changed"
    shown = desk.ok("show", entry[:8], "--json").json
    assert (shown["started_at"][11:16], shown["duration_minutes"], shown["billable_minutes"], shown["notes"]) == (
        "07:00", 60, 60, "x",
    )  # fmt: skip


def test_notes_that_were_added_are_taken_away(desk: Desk, admin: Desk) -> None:
    for person, item in ((desk, "tk_1"), (admin, "1042")):
        entry = person.ok("log", item, "7:00-7:30", "--json").json["id"]
        person.ok("edit", entry[:8], "-m", "wrong")
        person.ok("undo", typed="y\n")
        assert person.ok("show", entry[:8], "--json").json["notes"] in (None, "")


def test_a_deleted_draft_is_created_again_with_a_new_id(desk: Desk) -> None:
    entry = desk.ok("log", "tk_1", "8:00-9:00", "-m", "x", "--no-billable", "--json").json
    desk.ok("delete", entry["id"][:8], "--yes")
    undone = desk.ok("undo", typed="y\n", columns=200)
    (again,) = desk.ok("list", "--json").json
    assert again["id"] != entry["id"]
    assert undone.out.endswith(f"(created again as {again['id'][:8]}, a new draft)\n")
    assert {**again, "id": 0} == {**{name: entry[name] for name in again}, "id": 0}


def test_a_stop_is_deleted_or_runs_again(desk: Desk, admin: Desk) -> None:
    for person, item in ((desk, "tk_1"), (admin, "TIC1042")):
        person.ok("start", item, "-m", "VPN")
        person.clock.pass_by(minutes=20)
        person.ok("stop")
        resumed = person.ok("undo", "--resume", typed="y\n")
        assert "Started" in resumed.out or "is running again" in resumed.out
        assert [row for row in rows(person) if row[2]] == []
        running = person.ok("status", "--json").json
        assert (running["started_at"], running["notes"]) == ("2026-11-23T08:12:00Z", "VPN")
        person.ok("stop")
        person.ok("undo", typed="y\n")
        assert (rows(person), person.ok("status", "--json").json) == ([], None)
        person.clock.pass_by(minutes=-20)


def test_a_start_is_discarded(desk: Desk, admin: Desk) -> None:
    for person, item in ((desk, "tk_1"), (admin, "TIC1042")):
        person.ok("start", item)
        person.clock.pass_by(minutes=20)
        assert person.ok("undo", typed="y\n").out.startswith(f"Taken back: {item} 09:12-")
        assert (rows(person), person.ok("status", "--json").json) == ([], None)
        person.clock.pass_by(minutes=-20)


def test_the_question_says_what_was_changed(desk: Desk) -> None:
    entry = desk.ok("log", "tk_1", "8:00-9:00", "-m", "x", "--json").json["id"][:8]
    desk.ok("edit", entry, "8:00-8:30", "--work-item", "tk_2", "-m", "y")
    asked = joined(desk("undo", typed="n\n", columns=200).err)
    assert "(08:00-09:00 to 08:00-08:30; notes: x to y; billable: 1h to 30m; work item: tk_1 to tk_2)" in asked


def test_before_what_was_never_sent_is_dropped_it_is_said(strict: Strict) -> None:
    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("down")

    strict.network.before = down
    strict.desk.ok("log", "TIC1042", "8:00-8:30", "-s", "basic")
    asked = strict.desk("undo", typed="n\n")
    assert "An entry that was not sent yet is dropped for good: to have it again, type it again." in joined(asked.err)


def test_before_a_stop_is_taken_back_the_way_to_let_it_run_is_said(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "VPN")
    desk.clock.pass_by(minutes=20)
    desk.ok("stop")
    asked = desk("undo", typed="n\n")
    assert "This deletes the recorded time. To let the timer run again instead: alga undo --resume" in joined(asked.err)
    assert "--resume" not in desk("undo", "--resume", typed="n\n").err
    assert "instead: alga undo 1 --resume" in joined(desk("undo", "1", typed="n\n").err)


def test_a_timer_of_less_than_a_minute_is_nothing_to_take_back(desk: Desk) -> None:
    logged = desk.ok("log", "tk_1", "8:00-8:30", "--json").json["id"][:8]
    desk.ok("start", "tk_2")
    desk.ok("stop")
    assert "discard tk_2" in desk.ok("undo", "--list").out
    assert desk.ok("undo", typed="y\n").out == f"Taken back: tk_1 08:00-08:30 (deleted {logged})\n"


def test_what_the_server_made_of_an_undo_is_compared_with_what_was_asked(strict: Strict) -> None:
    admin = strict.as_role("admin")
    entry = admin.ok("log", "1042", "8:00-9:00", "-s", "basic", "-m", "x", "--json").json["id"]
    admin.ok("delete", entry[:8], "--yes")
    admin.transport = strict.network
    strict.network.after = half_billed
    undone = admin.ok("undo", typed="y\n", columns=200)
    assert "The billable time is 30m, not 1h: the server changed it." in joined(undone.err)


def half_billed(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """A server that stores half of the billable minutes of a new entry."""
    if request.method != "POST":
        return response
    data = response.json()["data"]
    return httpx.Response(
        response.status_code, json={"data": data | {"billable_duration": data["billable_duration"] // 2}}
    )


def test_a_timer_that_was_discarded_is_started_again_by_the_command_that_is_told(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "VPN")
    desk.clock.pass_by(minutes=20)
    desk.ok("cancel", "--yes")
    refused = desk("undo")
    assert (refused.code, "A timer that was discarded cannot be brought back." in refused.err) == (5, True)
    assert "To start the timer again: alga start tk_1 --at '2026-11-23 09:12'" in refused.err
    assert "To take back another act: alga undo --list" in refused.err


def test_a_switch_is_taken_back_whole(desk: Desk) -> None:
    desk.ok("start", "tk_1", "-m", "VPN")
    desk.clock.pass_by(minutes=20)
    desk.ok("switch", "tk_2")
    desk.clock.pass_by(minutes=5)
    undone = desk.ok("undo", "--resume", typed="y\n")
    assert [line.split(" (")[0] for line in undone.out.splitlines()][:2] == [
        "Taken back: tk_2 09:32-", "Taken back: tk_1 09:12-09:32",
    ]  # fmt: skip
    assert desk.ok("status", "--json").json["work_item_id"] == "tk_1"
    assert [row for row in rows(desk) if row[2]] == []


def test_several_spans_and_a_bulk_are_taken_back_row_by_row(desk: Desk, admin: Desk) -> None:
    desk.ok("log", "tk_1", "7:00+5m", "7:10+5m", "7:20+5m")
    undone = desk.ok("undo", typed="y\n")
    assert [line.split(" (")[0] for line in undone.out.splitlines()] == [
        "Taken back: tk_1 07:20-07:25", "Taken back: tk_1 07:10-07:15", "Taken back: tk_1 07:00-07:05",
    ]  # fmt: skip
    assert rows(desk) == []
    table = "date,span,item\n2026-11-20,9:00-9:10,TIC1042\n2026-11-20,9:20-9:30,TIC1011\n"
    admin.ok("bulk", "create", "-", typed=table, tty=False)
    number = admin.ok("undo", "--list", "--json").json[0]["id"]
    done = admin.ok("undo", str(number), "--yes", "--json", tty=False).json
    assert [row["outcome"] for row in done] == ["deleted", "deleted"]
    assert rows(admin) == []


# --- what is not on the server ---


def test_what_was_not_sent_vanishes_without_a_connection(strict: Strict) -> None:
    strict.desk.ok("log", "1042", "6:00-6:10", "-s", "basic")
    strict.network.before = offline
    strict.desk.ok("log", "TIC1042", "7:00-7:30", "-s", "basic")
    undone = strict.desk.ok("undo", typed="y\n")
    assert undone.out == "Taken back: TIC1042 07:00-07:30 (the entry was not on the server)\n"
    strict.network.before = lambda request: None
    strict.desk.ok("sync")
    assert rows(strict.desk) == [("TIC1042", "05:00", 10, None)]


def test_a_stop_that_was_not_sent_runs_again(strict: Strict) -> None:
    strict.desk.ok("start", "TIC1042", "-s", "basic", "-m", "x")
    strict.desk.clock.pass_by(minutes=20)
    strict.network.before = offline
    strict.desk.ok("stop")
    assert strict.desk.ok("undo", "--resume", typed="y\n").out.endswith("TIC1042 is running again.\n")
    strict.network.before = lambda request: None
    strict.desk.clock.pass_by(minutes=10)
    assert strict.desk.ok("stop", "--json").json["duration_minutes"] == 30


@pytest.mark.parametrize("arrived", [True, False])
def test_what_is_in_doubt_is_looked_for_first(admin: Desk, strict: Strict, arrived: bool) -> None:
    admin.ok("log", "1042", "6:00-6:10")

    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST" and request.url.path.endswith("/time-entries"):
            raise httpx.ReadError("the answer is lost")
        return response

    def unsent(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ReadError("gone")
        if "start_time_from" in request.url.params:
            raise httpx.ConnectError("no")

    def no_look(request: httpx.Request) -> None:
        if "start_time_from" in request.url.params:
            raise httpx.ConnectError("no")

    strict.network.before = no_look if arrived else unsent
    strict.network.after = lost
    admin("log", "1042", "7:00-7:30")
    strict.network.before, strict.network.after = lambda request: None, lambda request, response: response
    assert admin.ok("queue", "--json").json[0]["in_doubt"]
    undone = admin.ok("undo", typed="y\n").out
    assert ("deleted" in undone, "the entry was not on the server" in undone) == (arrived, not arrived)
    admin.ok("sync")
    assert rows(admin) == [("TIC1042", "05:00", 10, None)]


# --- what is not taken back ---


def test_what_somebody_changed_since_is_left(admin: Desk, strict: Strict) -> None:
    entry = admin.ok("log", "1042", "7:00-7:30", "-m", "x", "--json").json["id"]
    elsewhere = Desk(admin.home.parent / "elsewhere", admin.clock, env=admin.env)
    elsewhere.ok("edit", entry[:8], "-m", "by me, on the web")
    refused = admin("undo", typed="y\n")
    assert refused.code == 5
    assert "The entry was changed since. Nothing was changed." in joined(refused.err)
    assert rows(admin)[0][3] == "by me, on the web"
    elsewhere.ok("delete", entry[:8], "--yes")
    assert "The entry is not there any more." in joined(admin("undo", typed="y\n").err)


def test_of_several_only_those_that_nobody_changed_are_taken_back(desk: Desk) -> None:
    first = desk.ok("log", "tk_1", "7:00+5m", "7:10+5m", "--json").json[0]["id"]
    number = desk.ok("undo", "--list", "--json").json[0]["id"]
    desk.ok("edit", first[:8], "-m", "later")
    partly = desk("undo", str(number), typed="y\n")
    assert partly.code == 9
    assert "Not taken back: tk_1 07:00-07:05: The entry was changed since." in partly.out
    assert rows(desk) == [("tk_1", "06:00", 5, "later")]


def test_an_approval_stops_there(admin: Desk, strict: Strict) -> None:
    entry = admin.ok("log", "1042", "7:00-7:30", "-m", "x", "--json").json["id"]
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET approval_status = 'SUBMITTED'")
    admin.ok("approve", entry, "--yes")
    refused = admin("undo", typed="y\n")
    assert refused.code == 5
    assert "An approval cannot be taken back: an approver reopens the entry on the web." in joined(refused.err)


def test_a_deleted_entry_that_was_no_draft_is_not_created_again(desk: Desk) -> None:
    entry = desk.ok("log", "tk_1", "8:00-9:00", "--json").json["id"]
    with App(desk.home / "data" / "local.db", desk.clock).store.open(writing=True) as db:
        db.execute("UPDATE entries SET approval_status = 'CHANGES_REQUESTED'")
    desk.ok("delete", entry[:8], "--yes")
    refused = desk("undo", typed="y\n")
    assert (refused.code, "only a draft can be created again" in joined(refused.err)) == (5, True)


def test_a_role_that_may_not_delete_is_told_before_the_question(strict: Strict) -> None:
    entry = strict.desk.ok("log", "1042", "7:00-7:30", "-s", "basic", "--json").json["id"]
    refused = strict.desk("undo")
    assert refused.code == 4
    assert "Take this back?" not in refused.err
    assert f"alga edit {entry[:8]}" in refused.err
    assert len(rows(strict.desk)) == 1


# --- which one ---


def test_a_script_and_yes_need_the_number(desk: Desk) -> None:
    desk.ok("log", "tk_1", "8:00-9:00")
    for refused in (desk("undo", tty=False), desk("undo", "--yes")):
        assert (refused.code, "alga undo NUMBER --yes" in refused.err) == (2, True)
    assert len(rows(desk)) == 1


def test_what_a_script_did_needs_its_number(desk: Desk) -> None:
    desk.ok("log", "tk_1", "7:00-7:30")
    desk.ok("log", "tk_2", "8:00-8:30", tty=False)
    listed = desk.ok("undo", "--list", "--json").json
    assert [(act["typed"], act["operations"][0]["label"]) for act in listed] == [(False, "tk_2"), (True, "tk_1")]
    desk.ok("undo", typed="y\n")
    assert [row[0] for row in rows(desk)] == ["tk_2"]
    desk.ok("undo", str(listed[0]["id"]), "--yes", tty=False)
    assert rows(desk) == []
    again = desk("undo", str(listed[0]["id"]), "--yes")
    assert (again.code, "is taken back already." in again.err) == (5, True)
    assert desk("undo", "99", "--yes").code == 6


def test_no_is_no(desk: Desk) -> None:
    desk.ok("log", "tk_1", "7:00-7:30")
    assert desk.ok("undo", typed="n\n").out == "Nothing was changed.\n"
    assert len(rows(desk)) == 1


def test_the_list_shows_what_was_done(desk: Desk) -> None:
    assert "Nothing was done here yet." in desk.ok("undo", "--list").out
    assert desk("undo").code == 6
    desk.ok("log", "tk_1", "7:00+5m", "7:10+5m")
    desk.clock.pass_by(minutes=1)
    desk.ok("undo", typed="y\n")
    desk.env["NO_COLOR"] = "1"
    shown = desk.ok("undo", "--list").out.splitlines()
    assert shown[3].split()[:5] == ["3", "09:13", "you", "delete", "tk_1"]
    assert "tk_1 07:00-07:05 and 1 other" in shown[4]
    assert shown[4].endswith("undone")


def test_a_key_stays_spent(desk: Desk, strict: Strict) -> None:
    desk.ok("log", "tk_1", "30m", "--key", "k1")
    desk.ok("undo", typed="y\n")
    again = desk.ok("log", "tk_1", "30m", "--key", "k1", "--json").json
    assert (again["delivery"], again["id"]) == ("discarded", None)
    assert rows(desk) == []
    strict.desk.ok("log", "1042", "6:00-6:10", "-s", "basic")
    strict.network.before = offline
    strict.desk.ok("log", "1042", "30m", "-s", "basic", "--key", "k2")
    strict.desk.ok("undo", typed="y\n")
    strict.network.before = lambda request: None
    told = strict.desk.ok("log", "1042", "30m", "-s", "basic", "--key", "k2", tty=False).out
    assert told == "Logged before, and it was undone: 1042. Nothing was recorded.\n"
    assert len(rows(strict.desk)) == 1


# --- found by people who tried to break it ---


def asked(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """While alga asks, something else happens; then the person agrees."""

    def agree(*given: object) -> bool:
        meanwhile()
        return True

    monkeypatch.setattr("alga.commands.undo.confirm", agree)


def minutes(desk: Desk) -> int:
    return sum(row[2] for row in rows(desk))


def test_an_edit_is_not_set_back_over_time_that_was_filled_since(desk: Desk) -> None:
    entry = desk.ok("log", "tk_1", "7:00-8:00", "--json").json["id"]
    desk.ok("edit", entry[:8], "7:00-7:30")
    desk.ok("log", "tk_2", "7:30-8:00", tty=False)
    refused = desk("undo", typed="y\n")
    assert (refused.code, "overlaps tk_2 07:30-08:00" in joined(refused.err + refused.out)) == (5, True)
    assert minutes(desk) == 60


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("change", ["notes = 'web'", "approval_status = 'APPROVED'", "approval_status = 'SUBMITTED'"])
def test_a_divided_entry_is_taken_back_whole_or_not(admin: Desk, strict: Strict, part: int, change: str) -> None:
    entry = admin.ok("log", "1042", "6:00-7:00", "-m", "x", "--json").json["id"]
    divided = admin.ok("split", entry[:8], "6:20", "--json").json
    with strict.app.store.open(writing=True) as db:
        db.execute(f"UPDATE entries SET {change} WHERE entry_id = ?", (divided[part]["id"],))
    assert admin("undo", typed="y\n").code == 5
    assert [row[2] for row in rows(admin)] == [20, 40]


def test_a_part_that_cannot_be_deleted_now_leaves_the_entry_short(admin: Desk, strict: Strict) -> None:
    entry = admin.ok("log", "1042", "6:00-7:00", "-m", "x", "--json").json["id"]
    admin.ok("split", entry[:8], "6:20")

    def no_deletes(request: httpx.Request) -> None:
        if request.method == "DELETE" and "00000000" not in request.url.path:
            raise httpx.ReadError("lost")

    strict.network.before = no_deletes
    admin("undo", typed="y\n")
    strict.network.before = lambda request: None
    assert minutes(admin) == 60
    admin.ok("sync")
    assert [row[2] for row in rows(admin)] == [60]


@pytest.mark.parametrize("change", ["notes = 'web'", "approval_status = 'APPROVED'"])
def test_a_part_that_is_set_aside_is_not_dropped_alone(admin: Desk, strict: Strict, change: str) -> None:
    entry = admin.ok("log", "1042", "6:00-7:00", "-m", "x", "--json").json["id"]
    wire = strict.network.inner
    strict.network.inner = taking_no_entry(wire)
    admin("split", entry[:8], "6:20")
    strict.network.inner = wire
    with strict.app.store.open(writing=True) as db:
        db.execute(f"UPDATE entries SET {change} WHERE entry_id = ?", (entry,))
    assert admin("undo", typed="y\n").code == 5
    assert len(admin.ok("queue", "--json").json) == 1


def test_a_start_that_is_still_to_be_corrected_waits_for_that(admin: Desk, strict: Strict) -> None:
    admin.ok("config", "set", "timer", "server")

    def no_puts(request: httpx.Request) -> None:
        if request.method == "PUT":
            raise httpx.ConnectError("down")

    strict.network.before = no_puts
    admin.ok("start", "1042", "--at", "8:30", "-m", "vpn")
    admin.clock.pass_by(minutes=20)
    admin.ok("stop")
    for more in ([], ["--resume"]):
        refused = admin("undo", *more, typed="y\n")
        assert (refused.code, "still to be corrected" in refused.err) == (5, True)
    strict.network.before = lambda request: None
    admin.ok("sync")
    assert [row[2] for row in rows(admin)] == [62]


def test_another_timer_is_not_discarded(admin: Desk, strict: Strict, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Desk(admin.home.parent / "other", admin.clock, env=dict(admin.env))
    for person in (admin, other):
        person.ok("config", "set", "timer", "server")
        person.ok("config", "set", "service", "Basic Support")
    admin.ok("start", "1042", "-m", "mine")
    admin.clock.pass_by(minutes=20)
    asked(monkeypatch, lambda: (other.ok("stop"), other.ok("start", "1011", "-m", "other")))
    assert admin("undo").code == 5
    assert other.ok("status", "--json").json["notes"] == "other"


def test_what_changes_during_the_question_is_not_overwritten(
    admin: Desk, strict: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Desk(admin.home.parent / "other", admin.clock, env=dict(admin.env))
    entry = admin.ok("log", "1042", "6:00-6:30", "-m", "x", "--json").json["id"]
    asked(monkeypatch, lambda: other.ok("edit", entry[:8], "6:00-8:00", "-m", "longer"))
    refused = admin("undo")
    assert (refused.code, "The entry was changed since." in joined(refused.err)) == (5, True)
    assert minutes(admin) == 120


def test_resume_checks_that_nothing_lies_between_before_it_deletes(desk: Desk, admin: Desk) -> None:
    for person, item in ((desk, "tk_1"), (admin, "1042")):
        person.ok("start", item)
        person.clock.pass_by(minutes=20)
        person.ok("stop", "-m", "x")
        person.clock.pass_by(minutes=20)
        person.ok("log", item, "9:32-9:50", tty=False)
        refused = person("undo", "--resume", typed="y\n")
        assert (refused.code, "overlaps" in refused.err) == (5, True)
        assert minutes(person) == 38
        person.clock.pass_by(minutes=-40)


@pytest.mark.parametrize("edited", [["-s", "Premium Support"], ["--work-item", "tk_5"]])
def test_what_no_server_takes_away_again_is_not_called_set_back(desk: Desk, edited: list[str]) -> None:
    entry = desk.ok("log", "10m", "--type", "ad_hoc", "--json").json["id"]
    desk.ok("edit", entry[:8], *edited)
    refused = desk("undo", typed="y\n")
    assert (refused.code, "a server takes none away" in joined(refused.err)) == (5, True)


def test_a_deletion_that_waits_is_said_to_wait(admin: Desk, strict: Strict) -> None:
    admin.ok("log", "1042", "6:00-6:30", "-m", "x")

    def no_deletes(request: httpx.Request) -> None:
        if request.method == "DELETE" and "00000000" not in request.url.path:
            raise httpx.ConnectError("down")

    strict.network.before = no_deletes
    assert admin.ok("undo", typed="y\n").out == "Waits: TIC1042 06:00-06:30 is taken back by alga sync\n"
    strict.network.before = lambda request: None
    admin.ok("sync")
    assert rows(admin) == []


def test_the_redo_of_a_divided_entry_loses_no_part(admin: Desk, strict: Strict) -> None:
    entry = admin.ok("log", "1042", "6:00-7:00", "-m", "x", "--json").json["id"]
    for command in (["split", entry[:8], "6:20"], ["undo"]):
        admin.clock.pass_by(minutes=1)
        admin.ok(*command, typed="y\n")
    wire = strict.network.inner
    strict.network.inner = taking_no_entry(wire)
    admin.clock.pass_by(minutes=1)
    admin("undo", typed="y\n")
    strict.network.inner = wire
    waiting = admin.ok("queue", "--json").json
    assert minutes(admin) + 40 * len(waiting) == 60, "the part is set aside"
