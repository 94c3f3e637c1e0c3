"""Looking: list with filters, search, statistics, a day's sheet, templates."""

import re
from collections.abc import Callable

import httpx
import pytest

from tests.conftest import Strict
from tests.support import Desk

PRACTICE = "No AlgaPSA login: kept on this computer. To connect: alga login\n"


@pytest.fixture
def week(desk: Desk) -> Desk:
    """A desk on practice data with four entries of this and last week."""
    desk.env["ALGA_PROFILE"] = "local"
    desk.ok("log", "tk_1", "9:00-10:00", "--date", "2026-11-18", "-m", "Last week's VPN")
    desk.ok("log", "tk_2", "1:00-1:30", "-m", "Patch night", "-s", "Basic Support")
    desk.ok("log", "tk_1", "6:00-8:00", "-m", "VPN again", "-s", "Premium Support")
    desk.ok("log", "meeting", "8:00-8:45", "--type", "non_billable_category", "-m", "Weekly", "-s", "On-site Work")
    return desk


def notes(desk: Desk, *typed: str) -> list[str]:
    """The notes of what a listing shows, in its order."""
    return [row["notes"] for row in desk.ok(*typed, "--json", tty=False).json]


def without_colour(text: str) -> str:
    """As it is read."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# --- list -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["--work-item", "tk_1"], ["VPN again"]),
        (["--work-item", "tk_1", "--from", "2026-11-01"], ["Last week's VPN", "VPN again"]),
        (["--type", "non_billable_category"], ["Weekly"]),
        (["--service", "premium"], ["VPN again"]),
        (["--status", "draft", "--billable", "yes"], ["Patch night", "VPN again"]),
        (["--billable", "no"], ["Weekly"]),
        (["--status", "changes-requested"], []),
        (["--sort", "worked"], ["Patch night", "Weekly", "VPN again"]),
        (["--sort", "-worked", "--limit", "2"], ["VPN again", "Weekly"]),
        (["--sort", "service"], ["Patch night", "Weekly", "VPN again"]),
        (["--limit", "2"], ["VPN again", "Weekly"]),
        (["--sort", "-time"], ["Weekly", "VPN again", "Patch night"]),
        (["--sort", "billable"], ["Weekly", "Patch night", "VPN again"]),
        (["--sort", "work-item"], ["Weekly", "VPN again", "Patch night"]),
    ],
    ids=" ".join,
)
def test_list_filters_and_sorts(week: Desk, typed: list[str], found: list[str]) -> None:
    assert notes(week, "list", *typed) == found


def test_list_sorts_by_person_and_status(strict: Strict) -> None:
    for role, ticket in (("technician", "TIC1042"), ("admin", "TIC1011")):
        desk = strict.as_role(role)
        desk.ok("log", ticket, "7:00-8:00", "-s", "Basic Support", "-m", role)
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET approval_status = 'APPROVED' WHERE notes = 'technician'")
    assert notes(strict.desk, "list", "--everyone", "--sort", "person") == ["admin", "technician"]
    assert notes(strict.desk, "list", "--everyone", "--sort", "status") == ["technician", "admin"]


def test_a_filtered_list_says_what_it_shows(week: Desk) -> None:
    shown = week.ok("list", "--sort", "-worked", "--billable", "yes", "--status", "draft", tty=False)
    first, second = week.ok("list", "--billable", "yes", "-f", "ids").out.split()
    assert shown.out == (
        "Mine, this week (23-29 Nov), DRAFT, billable\n"
        "DAY          TIME          WORKED   BILLABLE   WORK ITEM   NOTES         ID\n"
        f"{'─' * 81}\n"
        f"Mon 23 Nov   06:00-08:00       2h         2h   tk_1        VPN again     {second[:8]}\n"
        f"Mon 23 Nov   01:00-01:30      30m        30m   tk_2        Patch night   {first[:8]}\n"
        "\n"
        "2 entries                  2h 30m     2h 30m\n"
    )
    assert week.ok("list", "--limit", "1").err == "1 of 3 entries (--limit).\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--status", "done"], "Invalid value 'DONE' for --status. Choose from: DRAFT, SUBMITTED"),
        (["--billable", "maybe"], "Invalid value 'maybe' for --billable. Choose from: yes, no"),
        (["--sort", "size"], "Invalid value 'size' for --sort."),
        (["--type", "tickets"], "Invalid value 'tickets' for --type."),
        (["--limit", "0"], "Invalid value for '--limit'"),
        (["--service", "gold"], "Unknown service 'gold'."),
    ],
    ids=lambda typed: " ".join(typed) if isinstance(typed, list) else "",
)
def test_wrong_filters_are_refused(week: Desk, typed: list[str], said: str) -> None:
    result = week("list", *typed, columns=300)
    assert result.code in (2, 6)
    assert said in result.err.replace("\n", " ")


def ignoring(name: str) -> Callable[[httpx.Request], None]:
    """A server that does not know a filter."""

    def before(request: httpx.Request) -> None:
        request.url = request.url.copy_remove_param(name)

    return before


def test_a_filter_that_the_server_ignores_is_done_here_and_said_once(strict: Strict) -> None:
    for n, flag in enumerate(["--billable", "--no-billable"] * 60):
        span = f"2026-10-{1 + n // 40:02}T{n % 40 // 2:02}:{n % 2 * 30:02}:00Z"
        typed = [
            "log",
            "TIC1042",
            "--from",
            span,
            "--to",
            span.replace(":00:00Z", ":20:00Z").replace(":30:00Z", ":50:00Z"),
        ]
        strict.desk.ok(*typed, *(["--billable", "20"] if flag == "--billable" else [flag]), "-s", "Basic Support")
    strict.network.before = ignoring("is_billable")
    result = strict.desk.ok("list", "--from", "2026-10-01", "--billable", "no", "--json", tty=False)
    assert len(result.json) == 60
    assert {row["billable_minutes"] for row in result.json} == {0}
    assert result.err == "The server ignored the filter by billable: alga filtered instead.\n"


# --- search ---------------------------------------------------------------------------------------


def test_search_shows_everyones_latest_first_with_the_words_marked(week: Desk) -> None:
    shown = week.ok("search", "vpn")
    assert notes(week, "search", "vpn") == ["VPN again", "Last week's VPN"]
    assert without_colour(shown.out).startswith("'vpn' in the notes: Everyone's, all time\n")
    assert "\x1b[7mVPN\x1b[0m again" in shown.out
    assert "\x1b[" not in week.ok("search", "vpn", tty=False).out


def test_search_keeps_to_its_period_and_filters(week: Desk) -> None:
    assert notes(week, "search", "VPN", "--today") == ["VPN again"]
    assert notes(week, "search", "VPN", "--work-item", "tk_1", "--last-week") == ["Last week's VPN"]
    assert notes(week, "search", "again", "--billable", "no") == []
    assert "No entry has these words in the notes." in week.ok("search", "nowhere").out


def test_search_all_looks_at_work_items_services_and_people_too(week: Desk) -> None:
    assert notes(week, "search", "premium") == []
    assert notes(week, "search", "--all", "premium") == ["VPN again"]
    assert notes(week, "search", "--all", "tk_2") == ["Patch night"]
    assert len(notes(week, "search", "--all", "you")) == 4


def test_wildcards_of_the_server_are_taken_literally(week: Desk) -> None:
    week.ok("log", "tk_5", "3:00-3:30", "-m", "100% done")
    assert notes(week, "search", "100%") == ["100% done"]
    assert notes(week, "search", "_") == []


def test_the_cap_of_the_servers_search_is_said(desk: Desk) -> None:
    desk.env["ALGA_PROFILE"] = "local"
    rows = [f"2026-10-{1 + n // 40:02},{n % 40 // 2}:{n % 2 * 30:02},30m,tk_1,needle {n}" for n in range(130)]
    desk.ok("bulk", "create", "-", typed="date,start,span,item,notes\n" + "\n".join(rows))
    capped = desk.ok("search", "needle", "--json", tty=False)
    assert len(capped.json) == 100
    assert capped.err == (
        "The server's search returns at most 100 hits of 130. To see all: alga search needle --json --all\n"
    )
    assert len(desk.ok("search", "--all", "needle", "--json", tty=False).json) == 130


def test_a_backslash_is_looked_for_here(week: Desk) -> None:
    week.ok("log", "tk_5", "3:00-3:30", "-m", "In C:\\temp")
    assert notes(week, "search", "C:\\temp") == ["In C:\\temp"]
    assert "'C:\\temp' anywhere" in week.ok("search", "C:\\temp", tty=False).out


def test_nothing_to_search_for_is_refused(week: Desk) -> None:
    for words in (" ", "a\x00b", "\x1b[31m"):
        assert week("search", words).code == 2


# --- stats ----------------------------------------------------------------------------------------


def test_stats_of_ones_own_week(week: Desk) -> None:
    assert week.ok("stats").out == (
        "Mine, this week (23-29 Nov)\n"
        "Worked        3h 15m\n"
        "Billable      2h 30m (77%)\n"
        "Not billable  45m\n"
        "Entries       3\n"
        "Per entry     1h 5m\n"
        "Source        computed from 3 entries\n"
    )


def test_stats_by_day_with_bars(week: Desk) -> None:
    shown = week.ok("stats", "--by", "day", "--from", "2026-11-18", "--to", "2026-11-30", tty=False)
    assert shown.out == (
        "Mine, 18-30 Nov\n"
        "DAY          ENTRIES   WORKED   BILLABLE\n"
        f"{'─' * 67}\n"
        f"Wed 18 Nov         1       1h         1h   {'█' * 7}\n"
        "Thu 19 Nov         0       0m         0m\n"
        "Fri 20 Nov         0       0m         0m\n"
        "Sat 21 Nov         0       0m         0m\n"
        "Sun 22 Nov         0       0m         0m\n"
        f"Mon 23 Nov         3   3h 15m     2h 30m   {'█' * 18}{'░' * 6}\n"
        "\n"
        "Total              4   4h 15m     3h 30m\n"
        "Source: computed from 4 entries.\n"
    )
    week.env["LANG"] = "C"
    assert f"Mon 23 Nov         3   3h 15m     2h 30m   {'#' * 18}{'.' * 6}\n" in week.ok("stats", "--by", "day").out


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("day", [("2026-11-18", 60), ("2026-11-23", 195)]),
        ("week", [("2026-11-16", 60), ("2026-11-23", 195)]),
        ("month", [("2026-11", 255)]),
        ("service", [("Premium Support", 120), ("no service", 60), ("On-site Work", 45), ("Basic Support", 30)]),
        ("work-item", [("tk_1", 180), ("meeting", 45), ("tk_2", 30)]),
        ("type", [("ticket", 210), ("non_billable_category", 45)]),
        ("status", [("DRAFT", 255)]),
        ("user", [("You", 255)]),
    ],
)
def test_stats_by_everything(week: Desk, by: str, groups: list[tuple[str, int]]) -> None:
    data = week.ok("stats", "--by", by, "--from", "2026-11-01", "--json", tty=False).json
    named = "key" if by in ("day", "week", "month") else "name"
    found = [(group[named], group["duration_minutes"]) for group in data["groups"]]
    assert [group for group in found if group[1]] == groups
    assert sum(group["duration_minutes"] for group in data["groups"]) == data["duration_minutes"] == 255


def test_stats_of_everyone_are_the_servers_own_and_say_so(strict: Strict) -> None:
    strict.desk.ok("log", "TIC1042", "7:00-8:30", "-s", "Basic Support", "--no-billable")
    data = strict.desk.ok("stats", "--everyone", "--from", "2026-01-01", "--json", tty=False).json
    assert [request.url.path for request in strict.network.requests][-1].endswith("/stats")
    assert (data["source"], data["entries"], data["duration_minutes"], data["billable_minutes"]) == (
        "server",
        4,
        180,
        90,
    )
    by_hand = strict.desk.ok("stats", "--everyone", "--by", "type", "--from", "2026-01-01", "--json", tty=False).json
    assert by_hand["source"] == "entries"
    assert (by_hand["duration_minutes"], by_hand["billable_minutes"]) == (180, 90)
    assert "the server's totals" in strict.desk.ok("stats", "--everyone").out


def test_stats_say_that_a_stop_waits(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic")
    desk.clock.pass_by(minutes=20)

    def down(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ConnectError("down", request=request)

    strict.network.before = down
    desk.ok("stop")
    for command in (["stats", "--everyone"], ["export", "--today"]):
        assert "Not on the server yet: TIC1042 09:12-09:32. alga sync sends it." in desk.ok(*command, tty=False).err


def test_stats_of_nothing(week: Desk) -> None:
    assert "Per entry     0m" in week.ok("stats", "--yesterday").out
    assert "Nothing recorded." in week.ok("stats", "--yesterday", "--by", "day").out


# --- day ------------------------------------------------------------------------------------------


def test_a_days_sheet(week: Desk) -> None:
    week.ok("config", "set", "target", "8h")
    week.ok("log", "tk_4", "1:30+15m")
    week.ok("start", "tk_3", "-m", "Now")
    week.clock.pass_by(minutes=33)
    ids = week.ok("list", "--sort", "time", "-f", "ids").out.split()
    shown = week.ok("day", tty=False).out.splitlines()
    assert shown[0] == "Mine, Mon 23 Nov"
    assert shown[1] == "01    02    03    04    05    06    07    08    09"
    assert shown[2] == "█████·························█████████████████··████"
    assert [line.split("  ")[0] for line in shown[5:12]] == [
        "01:00-01:30", "01:30-01:45", "01:45-06:00", "06:00-08:00", "08:00-08:45", "08:45-09:12", "09:12-",
    ]  # fmt: skip
    assert re.sub(" +", " ", shown[6]) == f"01:30-01:45 15m 15m tk_4 no notes {ids[1][:8]}"
    assert re.sub(" +", " ", shown[7]).strip() == "01:45-06:00 4h 15m free"
    assert shown[-1] == "4h 3m of 8h so far.", "the day is not over"
    week.ok("config", "set", "hours", "1:00-7:00 8:00-10:00")
    assert week.ok("day", tty=False).out.splitlines()[-1] == "3h 42m of 8h are missing by now."
    week.ok("config", "set", "hours", "1:00-7:00 7:30-9:30")
    assert week.ok("day", tty=False).out.splitlines()[-1] == "3h 57m of 8h are missing."
    assert "0m" not in week.ok("day", "2026-11-22", tty=False).out, "no target on a Sunday"


def test_a_day_in_json(week: Desk) -> None:
    data = week.ok("day", "2026-11-18", "--json", tty=False).json
    assert [entry["notes"] for entry in data.pop("entries")] == ["Last week's VPN"]
    assert data == {
        "date": "2026-11-18", "duration_minutes": 60, "billable_minutes": 60, "target_minutes": None,
        "missing_minutes": None, "waiting_minutes": 0, "running_minutes": 0, "gaps": [], "kept_here": [], "look_at": [],
        "as_of": None, "unseen": False,
    }  # fmt: skip


def test_a_timer_kept_here_is_on_the_sheet(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("log", "TIC1011", "7:00-7:30", "-s", "Basic Support", "-m", "x")
    desk.ok("start", "TIC1042", "-m", "Kept", "-s", "Basic Support")
    desk.clock.pass_by(minutes=20)
    data = desk.ok("day", "--json", tty=False).json
    assert [each["notes"] for each in data["kept_here"]] == ["Kept"]
    assert (data["duration_minutes"], data["running_minutes"]) == (30, 20)
    admin = strict.as_role("admin").ok("log", "TIC1011", "7:00-7:15", "-s", "Basic Support", "--json").json["user_id"]
    theirs = desk.ok("day", "--user", admin, "--json", tty=False).json
    assert (theirs["kept_here"], theirs["duration_minutes"]) == ([], 15), "it is on nobody else's"
    assert data["gaps"] == [{"from": "2026-11-23T06:30:00Z", "to": "2026-11-23T08:12:00Z", "minutes": 102}]


def test_overlaps_and_what_reaches_over_midnight(week: Desk) -> None:
    week.ok("log", "tk_7", "--from", "2026-11-19 22:00", "--to", "2026-11-20 1:00", "-m", "Night")
    week.ok("log", "tk_8", "2:00-3:00", "--date", "2026-11-20", "-m", "Later")
    data = week.ok("day", "2026-11-20", "--json", tty=False).json
    assert [(gap["from"], gap["minutes"]) for gap in data["gaps"]] == [("2026-11-20T00:00:00Z", 60)]
    night = week.ok("day", "2026-11-19", "--json", tty=False).json
    assert night["look_at"][0]["look_at"] == ["past midnight"]
    assert week.ok("day", "2026-11-22").out == "Mine, Sun 22 Nov\nNothing recorded.\n"


def test_a_day_needs_to_know_whose(strict: Strict) -> None:
    refused = strict.desk("day")
    assert (refused.code, "Choose a person: --user PERSON." in refused.err) == (5, True)
    assert "3 entries" not in strict.as_role("admin").ok("day").out, "an admin has entries, so the key's user is known"


def test_a_wrong_target_is_refused(week: Desk) -> None:
    for wrong in ("8", "0h", "30h"):
        assert "target must be the length of a working day, like 8h" in week("config", "set", "target", wrong).err
    assert week("config", "set", "timer", "server").code == 2, "the practice data has none"


def test_a_timer_forgotten_for_days_is_on_the_sheet_of_each(week: Desk) -> None:
    week.ok("log", "tk_7", "--from", "2026-11-20 12:00", "--to", "2026-11-22 10:00")
    data = week.ok("day", "2026-11-22", "--json", tty=False).json
    assert (data["entries"], data["duration_minutes"]) == ([], 0), "it counts on the day it starts"
    week.ok("log", "tk_8", "12:00-13:00", "--date", "2026-11-22")
    assert week.ok("day", "2026-11-22", "--json", tty=False).json["gaps"] == [
        {"from": "2026-11-22T09:00:00Z", "to": "2026-11-22T11:00:00Z", "minutes": 120}
    ]


def test_ids_are_refused_where_there_are_none(week: Desk) -> None:
    for command in ("day", "stats"):
        assert week(command, "-f", "ids").code == 2


def test_a_server_that_says_nothing_of_pages_is_read_to_its_end(strict: Strict) -> None:
    rows = [{"id": f"e{n:03}", "started_at": f"2026-11-23T{n // 60:02}:{n % 60:02}:00Z"} for n in range(130)]

    def unpaged(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if not request.url.path.endswith("/time-entries"):
            return response
        page, limit = (int(request.url.params.get(name, 1)) for name in ("page", "limit"))
        return httpx.Response(200, json={"data": rows[(page - 1) * limit : page * limit]})

    strict.network.after = unpaged
    assert len(strict.desk.ok("list", "--everyone", "--today", "--json", tty=False).json) == 130


# --- people ---------------------------------------------------------------------------------------


def test_people_are_named_as_they_are_called(strict: Strict) -> None:
    glinda = strict.as_role("admin").ok("whoami", "--json").json["user_id"]
    for typed in ("glinda", "Good", glinda[:6], glinda.upper()):
        shown = strict.desk.ok("list", "--user", typed, "--from", "2026-01-01", tty=False)
        assert shown.out.startswith("Glinda Good's, from Thu 1 Jan\n")
        assert "3 entries" in shown.out
    assert strict.desk.ok("day", "--user", "glinda", tty=False).out.startswith("Glinda Good's, Mon 23 Nov")
    unknown = strict.desk("list", "--user", "oz")
    assert (unknown.code, "Choose from: Glinda Good" in unknown.err) == (6, True)


# --- templates ------------------------------------------------------------------------------------


def test_templates_are_honest_about_there_being_none(week: Desk) -> None:
    assert week.ok("templates").out == (
        "Templates\nThe server has no templates for time entries, and its API cannot create templates.\n"
    )
    assert week.ok("templates", "--json").json == []


def test_a_server_with_templates_shows_them(strict: Strict) -> None:
    def having(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        return httpx.Response(200, json={"data": [{"id": "t1", "template_name": "Patch night"}]})

    strict.network.after = having
    assert strict.desk.ok("templates", tty=False).out.splitlines()[-1].strip() == "Patch night"


def test_a_server_whose_statistics_say_something_else_is_not_believed(strict: Strict) -> None:
    def paged(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.url.path.endswith("/stats"):
            return httpx.Response(200, json={"data": [], "pagination": {"page": 1, "total": 0}})
        return response

    strict.network.after = paged
    data = strict.desk.ok("stats", "--everyone", "--from", "2026-01-01", "--json", tty=False).json
    assert (data["source"], data["entries"], data["duration_minutes"]) == ("entries", 3, 90)
