"""alga as a process of its own: several at once, Ctrl-C, pipes, damaged files, what a start-up loads."""

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ALGA = (sys.executable, "-m", "alga")


def environment(home: Path, **more: str) -> dict[str, str]:
    """A clean environment with a home of its own."""
    places = {f"ALGA_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE")}
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TZ": "UTC", "LANG": "en_US.UTF-8", **places, **more}


def alga(home: Path, *args: str, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command line to its end."""
    command = [*ALGA, *args]
    return subprocess.run(
        command, env=environment(home, **more), input=typed, capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def served(home: Path, *args: str) -> Iterator[dict[str, str]]:
    """`alga serve` in the background: what it prints, as an environment."""
    process = subprocess.Popen([*ALGA, "serve", *args], env=environment(home), stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        lines = [process.stdout.readline() for _ in range(2)]
        yield dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def heed_ctrl_c() -> None:
    """A job in the background, as CI may be, ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_two_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    def command(number: int) -> list[str]:
        return [*ALGA, "log", f"tk_{number}", f"{number}:00-{number}:30", "--date", "2026-06-02", "-m", "x", "--json"]

    running = [
        subprocess.Popen(command(n), env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for n in range(12)
    ]
    outputs = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0] * 12, outputs
    rows = json.loads(alga(tmp_path, "list", "--from", "2026-06-01", "--json").stdout)
    assert sorted(row["work_item_id"] for row in rows) == sorted(f"tk_{n}" for n in range(12))


def test_of_many_starts_at_once_one_wins(tmp_path: Path) -> None:
    alga(tmp_path, "list")
    starts = [
        subprocess.Popen(
            [*ALGA, "start", f"tk_{n}"], env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for n in range(6)
    ]
    for process in starts:
        process.communicate(timeout=60)
    assert sorted(process.returncode for process in starts) == [0, 5, 5, 5, 5, 5]


def test_serve_prints_what_connects_to_it(tmp_path: Path) -> None:
    with served(tmp_path / "server", "--strict", "--role", "admin") as connection:
        who = json.loads(alga(tmp_path, "whoami", "--json", **connection).stdout)
        assert (who["url"], who["server_kind"]) == (connection["ALGA_URL"], "deployed")
        assert connection["ALGA_URL"].startswith("http://127.0.0.1:")
        port = connection["ALGA_URL"].rpartition(":")[2]
        taken = alga(tmp_path / "server", "serve", "--port", port)
        assert (taken.returncode, "cannot be used" in taken.stderr) == (3, True)
    with served(tmp_path) as connection:
        alga(tmp_path, "log", "tk_1", "30m", "-m", "x", ALGA_PROFILE="local")
        rows = json.loads(alga(tmp_path, "list", "--from", "yesterday", "--json", **connection).stdout)
        assert [row["work_item_id"] for row in rows] == ["tk_1"], "serve shows this computer's practice data"


def test_no_proxy_gets_the_key_of_a_server_on_this_computer(tmp_path: Path) -> None:
    with served(tmp_path / "server", "--strict") as connection:
        done = alga(
            tmp_path,
            "list",
            "--everyone",
            **connection,
            HTTP_PROXY="http://127.0.0.1:9",
            ALL_PROXY="http://127.0.0.1:9",
        )
        assert done.returncode == 0, done.stderr


def test_ctrl_c_is_130_and_one_line(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*ALGA, "serve"],
        env=environment(tmp_path),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=heed_ctrl_c,
    )
    assert process.stdout
    process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=10)
    assert (process.returncode, told) == (130, "alga: Interrupted.\n")


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    for n in range(3):
        alga(tmp_path, "log", "tk_1", f"{n}:00-{n}:30", "--date", "2026-06-02", "-m", "x" * 60_000)
    line = f"{' '.join(ALGA)} list --from 2026-06-01 --json --profile local | head -c 10"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, '[\n {"id": ', "")


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (["log", "tk_1", "30m", "-m", b"\xff\xfe bad"], 2, "not valid UTF-8 text"),
        (["serve", "--port", "99999999"], 2, "Invalid port 99999999."),
        (["login", "http://localhost:99999999", "--key-stdin"], 3, "is not the address of a server"),
        (["login", "https://[::1", "--key-stdin"], 3, "is not the address of a server"),
    ],
)
def test_odd_input_is_no_fault_of_alga(tmp_path: Path, command: list[str | bytes], code: int, told: str) -> None:
    done = subprocess.run([*ALGA, *command], env=environment(tmp_path), input=b"k", capture_output=True, check=False)
    assert (done.returncode, told in done.stderr.decode()) == (code, True), done.stderr


