"""make bench: whole processes, measured: runs interleaved, medians, as ratios to `python -c pass` or to a peer."""

import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parents[1]
BUILT = HERE / ".bench"  # environments with what runs, and nothing else
PYTHON, ALGA, HTTPIE = (str(BUILT / where) for where in ("alga/bin/python", "alga/bin/alga", "httpie/bin/http"))
ROUNDS = 15
FEW, MANY, ROWS, CHUNK = 50_000, 500_000, 5_000, 50
Environment = dict[str, str]


class Run(NamedTuple):
    """What a process took."""

    seconds: float
    peak_mb: float


# --- what is needed -------------------------------------------------------------------------------


def install() -> None:
    """alga and httpie in environments of their own, compiled; jq and curl from apt where they are missing."""
    if missing := [name for name in ("curl", "jq") if not shutil.which(name)]:
        subprocess.run(["apt-get", "install", "-y", "-qq", *missing], check=True, stdout=subprocess.DEVNULL)
    for name, package in (("alga", str(HERE)), ("httpie", "httpie")):
        venv = BUILT / name
        if not venv.exists():
            subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, package], check=True)
        if name == "alga":
            subprocess.run([*pip, "--no-deps", "--force-reinstall", package], check=True)
        subprocess.run([str(venv / "bin/python"), "-m", "compileall", "-q", str(venv / "lib")], check=False)


def clean(home: Path, **more: str) -> Environment:
    """An environment with a home of its own, in which Python may use what is compiled."""
    places = {f"ALGA_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE")}
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", **places, **more}


