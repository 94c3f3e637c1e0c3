"""2,000 rows, faults sprinkled in, killed in the middle and run again: every row accounted for, none twice."""

import csv
import json
import signal
import subprocess
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.cli.test_processes import ALGA, alga, environment, served

ROWS = 2000
FAULTY = {7: "date", 300: "span", 999: "item", 1500: "overlap", 1999: "service"}  # which rows have which fault


def written(path: Path) -> list[tuple[str, str]]:
    """The file; start and note of each good row."""
    at, good = datetime(2026, 5, 1), []
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["date", "start", "span", "item", "service", "notes"])
        for n in range(ROWS):
            row = [f"{at:%Y-%m-%d}", f"{at:%H:%M}", "30m", "TIC1042", "Basic Support", f"row {n}"]
            match FAULTY.get(n):
                case "date":
                    row[0] = "5/1/2026"
                case "span":
                    row[2] = "30"
                case "item":
                    row[3] = "TIC9999"
                case "overlap":
                    row[1] = f"{at - timedelta(minutes=40):%H:%M}"
                case "service":
                    row[4] = "Gold"
                case _:
                    good.append((f"{at:%Y-%m-%dT%H:%M:00Z}", f"row {n}"))
            rows.writerow(row)
            at += timedelta(minutes=60)
    return good


@pytest.mark.parametrize("strict", [True, False], ids=["deployed", "published"])
def test_every_row_is_accounted_for_and_none_is_there_twice(tmp_path: Path, strict: bool) -> None:
    path = tmp_path / "rows.csv"
    good = written(path)
    with served(tmp_path, *(["--strict"] if strict else [])) as connect:
        env = environment(tmp_path / "mine", **connect)
        command = [*ALGA, "bulk", "create", str(path), "--yes", "--json"]
        for landed in (200, 900):
            running = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            wait_until(connect, landed)
            running.send_signal(signal.SIGKILL)
            assert running.communicate(timeout=20)[0] == b"", "it was killed in the middle"
        last = alga(tmp_path / "mine", *command[len(ALGA) :], **connect)
        shown = alga(tmp_path / "mine", "list", "--from", "2026-04-01", "--json", **connect)

    outcomes = Counter(row["outcome"] for row in json.loads(last.stdout))
    assert last.returncode == 9
    assert outcomes["faulty"] == len(FAULTY)
    assert outcomes["recorded already"] >= 900
    assert outcomes["recorded"] + outcomes["recorded already"] == len(good)
    assert sum(outcomes.values()) == ROWS
    recorded = [(entry["started_at"], entry["notes"]) for entry in json.loads(shown.stdout)]
    assert recorded == good, "each once, as the file has it"


def wait_until(connect: dict[str, str], landed: int) -> None:
    """Until so many rows are on the server."""
    deadline = time.monotonic() + 60
    headers = {"X-API-Key": connect["ALGA_API_KEY"]}
    query = {"limit": "1", "date_from": "2026-04-01", "date_to": "2026-10-01"}
    while time.monotonic() < deadline:
        listed = httpx.get(f"{connect['ALGA_URL']}/api/v1/time-entries", headers=headers, params=query)
        if listed.json()["pagination"]["total"] >= landed:
            return
    raise AssertionError("the rows do not arrive")