def test_a_directory_that_cannot_be_made_and_a_full_disk_are_told(tmp_path: Path) -> None:
    nowhere = alga(tmp_path, "list", ALGA_DATA_DIR="/proc/nope")
    assert (nowhere.returncode, "/proc/nope" in nowhere.stderr) == (3, True), nowhere.stderr
    line = f"{' '.join(ALGA)} list --profile local > /dev/full"
    full = subprocess.run(["bash", "-c", line], env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert (full.returncode, "No space left on device. Check the free disk space." in full.stderr) == (
        3,
        True,
    ), full.stderr


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_export_to_a_full_disk_is_one_line(tmp_path: Path, form: str) -> None:
    alga(tmp_path, "log", "tk_1", "9:00-10:00", "--date", "2026-06-02")
    command = [*ALGA, "export", "--profile", "local", "--from", "2026-06-01", "-f", form]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command, env=environment(tmp_path), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert "No space left on device" in done.stderr


def test_closed_streams_do_no_harm(tmp_path: Path) -> None:
    line = f"{' '.join(ALGA)} log tk_1 30m -m x >&- 2>&- <&-"
    done = subprocess.run(["bash", "-c", line], env=environment(tmp_path), check=False)
    assert done.returncode == 0
    assert len(json.loads(alga(tmp_path, "list", "--from", "yesterday", "--json").stdout)) == 1


@pytest.mark.parametrize("content", [b"this is not a database, not at all", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_damaged_local_db_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data" / "local.db"
    path.parent.mkdir()
    path.write_bytes(content)
    for command in (["list"], ["log", "tk_1", "30m"], ["start", "tk_1"], ["status", "--json"]):
        done = alga(tmp_path, *command)
        assert done.returncode == 3, done
        assert str(path) in done.stderr
        assert "was kept as it is" in done.stderr
        assert "Traceback" not in done.stderr
    assert path.read_bytes() == content


def test_a_damaged_outbox_is_told_and_kept(tmp_path: Path) -> None:
    with served(tmp_path / "server", "--strict") as connection:
        path = tmp_path / "state" / "outbox.db"
        path.parent.mkdir()
        path.write_bytes(b"not a database")
        done = alga(tmp_path, "status", **connection)
        assert (done.returncode, "was left unchanged" in done.stderr) == (3, True)
        assert path.read_bytes() == b"not a database"


def test_the_database_is_in_wal_mode_with_foreign_keys(tmp_path: Path) -> None:
    alga(tmp_path, "log", "tk_1", "30m")
    with sqlite3.connect(tmp_path / "data" / "local.db") as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        db.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError):
            db.execute("UPDATE entries SET user_id = 'nobody'")
    db.close()


# --- a real terminal -------------------------------------------------------------------------------


def at_a_terminal(home: Path, typed: bytes, *args: str, **more: str) -> tuple[int, str]:
    """Run at a pseudo-terminal and type once something is asked."""
    pid, fd = pty.fork()
    if pid == 0:
        heed_ctrl_c()
        os.execve(sys.executable, [*ALGA, *args], environment(home, TERM="xterm", **more))
    screen, answered = b"", False
    try:
        while chunk := os.read(fd, 4096):
            screen += chunk
            if not answered and (screen.rstrip().endswith((b"?", b":", b"]"))):
                answered = True
                os.write(fd, typed)
    except OSError:
        screen += b""  # the terminal is closed: the process has ended
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    return os.waitstatus_to_exitcode(status), screen.decode()


def test_the_key_is_typed_at_a_hidden_prompt(tmp_path: Path) -> None:
    with served(tmp_path / "server", "--strict") as connection:
        key = connection["ALGA_API_KEY"]
        typed = f"{key}\n".encode()
        code, screen = at_a_terminal(tmp_path, typed, "login", connection["ALGA_URL"], TZ="Europe/Berlin")
        assert code == 0, screen
        assert "not shown while you type" in screen
        assert "Logged in to" in screen
        assert key not in screen


@pytest.mark.parametrize("key", [b"\x03", b"\x04"])
def test_ctrl_c_and_ctrl_d_at_a_prompt_are_one_line(tmp_path: Path, key: bytes) -> None:
    alga(tmp_path, "start", "tk_1")
    code, screen = at_a_terminal(tmp_path, key, "cancel")
    assert code == 130, screen
    assert "alga: Interrupted" in screen
    assert "Traceback" not in screen
    assert alga(tmp_path, "status", "--json").stdout != "null\n"


# --- what a start-up loads -------------------------------------------------------------------------

HEAVY = (
    *("rich", "httpx", "pydantic", "tomlkit", "tomllib", "platformdirs", "wsgiref", "sqlite3", "ijson", "xlsxwriter"),
    *("click", "anyio", "asyncio"),  # which httpx would load where they are installed, as they are here
)
PARSING = {
    "alga.cli",
    "alga.app.environment",
    "alga.core.errors",
    "alga.core.times",
    "alga.ui.command_line",
    "alga.ui.options",
}
A_COMMAND = PARSING | {"alga.ui.command", "alga.ui.output", "alga.core.safe_text", "alga.app.session"}


def loaded(home: Path, *args: str, **more: str) -> tuple[set[str], set[str]]:
    """What a command line loads: heavy packages, and modules of alga's own (not those that only wait to be used)."""
    code = f"""
import sys
from types import ModuleType
from alga.cli import run
try:
    run({args!r})
except SystemExit:
    pass
used = [name for name, module in sys.modules.items() if type(module) is ModuleType]
print("\\n", *[name for name in {HEAVY!r} if name in used])
print(*[name for name in used if name.startswith("alga.") and not hasattr(sys.modules[name], "__path__")])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(home, **more), capture_output=True, text=True, check=True
    )
    heavy, own = done.stdout.splitlines()[-2:]
    return set(heavy.split()), set(own.split())


@pytest.mark.parametrize(
    ("args", "heavy"),
    [
        (["--version"], set()),
        (["--help"], set()),
        (["log", "--help"], set()),
        (["nonsense"], set()),
        (["log", "--nonsense"], set()),
        (["log", "tk_1", "90"], {"platformdirs"}),  # the zone of the times is a setting
        (["completion", "show", "bash"], set()),
        (["config", "path"], {"platformdirs"}),
        (["config", "list"], {"platformdirs", "rich"}),
        (["status", "--offline"], {"platformdirs"}),
        (["status"], {"platformdirs", "httpx", "sqlite3"}),
        (["list", "--json"], {"platformdirs", "httpx", "sqlite3"}),
    ],
)
def test_only_what_a_command_needs_is_loaded(tmp_path: Path, args: list[str], heavy: set[str]) -> None:
    assert loaded(tmp_path, *args)[0] == heavy


def test_version_and_help_load_only_what_parses_a_command_line(tmp_path: Path) -> None:
    assert loaded(tmp_path, "--version")[1] == PARSING
    assert loaded(tmp_path, "--help")[1] == PARSING


def test_status_offline_loads_no_server_no_lists_and_no_files_that_are_not_there(tmp_path: Path) -> None:
    timer = {"app.running", "app.timer", "core.entry", "outbox.operation"}
    shown = {"commands.status", "core.files", "state.config", "ui.messages"}
    assert loaded(tmp_path, "status", "--offline")[1] == A_COMMAND | {f"alga.{name}" for name in timer | shown}


def test_status_offline_never_opens_the_practice_data(tmp_path: Path) -> None:
    with served(tmp_path / "server", "--strict") as connection:
        alga(tmp_path, "log", "TIC1042", "30m", "-s", "Basic Support", **connection)
    heavy, own = loaded(tmp_path, "status", "--offline")
    assert "sqlite3" in heavy, "something may wait for the other login"
    assert "alga.practice.app" not in own
    assert not (tmp_path / "data").exists()


def test_a_tab_loads_nothing_heavy(tmp_path: Path) -> None:
    def tab(line: str) -> set[str]:
        return loaded(tmp_path, _ALGA_COMPLETE="complete_lines", _TYPER_COMPLETE_ARGS=line)[0]

    assert tab("alga st") == set()
    assert tab("alga log --no") == set()
    assert tab("alga log TIC") == {"platformdirs"}


def opened(home: Path, *args: str, **more: str) -> list[str]:
    """The files that a command line opens in its home, each once."""
    code = f"""
import sys
found = []
def heard(event, given):
    if event in ("open", "sqlite3.connect", "os.listdir", "os.scandir") and str(given[0]).startswith({str(home)!r}):
        found.append(str(given[0]))
sys.addaudithook(heard)
from alga.cli import run
try:
    run({args!r})
except SystemExit:
    pass
print("\\n", *dict.fromkeys(found))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(home, **more), capture_output=True, text=True, check=True
    )
    places = (str(Path(each).relative_to(home)) for each in done.stdout.splitlines()[-1].split())
    return [re.sub("[0-9a-f]{16}", "SERVER", each) for each in places if "unfinished" not in each]


def test_what_nobody_configured_opens_no_file(tmp_path: Path) -> None:
    assert opened(tmp_path, "status", "--offline") == ["config/config.toml"]
    assert opened(tmp_path, _ALGA_COMPLETE="complete_lines", _TYPER_COMPLETE_ARGS="alga log --no") == []
    assert opened(tmp_path, _ALGA_COMPLETE="complete_lines", _TYPER_COMPLETE_ARGS="alga st") == []
    log = {"config/config.toml", "data/local.db", "state/outbox.db", "state/outbox.lock", "state/learnt/SERVER.json"}
    alga(tmp_path, "log", "tk_1", "30m")
    assert set(opened(tmp_path, "log", "tk_1", "20m")) - {"state/learnt"} == log


def test_log_loads_nothing_of_working_time_that_is_not_set(tmp_path: Path) -> None:
    for command in (("log", "tk_1", "20m"), ("start", "tk_1")):
        own = loaded(tmp_path, *command)[1]
        assert own.isdisjoint(f"alga.{name}" for name in ("core.worktime", "core.week", "core.reply", "outbox.undo"))
        assert own.isdisjoint(f"alga.{name}" for name in ("app.proposals", "app.calendar", "ui.editor", "ui.columns"))


@pytest.mark.parametrize(
    "module",
    ["ui.output", "lookup.entries", "state.cache", "core.entry", "delivery.sender", "outbox.transitions", "api.wire"],
)
def test_ctrl_c_while_a_module_is_loaded_is_not_lost(module: str, tmp_path: Path) -> None:
    code = f"""
import sys
from importlib.machinery import SourceFileLoader
run = SourceFileLoader.exec_module
def interrupted(self, module):
    run(self, module)
    if module.__name__ == "alga.{module}" and not pressed:
        pressed.append(True)
        raise KeyboardInterrupt
pressed = []
SourceFileLoader.exec_module = interrupted
sys.argv = ["alga", "log", "tk_1", "30m", "-f", "table"]
from alga.__main__ import main
sys.exit(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, "Interrupted" in done.stderr) == (130, "", True), done


def test_a_module_is_run_by_its_name_as_ever(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alga.cli"], env=environment(tmp_path), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