@contextmanager
def served(home: Path, *args: str) -> Iterator[Environment]:
    """`alga serve` on a loopback socket: what connects to it."""
    command = [ALGA, "serve", *args]
    with subprocess.Popen(command, env=clean(home), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = process.stdout.readline() + process.stdout.readline()
        try:
            yield dict(re.findall(r"export (\w+)=(\S+)", lines))
        finally:
            process.terminate()


def timed(command: Sequence[str], env: Environment) -> Run:
    """Run it to its end."""
    began = time.perf_counter()
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return Run(time.perf_counter() - began, usage.ru_maxrss / 1024)


# --- start-up -------------------------------------------------------------------------------------


def start_up(home: Path) -> None:
    """The first table of docs/design.md."""
    with served(home / "server") as connection:
        here, there = clean(home / "here"), clean(home / "there", **connection)
        subprocess.run(
            [ALGA, "log", "tk_1", "9:00-9:30", "--date", "2026-06-02"], env=there, check=True, capture_output=True
        )
        subprocess.run([ALGA, "start", "tk_1"], env=here, check=True, capture_output=True)
        url, key = f"{connection['ALGA_URL']}/api/v1/time-entries", connection["ALGA_API_KEY"]
        tab = here | {"_ALGA_COMPLETE": "complete_lines"}
        days = (str(datetime(2025, 1, 1, tzinfo=UTC).date() + timedelta(days=n)) for n in range(20 * ROUNDS))
        commands: dict[str, Callable[[], tuple[list[str], Environment]]] = {
            "python -c pass": lambda: ([PYTHON, "-c", "pass"], here),
            "alga --version": lambda: ([ALGA, "--version"], here),
            "alga --help": lambda: ([ALGA, "--help"], here),
            "alga status --offline": lambda: ([ALGA, "status", "--offline"], here),
            "TAB: alga st": lambda: ([ALGA], tab | {"_TYPER_COMPLETE_ARGS": "alga st"}),
            "TAB: alga log t": lambda: ([ALGA], tab | {"_TYPER_COMPLETE_ARGS": "alga log t"}),
            "alga log, embedded": lambda: ([ALGA, "log", "tk_1", "9:00-9:30", "--date", next(days)], here),
            "alga list, embedded": lambda: ([ALGA, "list"], here),
            "alga list --json, server": lambda: ([ALGA, "list", "--json"], there),
            "alga status, server": lambda: ([ALGA, "status"], there),
            "alga log, server": lambda: ([ALGA, "log", "tk_1", "9:00-9:30", "--date", next(days)], there),
            "alga start, server": lambda: ([ALGA, "start", "tk_1"], there),
            "alga stop, server": lambda: ([ALGA, "stop"], there),
            "http GET (httpie)": lambda: ([HTTPIE, "--ignore-stdin", "GET", url, f"X-API-Key:{key}"], there),
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS + 1):  # the first round warms up
            for name, command in commands.items():
                taken[name].append(timed(*command()).seconds)
    medians = {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}
    print(f"{'start-up':28}      ms   ratio")
    for name, median in medians.items():
        print(f"{name:28}  {median * 1000:6.1f}  {median / medians['python -c pass']:6.2f}")
    print(f"list --json to http GET: {medians['alga list --json, server'] / medians['http GET (httpie)']:.2f}\n")


# --- an export ------------------------------------------------------------------------------------


def write_answer(path: Path, rows: int) -> None:
    """What a server of the deployed kind answers to an export of so many entries: the latest first."""
    latest = datetime(2026, 11, 20, 17, tzinfo=UTC)
    with path.open("w") as file:
        file.write('{"data":[')
        for n in range(rows):
            file.write(("," if n else "") + json.dumps(entry(n, latest - timedelta(minutes=3 * n))))
        file.write("]}")


def entry(n: int, start: datetime) -> dict[str, object]:
    """A row as the deployed server has it."""
    ids = {"tenant": 1, "entry_id": n << 64, "user_id": n % 10, "service_id": 5, "work_item_id": n % 300}
    times = {"start_time": start, "end_time": start + timedelta(minutes=25), "created_at": start, "updated_at": start}
    return {
        **{name: str(uuid.UUID(int=number)) for name, number in (ids | {"time_sheet_id": n % 50}).items()},
        **{name: f"{instant:%Y-%m-%dT%H:%M:%S}.000Z" for name, instant in times.items()},
        "notes": "Patched the switch in rack 4, and called the customer about the printer",
        "work_item_title": f"Ticket about thing {n % 300}",
        "user_name": f"Person {n % 10}",
        "service_name": "Basic Support",
        "work_item_type": "ticket",
        "approval_status": "DRAFT",
        "billable_duration": 25,
        "duration_hours": "0.42",
        "is_billable": True,
        "invoiced": False,
        "work_date": f"{start:%Y-%m-%d}T00:00:00.000Z",
        "work_timezone": "America/New_York",
        "tax_region": None,
        "contract_line_id": None,
    }


@contextmanager
def answering(path: Path) -> Iterator[str]:
    """A server that sends a file, whatever it is asked: its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(path.stat().st_size))
            self.end_headers()
            with path.open("rb") as file:
                shutil.copyfileobj(file, self.wfile, 1 << 20)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def export(home: Path) -> None:
    """Entries as JSON lines, beside curl and jq of the same bytes."""
    print(f"{'export -f jsonl':28}       s   peak MB   ratio to curl | jq")
    peaks = []
    for rows, rounds in ((FEW, 3), (MANY, 1)):
        path = home / "answer.json"
        write_answer(path, rows)
        with answering(path) as url:
            env = clean(home / "export", ALGA_URL=url, ALGA_API_KEY="bench")
            ours, peers = [], []
            for _ in range(rounds):
                ours.append(timed([ALGA, "export", "-f", "jsonl", "-o", str(home / "out")], env))
                peers.append(timed(["sh", "-c", f"curl -s {url} | jq -c '.data[]' >{home}/peer"], env))
        assert sum(1 for _ in (home / "out").open("rb")) == rows
        seconds, peer = (statistics.median(run.seconds for run in runs) for runs in (ours, peers))
        peaks.append(max(run.peak_mb for run in ours))
        print(f"{rows:>10,} entries           {seconds:6.1f}   {peaks[-1]:7.0f}   {seconds / peer:.2f}")
    print(f"peak memory of {MANY:,} to {FEW:,}: {peaks[1] / peaks[0]:.2f}\n")


# --- many at once ---------------------------------------------------------------------------------


def bulk(home: Path) -> None:
    """Rows of a file, beside the server's own time for the same chunks."""
    ratios = []
    days = [datetime(2026, 1, 5, 9, tzinfo=UTC) + timedelta(days=n) for n in range(ROWS // 60 + 1)]
    starts = [day + timedelta(minutes=10 * n) for day in days for n in range(60)][:ROWS]
    file = home / "rows.csv"
    rows = [f"{start:%Y-%m-%d,%H:%M},{start + timedelta(minutes=10):%H:%M},tk_1,x\n" for start in starts]
    file.write_text("".join(["date,start,end,item,notes\n", *rows]))
    print(f"{'bulk create':28}       s   peak MB   server's, s   ratio")
    for number in range(3):
        place = home / f"bulk{number}"
        with served(place / "theirs") as connection:
            own = replay(connection, starts)
        with served(place / "server") as connection:
            ours = timed([ALGA, "bulk", "create", str(file), "--json"], clean(place / "home", **connection))
        ratios.append(ours.seconds / own)
        print(
            f"{ROWS:>10,} rows              {ours.seconds:6.1f}   {ours.peak_mb:7.0f}   {own:11.1f}   {ratios[-1]:5.2f}"
        )
    print(f"median ratio: {statistics.median(ratios):.2f}")


def replay(connection: Environment, spans: Sequence[datetime]) -> float:
    """Seconds for the same chunks without a client to speak of."""
    entries = [
        {"work_item_type": "ticket", "work_item_id": "tk_1", "notes": "x", "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
         "end_time": f"{start + timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}", "is_billable": True}
        for start in spans
    ]  # fmt: skip
    headers = {"X-API-Key": connection["ALGA_API_KEY"], "Content-Type": "application/json"}
    began = time.perf_counter()
    for n in range(0, len(entries), CHUNK):
        server = http.client.HTTPConnection(connection["ALGA_URL"].removeprefix("http://"), timeout=60)
        server.request("POST", "/api/v1/time-entries/bulk", json.dumps({"entries": entries[n : n + CHUNK]}), headers)
        answer = json.load(server.getresponse())
        assert answer["data"]["created_count"] == CHUNK, answer
        server.close()
    return time.perf_counter() - began


def main() -> None:
    """Measure what was named, or all."""
    parts = {"start": start_up, "export": export, "bulk": bulk}
    install()
    with tempfile.TemporaryDirectory() as home:
        for name in sys.argv[1:] or parts:
            parts[name](Path(home))


main()
