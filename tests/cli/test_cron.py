"""The crontab line of the guide, run as cron runs it: no terminal, almost no environment, LANG=C."""

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from alga.practice.app import App
from tests.support import Desk, serving

GUIDE = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
SCHEDULE = r"15 6 1 \* \* "


@dataclass
class Cron:
    """A user's home in which the line runs."""

    home: Path
    line: str

    def run(self) -> "subprocess.CompletedProcess[str]":
        """Run the line as cron does; what comes out of it is what cron would mail."""
        said = {
            "HOME": self.home,
            "LOGNAME": "me",
            "SHELL": "/bin/sh",
            "PATH": "/usr/bin:/bin",
            "LANG": "C",
            "TZ": "UTC",
        }
        clean = ["env", "-i", *(f"{name}={value}" for name, value in said.items())]
        return subprocess.run(
            [*clean, "/bin/sh", "-c", self.line], cwd=self.home, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, start_new_session=True, check=False,
        )  # fmt: skip

    def exported(self) -> list[Path]:
        """The files that are there."""
        return sorted(self.home.glob("time-*"))


@pytest.fixture
def cron(tmp_path: Path) -> Cron:
    """The line as it stands in the guide, and alga where pipx puts it."""
    found = re.search(rf"^ +{SCHEDULE}(.*)$", GUIDE, re.MULTILINE)
    assert found
    program = tmp_path / ".local" / "bin" / "alga"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m alga "$@"\n')
    program.chmod(0o755)
    return Cron(tmp_path, found[1])


@pytest.fixture
def server(cron: Cron, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server to which the user is logged in as acme, with an entry of last month and one of the month before."""
    app = App(tmp_path_factory.mktemp("server") / "strict.db", lambda: datetime.now(UTC), strict=True)
    with serving(app) as url:
        program = cron.home / ".local" / "bin" / "alga"
        key = app.key_of("technician")
        login = [str(program), "login", url, "--key-stdin", "--profile", "acme"]
        subprocess.run(login, env={"HOME": str(cron.home)}, input=key, text=True, check=True, capture_output=True)
        desk = Desk(cron.home / "desk", env={"ALGA_URL": url, "ALGA_API_KEY": key}, zone=UTC)
        desk.clock.now = datetime.now(UTC)
        for day in (last_month(), last_month() - timedelta(days=1)):
            desk.ok("bulk", "create", "-", typed=f"start,span,item,service\n{day}T00:00:00Z,1h,TIC1042,Basic Support\n")
        yield app


def last_month() -> date:
    """Its first day."""
    return (datetime.now(UTC).date().replace(day=1) - timedelta(days=1)).replace(day=1)


def test_it_exports_last_month_and_mails_nothing(cron: Cron, server: App) -> None:
    done = cron.run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (made,) = cron.exported()
    assert made.name == f"time-{last_month()}.csv"
    rows = list(csv.DictReader(made.read_text(encoding="utf-8").splitlines()))
    assert [(row["started_at"], row["duration_minutes"]) for row in rows] == [(f"{last_month()}T00:00:00Z", "60")]


def test_a_failure_is_one_line_and_leaves_the_old_file(cron: Cron, server: App) -> None:
    cron.run()
    before = cron.exported()[0].read_bytes()
    with server.store.open(writing=True) as db:
        db.execute("UPDATE users SET api_key = 'gone' WHERE role = 'technician'")
    failed = cron.run()
    assert (failed.returncode, failed.stdout) == (4, "")
    assert failed.stderr.count("\n") == 1
    assert failed.stderr.startswith("alga: AlgaPSA refused the key of profile acme.")
    assert cron.exported()[0].read_bytes() == before


def test_a_server_that_is_down_is_one_line(cron: Cron, server: App) -> None:
    config = cron.home / ".config" / "alga" / "config.toml"
    config.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", config.read_text()))
    failed = cron.run()
    assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (7, "", 1)
    assert "cannot be reached" in failed.stderr


def test_without_the_login_nothing_is_exported(cron: Cron) -> None:
    failed = cron.run()
    assert (failed.returncode, failed.stdout, failed.stderr.count("\n")) == (3, "", 1)
    assert failed.stderr.startswith("alga: Unknown profile 'acme'.")
    assert cron.exported() == []


def test_without_the_profile_practice_data_is_not_exported(cron: Cron) -> None:
    cron.line = cron.line.replace(" --profile acme", "")
    failed = cron.run()
    assert (failed.returncode, failed.stdout) == (3, "")
    assert failed.stderr == (
        "alga: no login here, so this would use the practice data on this computer. "
        "Add --profile NAME, or --profile local if you mean it.\n"
    )
    assert cron.exported() == []
