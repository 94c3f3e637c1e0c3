"""One time zone: the setting's, for what is typed, shown, summed and exported; this computer's where none is set."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import Strict
from tests.support import Desk, joined

TOLD = "Times are in UTC, this computer's time zone. Yours: alga config set zone Europe/Berlin"


@pytest.fixture
def jump_host(desk: Desk) -> Desk:
    """A computer in UTC, whose person is in Berlin."""
    desk.zone = UTC
    desk.ok("config", "set", "zone", "Europe/Berlin", tty=False)
    return desk


def test_times_are_read_in_the_zone_of_the_setting_and_a_write_names_it(jump_host: Desk) -> None:
    logged = jump_host.ok("log", "tk_1", "8:00-9:00", "-m", "x")
    assert "(08:00-09:00 Berlin)" in logged.out
    assert jump_host.ok("list", "--json").json[0]["started_at"] == "2026-11-23T07:00:00Z"
    assert jump_host.ok("start", "tk_2").out == "Started tk_2 at 09:12 Berlin\n"
    jump_host.clock.pass_by(minutes=48)
    assert "(09:12-10:00 Berlin)" in jump_host.ok("stop", "-m", "x").out


def test_days_are_those_of_the_setting(jump_host: Desk) -> None:
    jump_host.clock.pass_by(hours=15)  # it is Tuesday, 00:12 in Berlin, and still Monday in UTC
    jump_host.ok("log", "tk_1", "0:00-0:10", "-m", "x")
    assert "Tue 24 Nov" in jump_host.ok("list").out
    assert [row["date"] for row in [jump_host.ok("day", "--json").json]] == ["2026-11-24"]
    exported = jump_host.ok("export", "--today", "--profile", "local").out
    assert "2026-11-24 00:00" in exported


def test_where_the_computer_has_the_same_time_the_zone_is_not_named(desk: Desk) -> None:
    desk.ok("config", "set", "zone", "Europe/Vienna")
    assert "(08:00-09:00)" in desk.ok("log", "tk_1", "8:00-9:00", "-m", "x").out


def test_a_computer_in_utc_says_so_once(desk: Desk) -> None:
    desk.zone = ZoneInfo("UTC")
    assert TOLD not in desk.ok("log", "tk_1", "8:00-8:10", "-m", "x", tty=False).err
    assert TOLD in joined(desk.ok("log", "tk_1", "7:00-7:10", "-m", "x").err)
    assert TOLD not in joined(desk.ok("list").err)


def test_london_in_winter_is_not_utc(desk: Desk) -> None:
    desk.zone = ZoneInfo("Europe/London")
    assert "UTC" not in desk.ok("log", "tk_1", "8:00-8:10", "-m", "x").err


@pytest.mark.parametrize("name", ["Berlin", "Europe", "CET+1", "../etc/passwd", "Europe/Nowhere"])
def test_what_is_no_zone_is_refused(desk: Desk, name: str) -> None:
    refused = desk("config", "set", "zone", name)
    assert refused.code == 2
    assert "zone must be the name of a time zone that this computer knows, like Europe/Berlin" in joined(refused.err)


def test_login_on_a_computer_in_utc_asks_for_the_zone(strict: Strict) -> None:
    strict.desk.env, strict.desk.zone = {}, UTC
    key = strict.app.key_of("technician")
    asked = strict.desk.ok("login", strict.url, "--key-stdin", typed=f"{key}\nBerlin\nEurope/Berlin\n")
    assert asked.err.count("This computer's time zone is UTC. Yours, e.g. Europe/Berlin (Enter: UTC):") == 2
    assert strict.desk.ok("config", "get", "zone").out == "Europe/Berlin\n"
    again = strict.desk.ok("login", strict.url, "--key-stdin", typed=f"{key}\n")
    assert "time zone" not in again.err
