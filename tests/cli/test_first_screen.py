"""The first day on a fresh machine, word for word, at 80 and 120 columns, in a terminal and through a pipe."""

import re

import pytest

from tests.conftest import Strict
from tests.support import Desk

PRACTICE = "No AlgaPSA login: kept on this computer. To connect: alga login\n"
PLAIN_STYLES = {"\x1b[2m", "\x1b[1m", "\x1b[1;2m", "\x1b[0m"}


def a_morning(desk: Desk) -> tuple[str, str]:
    """Two entries: 07:40-09:10 and 09:12-10:00. Their ids, shortened; it is 10:00."""
    desk.clock.pass_by(minutes=-2)
    desk.ok("log", "tk_77d0", "7:40-9:10", "-m", "Patch night follow-up")
    desk.clock.pass_by(minutes=2)
    desk.ok("start", "tk_9c41", "-m", "On-site VPN repair")
    desk.clock.pass_by(minutes=48)
    desk.ok("stop")
    first, second = desk.ok("list", "--json").json
    return first["id"][:8], second["id"][:8]


def without_colour(text: str) -> str:
    """The text, once its colours are seen to be only dim and bold; a terminal does not show blanks at a line's end."""
    found = set(re.findall(r"\x1b\[[0-9;]*m", text))
    assert found <= PLAIN_STYLES
    return "".join(f"{line.rstrip()}\n" for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines())


def test_start_status_and_stop(desk: Desk) -> None:
    started = desk("start", "tk_9c41", "-m", "On-site VPN repair")
    desk.clock.pass_by(minutes=47, seconds=31)
    status = desk("status")
    desk.clock.pass_by(seconds=29)
    stopped = desk("stop")
    entry_id = desk("list", "-f", "ids").out[:8]

    assert (started.code, started.out) == (0, "Started tk_9c41 at 09:12: On-site VPN repair\n")
    assert started.err == PRACTICE
    assert status.out == ("tk_9c41  0:47:31  since 09:12  On-site VPN repair\nToday    0m + 47m running\n")
    assert status.err == "", "in a terminal the login line is shown once a day"
    assert stopped.out == f"Stopped tk_9c41: 48m worked, 48m billable (09:12-10:00)  {entry_id}\n"


def test_the_login_line_comes_every_time_through_a_pipe_and_daily_in_a_terminal(desk: Desk) -> None:
    assert [desk("status", tty=False).err for _ in range(2)] == [PRACTICE, PRACTICE]
    assert [desk("status").err for _ in range(2)] == [PRACTICE, ""]
    desk.clock.pass_by(days=1)
    assert desk("status").err == PRACTICE
    assert desk("status", "--profile", "local", tty=False).err == "", "it was named"


def test_log(desk: Desk) -> None:
    desk.clock.pass_by(minutes=-2)
    logged = desk("log", "tk_77d0", "7:40-9:10", "-m", "Patch night follow-up")
    entry_id = desk("list", "-f", "ids").out[:8]
    assert logged.out == f"Logged tk_77d0: 1h 30m worked, 1h 30m billable (07:40-09:10)  {entry_id}\n"


@pytest.mark.parametrize("tty", [True, False])
@pytest.mark.parametrize(("columns", "gap"), [(80, 0), (120, 40)])
def test_list(desk: Desk, tty: bool, columns: int, gap: int) -> None:
    first, second = a_morning(desk)
    shown = desk("list", tty=tty, columns=columns).out
    wider = " " * (gap if tty else 0)
    assert without_colour(shown) == (
        "Mine, this week (23-29 Nov)\n"
        f"TIME          WORKED   BILLABLE   WORK ITEM   NOTES                  {wider}   ID\n"
        f"{'─' * (80 + len(wider))}\n"
        "Mon 23 Nov    2h 18m     2h 18m\n"
        f"07:40-09:10   1h 30m     1h 30m   tk_77d0     Patch night follow-up  {wider}   {first}\n"
        f"09:12-10:00      48m        48m   tk_9c41     On-site VPN repair     {wider}   {second}\n"
        "\n"
        "2 entries     2h 18m     2h 18m\n"
    )
    assert ("\x1b[" in shown) is tty


