"""The doctor: each thing that is not in order is found, with what to type."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from alga.practice.app import App
from tests.conftest import Strict
from tests.support import Desk, Faulty


def findings(desk: Desk, code: int = 0) -> dict[str, tuple[str, str, str | None]]:
    """State, finding and hint by check."""
    result = desk("doctor", "--json", tty=False)
    assert result.code == code, result
    rows: list[dict[str, Any]] = result.json
    return {row["check"]: (row["state"], row["found"], row["hint"]) for row in rows}


@pytest.fixture
def acme(strict: Strict) -> Desk:
    """A technician who is logged in."""
    desk = strict.desk
    key = desk.env.pop("ALGA_API_KEY")
    desk.ok("login", desk.env.pop("ALGA_URL"), "--key-stdin", "--profile", "acme", typed=key)
    desk.env["PATH"] = ""
    return desk


def test_all_is_well(acme: Desk) -> None:
    found = findings(acme)
    config = acme.home / "config" / "config.toml"
    assert found["config"] == ("ok", f"{config}, only you can read it", None)
    assert found["key"] == ("ok", "accepted (profile acme)", None)
    assert found["clock"] == ("ok", "agrees with the server's clock", None)
    assert found["server kind"] == ("ok", "a deployed AlgaPSA", None)
    assert found["timer"] == ("ok", "alga keeps the clock: the server's own timers reach no time sheet", None)
    assert found["role"] == ("ok", "may read, create, update; may not delete, approve, list services", None)
    assert found["program"] == ("ok", "no other alga on the PATH", None)
    assert found["waiting"] == ("ok", "nothing waits to be sent", None)
    assert list(found) == [
        "config", "address", "key", "clock", "user", "server kind", "timer", "role", "time zone", "time sheets",
        "waiting", "program",
    ]  # fmt: skip


def test_for_people_it_is_a_table(desk: Desk) -> None:
    desk.env["PATH"] = ""
    lines = desk.ok("doctor", "--profile", "local", tty=False).out.splitlines()
    assert lines[0].split() == ["STATE", "CHECK", "FOUND"]
    assert lines[-1].split(maxsplit=2) == ["ok", "program", "no other alga on the PATH"]


def test_nothing_is_changed_by_looking(strict: Strict) -> None:
    admin = strict.as_role("admin")
    before = admin.ok("export", "--json", tty=False).out
    assert findings(admin)["role"][1] == "may read, create, update, delete, approve, list services"
    assert admin.ok("export", "--json", tty=False).out == before


def test_a_server_that_might_take_an_empty_entry_is_not_asked(desk: Desk, tmp_path: Path) -> None:
    app = App(tmp_path / "local.db", desk.clock)
    network = Faulty(httpx.WSGITransport(app=app))
    desk.transport, desk.env = network, {"ALGA_URL": "http://localhost", "ALGA_API_KEY": app.key_of("local")}
    desk.ok("log", "tk_1", "1:00-2:00")
    network.requests.clear()
    assert findings(desk)["role"][1] == "may read, update, delete, approve, list services"
    assert [request.url.path for request in network.sent("POST")] == ["/api/v1/time-entries/approve"]


def test_a_key_that_others_can_read_is_a_fault(acme: Desk) -> None:
    config = acme.home / "config" / "config.toml"
    config.chmod(0o644)
    assert findings(acme, 1)["config"] == (
        "fault", f"other users of this computer can read {config}", f"chmod 600 {config}",
    )  # fmt: skip


def test_a_damaged_config_is_a_fault_with_its_line(desk: Desk) -> None:
    config = desk.home / "config" / "config.toml"
    config.parent.mkdir(parents=True, mode=0o700)
    config.write_text("default = 5\n")
    config.chmod(0o600)
    state, found, _ = findings(desk, 1)["login"]
    assert (state, f"{config}, line 1" in found) == ("fault", True)


def test_a_server_that_is_down_and_a_key_that_is_refused_are_faults(strict: Strict) -> None:
    def down(request: httpx.Request) -> None:
        raise httpx.ConnectError("refused", request=request)

    strict.desk.env["ALGA_API_KEY"] = "0" * 64
    state, found, hint = findings(strict.desk, 1)["server"]
    assert (state, hint) == ("fault", "New key: set ALGA_API_KEY, or alga login")
    assert "refused the key" in found
    strict.network.before = down
    assert "cannot be reached" in findings(strict.desk, 1)["server"][1]


def test_a_clock_that_is_wrong(strict: Strict) -> None:
    strict.app.clock = lambda: strict.desk.clock.now + timedelta(minutes=7)
    assert findings(strict.desk)["clock"] == (
        "warning", "this computer is 7m behind the server", "Set this computer's clock.",
    )  # fmt: skip
    strict.app.clock = lambda: strict.desk.clock.now - timedelta(minutes=3)
    assert "3m ahead of the server" in findings(strict.desk)["clock"][1]


def test_an_unknown_user_and_another_time_zone(strict: Strict) -> None:
    found = findings(strict.desk)
    assert found["user"][0] == "warning"
    assert found["time zone"][:2] == ("ok", "this computer is on UTC+0100"), "another's zone says nothing of one's own"
    assert found["time sheets"][:2] == ("ok", "not checked: the server has not shown which entries are yours")
    assert findings(strict.as_role("admin"))["time zone"][:2] == (
        "warning", "the server counts days in UTC, this computer is on UTC+0100: near midnight dates differ",
    )  # fmt: skip


def test_timer_entries_without_a_sheet(strict: Strict) -> None:
    desk = strict.desk
    desk.env["ALGA_STATE_DIR"] = str(desk.home / "state")
    admin = strict.as_role("admin")
    admin.ok("log", "TIC1042", "6:00-6:30", "-s", "Basic Support")
    entry = admin.ok("log", "TIC1042", "7:00-7:30", "-s", "Basic Support", "--json").json["id"]
    with strict.app.store.open(writing=True) as db:
        db.execute("UPDATE entries SET time_sheet_id = NULL WHERE entry_id = ?", (entry,))
    state, found, hint = findings(admin)["time sheets"]
    assert (state, found) == (
        "warning", f"1 entry of the last 30 days on no time sheet, so not up for approval: {entry[:8]}",
    )  # fmt: skip
    assert hint


def test_what_waits_is_told(strict: Strict) -> None:
    desk = strict.desk
    desk.ok("start", "TIC1042", "-s", "basic")
    desk.clock.pass_by(minutes=20)

    def down(request: httpx.Request) -> None:
        if request.method == "POST" and not request.url.path.endswith("/approve"):
            raise httpx.ReadTimeout("timed out", request=request)

    strict.network.before = down
    desk.ok("stop")
    told = "Not on the server yet: TIC1042 09:12-09:32. alga sync sends it."
    assert findings(desk)["waiting"] == ("warning", told, "alga sync")


def test_another_program_of_that_name(desk: Desk, tmp_path: Path) -> None:
    desk.env["ALGA_PROFILE"] = "local"
    program = tmp_path / "bin" / "alga"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    desk.env["PATH"] = str(program.parent)
    assert findings(desk)["program"] == (
        "warning", f"typing alga runs {program}, another program",
        f"Type algapsa, or put the directory of this alga before {program.parent} in PATH.",
    )  # fmt: skip
