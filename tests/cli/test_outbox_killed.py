"""alga killed at any moment, two at once, while it talks over a socket to a server that drops connections."""

import io
import json
import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alga.practice.app import App
from alga.practice.server import Quiet, Threaded
from tests.cli.test_processes import ALGA, alga, environment

KILLS = int(os.environ.get("ALGA_TEST_KILLS", "4"))
SEED = int(os.environ.get("ALGA_TEST_SEED", "20261124"))
DAY = datetime(2026, 6, 1, tzinfo=UTC)
FATES = ("well", "well", "well", "hang up", "unheard", "unanswered", "half an answer")


class Dropping(Quiet):
    """A connection that may be dropped: at once, before it is heard, before it is answered, within the answer."""

    def handle(self) -> None:
        """One request."""
        fate = self.server.fate()  # type: ignore[attr-defined]
        if fate == "hang up":
            return
        if fate == "unheard":
            self.rfile.readline()
            return
        if fate == "well":
            super().handle()
            return
        answer, unsent = self.wfile, io.BytesIO()
        self.wfile = unsent
        super().handle()
        if fate == "half an answer":
            content = unsent.getvalue()
            answer.write(content[: len(content) // 2])


@contextmanager
def dropping(app: App, fates: random.Random) -> Iterator[Threaded]:
    """A server on a socket that drops connections, by the `fates`."""
    server = Threaded(("127.0.0.1", 0), Dropping)
    server.set_app(app)
    server.fate = lambda: fates.choice(FATES)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def command(number: int) -> list[str]:
    """Work at a place of its own, with notes of its own."""
    start = DAY + timedelta(minutes=30 * number)
    times = [f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (start, start + timedelta(minutes=30))]
    item = ("TIC1042", "TIC1011")[number % 2]
    said = ["-s", "Basic Support", "-m", f"n{number}", "--json"]
    return [*ALGA, "log", item, "--from", times[0], "--to", times[1], *said]


def test_what_was_asked_is_there_once_and_what_was_killed_at_most_once(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    app = App(tmp_path / "server.db", lambda: datetime.now(UTC), strict=True)
    accepted, refused = set[str](), set[str]()
    with dropping(app, random.Random(SEED + 1)) as server:
        connect = {"ALGA_URL": f"http://127.0.0.1:{server.server_port}", "ALGA_API_KEY": app.key_of("technician")}
        env = environment(tmp_path / "home", **connect)
        for first in range(0, 2 * KILLS, 2):
            pair = [
                (number, subprocess.Popen(command(number), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
                for number in (first, first + 1)
            ]
            time.sleep(dice.uniform(0.1, 0.9))
            pair[dice.randrange(2)][1].kill()
            for number, process in pair:
                process.communicate(timeout=60)
                if process.returncode == 0:
                    accepted.add(f"n{number}")
                elif process.returncode > 0:
                    refused.add(f"n{number}")
        server.fate = lambda: "well"  # type: ignore[attr-defined]
        for _ in range(3):
            alga(tmp_path / "home", "sync", **connect)
        queue = json.loads(alga(tmp_path / "home", "queue", "--json", **connect).stdout)
        shown = alga(tmp_path / "home", "list", "--from", "2026-05-01", "--mine", "--json", **connect)
    there = Counter(row["notes"] for row in json.loads(shown.stdout) if row["user_name"] == "Tin Woodman")
    aside = {row["notes"] for row in queue}
    assert all(row["delivery"] == "set aside" and row["reason"] for row in queue), queue
    assert accepted and there, "something got through"
    assert set(there.values()) <= {1}, "doubled"
    assert accepted - aside <= set(there), "lost"
    assert refused.isdisjoint(there), "said to be refused"