def test_list_under_lang_c_and_no_color(desk: Desk) -> None:
    a_morning(desk)
    assert f"\n{'-' * 80}\n" in Desk(desk.home, desk.clock, env={"LANG": "C"})("list", tty=False).out
    assert "\x1b" not in Desk(desk.home, desk.clock, env={"NO_COLOR": "1"})("list").out


def test_a_long_note_is_cut_in_a_terminal_and_whole_through_a_pipe(desk: Desk) -> None:
    notes = "Replaced the switch in the basement and labelled all the cables"
    desk.ok("log", "tk_77d0", "7:40-9:10", "-m", notes)
    assert "Replaced the switch in the …  " in without_colour(desk("list").out)
    assert max(map(len, without_colour(desk("list").out).splitlines())) == 80
    assert notes in desk("list", tty=False).out


def test_a_running_timer_is_listed_and_marked_and_not_summed(desk: Desk) -> None:
    desk.ok("start", "tk_9c41", "-m", "VPN")
    desk.clock.pass_by(minutes=12)
    shown = desk("list").out
    assert "\x1b[1m09:12-" in shown
    lines = without_colour(shown).splitlines()
    assert lines[4].split() == ["09:12-", "12m", "running", "tk_9c41", "VPN", lines[4].split()[-1]]
    assert lines[3].split() == ["Mon", "23", "Nov", "0m", "0m", "+", "12m", "running"]
    assert lines[-1].split() == ["0", "entries", "0m", "0m", "+", "12m", "running"]


def test_an_overlap_is_refused_with_the_clash_and_a_way_out(desk: Desk) -> None:
    _, second = a_morning(desk)
    desk.clock.pass_by(minutes=5)
    refused = desk("log", "tk_77d0", "45m", columns=100)
    assert (refused.code, refused.out) == (5, "")
    assert refused.err == (
        f"alga: 09:20-10:05 overlaps tk_9c41 09:12-10:00 ({second}). Nothing was logged.\n"
        "Free today: before 07:40, after 10:00. Try: alga log tk_77d0 6:55-7:40\n"
    )


def test_messages_are_wrapped_at_the_terminals_width_and_one_line_through_a_pipe(desk: Desk) -> None:
    a_morning(desk)
    desk.clock.pass_by(minutes=5)
    assert max(map(len, desk("log", "tk_77d0", "45m").err.splitlines())) <= 80
    narrow = desk("log", "tk_77d0", "45m", columns=60).err.splitlines()
    assert narrow[-1] == "Try: alga log tk_77d0 6:55-7:40", "a command to paste stays on one line"
    assert len(desk("log", "tk_77d0", "45m", tty=False).err.splitlines()) == 2


def test_an_empty_list_says_so(desk: Desk) -> None:
    assert desk("list").out == "Mine, this week (23-29 Nov)\nNothing recorded.\n"


def test_alga_alone_says_where_you_are(desk: Desk) -> None:
    a_morning(desk)
    assert desk().out == (
        "alga 0.1.0: practice data on this computer, no AlgaPSA login\n"
        "\n"
        "Nothing is running.\n"
        "Today  2h 18m worked\n"
        "\n"
        "Next\n"
        "  alga start WORK_ITEM     start the clock\n"
        "  alga log WORK_ITEM 90m   record work already done\n"
        "  alga login               connect to AlgaPSA\n"
        "  alga --help              everything else\n"
    )


@pytest.mark.parametrize("columns", [60, 80])
def test_no_line_is_wider_than_the_terminal(strict: Strict, columns: int) -> None:
    strict.desk.ok("log", "TIC1042", "7:40-9:10", "-s", "basic", "-m", "Moved the mailbox to another server")
    for command in (["list"], ["list", "--everyone", "--from", "2026-11-01"], ["tickets", "vpn"], ["status"]):
        lines = without_colour(strict.desk.ok(*command, columns=columns).out).splitlines()
        limit = columns if columns == 80 or "--everyone" not in command else 80
        assert max(map(len, lines)) <= limit, (command, lines)
