"""This computer: odd arguments, environments, files and stored rows, a full disk, signals at any moment."""

import contextlib
import json
import os
import resource
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from alga.core.files import UNFINISHED, alone_in, replacing, write_whole
from alga.core.times import system_clock
from alga.practice.app import App
from alga.practice.server import MOST_CONNECTIONS
from tests.cli.test_processes import ALGA, alga, environment, heed_ctrl_c, served
from tests.hostile.world import CONTROL, KEY, VALUES, checked, dice, held, rounds
from tests.support import Desk, Result, serving

Env = dict[str, str | bytes]
CP1252: Env = {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
LOGIN = {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": KEY}


def run(home: Path, *args: str | bytes, typed: bytes = b"", env: Env | None = None) -> Result:
    """A command line as a process, with bytes where text is usual."""
    done = subprocess.run(
        [*ALGA, *args],
        env={**environment(home), **(env or {})},
        input=typed,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode(), done.stdout)


# --- arguments and the environment ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({**LOGIN, "ALL_PROXY": "socks5://127.0.0.1:9"}, 3),
        ({**LOGIN, "HTTPS_PROXY": "ftp://x"}, 3),
        ({**LOGIN, "HTTPS_PROXY": "http://a b"}, 3),
        ({**LOGIN, "HTTPS_PROXY": "http://x:99999999"}, 3),
        ({**LOGIN, "HTTPS_PROXY": "http://\u2028"}, 3),
        ({**LOGIN, "HTTPS_PROXY": "http://user:pass@127.0.0.1:9", "NO_PROXY": ""}, 7),
        ({**LOGIN, "ALGA_URL": "https://a..b"}, 3),
        ({**LOGIN, "ALGA_URL": "https://stra\xdfe.invalid"}, 7),
        ({**LOGIN, "ALGA_URL": "https://xn--strae-oqa.invalid"}, 7),
        ({**LOGIN, "ALGA_URL": "https://xn--a.example"}, 3),
        ({**LOGIN, "ALGA_URL": "https://" + "a" * 64 + ".example"}, 3),
        ({**LOGIN, "ALGA_URL": "https://" + "a." * 200 + "example"}, 3),
        ({**LOGIN, "ALGA_URL": "https://:pw@host"}, 3),
        ({**LOGIN, "ALGA_URL": "https://\u2028.example"}, 3),
        ({**LOGIN, "ALGA_URL": b"https://\xff.example"}, 3),
        ({**LOGIN, "ALGA_URL": "https://[::1%25eth0]"}, 3),
        ({**LOGIN, "SSL_CERT_FILE": "/dev/null/x"}, 3),
        ({**LOGIN, "ALGA_API_KEY": b"\xff"}, 3),
        ({"ALGA_PROFILE": b"\xff"}, 3),
        ({"ALGA_PROFILE": "x" * 5000}, 3),
        ({"TZ": "UTC+25"}, 3),
        ({"TZ": "UTC-25"}, 3),
        ({"TZ": "\x01"}, 0),
        ({"TZ": "../../../etc/passwd"}, 0),
        ({"ALGA_STATE_DIR": "/dev/null/x"}, 0),
        ({"ALGA_DATA_DIR": b"/proc/\xff"}, 3),
        ({"HOME": "", "LANG": "xx_YY", "LC_ALL": b"\xff"}, 0),
        ({"PYTHONIOENCODING": "ascii"}, 0),
        ({"TERM": "\x1b[2J", "COLUMNS": "-5"}, 0),
        ({"COLUMNS": "9" * 30}, 0),
    ],
)
def test_an_odd_environment_is_told_or_does_no_harm(tmp_path: Path, env: Env, code: int) -> None:
    command = ("log", "tk_1", "9:00-9:10", "--date", "2026-11-20")
    result = run(tmp_path, *command, env=env)
    held(result, command)
    assert result.code in ({code} if code == 3 else {code, 0, 3}), result
    assert "pass@" not in result.err and "pw@" not in result.err


def test_a_proxy_that_cannot_be_used_sets_nothing_aside(tmp_path: Path) -> None:
    url = {**LOGIN, "ALGA_URL": "https://psa.example.test"}
    alga(tmp_path, "log", "TIC1042", "1m", "-s", "Basic Support", **url, HTTPS_PROXY="http://127.0.0.1:9")
    failed = alga(tmp_path, "sync", **url, HTTPS_PROXY="ftp://x")
    assert (failed.returncode, "The proxy in HTTPS_PROXY cannot be used" in failed.stdout) == (8, True), failed
    assert [row["delivery"] for row in json.loads(alga(tmp_path, "queue", "--json", **url).stdout)] == ["queued"]


def test_certificates_that_cannot_be_read_close_what_was_typed_and_leave_what_waits(tmp_path: Path) -> None:
    """Else the time would be typed again, and be there twice."""
    secure = {"ALGA_URL": "https://127.0.0.1:9", "ALGA_API_KEY": KEY}
    assert alga(tmp_path, "log", "tk_1", "9:00-9:10", "--date", "2026-11-20", **secure).returncode == 0, "it waits"
    for in_doubt in (False, True):
        with contextlib.closing(sqlite3.connect(tmp_path / "state" / "outbox.db")) as db:
            db.execute("UPDATE operation SET sent_at = ?", ("2026-11-28T00:00:00Z" if in_doubt else None,))
            db.execute("DELETE FROM pause")
            db.commit()
        for command in (("log", "tk_1", "8:00-8:10", "--date", "2026-11-20"), ("start", "tk_2", "-s", "x")):
            failed = alga(tmp_path, *command, **secure, SSL_CERT_FILE="/nowhere")
            assert (failed.returncode, "certificates" in failed.stderr) == (3, True), failed
            assert len(json.loads(alga(tmp_path, "queue", "--json", **secure).stdout)) == 1


ODD_WORDS: tuple[str | bytes, ...] = (
    b"\xff", "\u202e", "\x1b[2J", "", " ", "-", "--", "-m", "--date", "9" * 5000, "1h" * 2000, "24:00-24:00",
    "0:00+99999h", "\u0669:\u0660\u0660", "9:00-10:30+99:99", "2026-13-45", "0001-01-01", "9999-12-31", "@x",
    "a" * 100_000, "TIC" + "9" * 400, "{}", "%s", "~", "/dev/null", "/", "..", "\u0130", "None", "0x10", "1e9", "NaN",
)  # fmt: skip
VERBS = ("log", "start", "stop", "list", "edit", "delete", "show", "day", "export", "bulk", "config", "queue", "search")


def test_odd_words_are_usage_errors_or_taken_as_they_are(desk: Desk) -> None:
    chance = dice("words")
    for _ in rounds(250):
        words = [w for w in chance.choices(ODD_WORDS, k=chance.randrange(1, 4)) if isinstance(w, str)]
        options = chance.sample(["--date", "--from", "--to", "-s", "--billable", "--at", "--type", "--json"], k=1)
        held(
            desk(chance.choice(VERBS), *words, *options, *words[:1], tty=chance.random() < 0.3),
            tuple(words),
            whole=True,
        )


def test_words_that_are_no_text_are_told(tmp_path: Path) -> None:
    for word in (b"\xff", b"\xed\xa0\x80"):
        assert run(tmp_path, "log", word, "1m").code == 2
    refused = run(tmp_path, "login", "https://psa.example.test", "--key-stdin", typed=b"\xff\xfe\n")
    assert (refused.code, "invalid characters" in refused.err) == (3, True)


def test_a_clock_that_is_centuries_off_is_told(desk: Desk) -> None:
    for year in (1, 1970, 9000, 9999):
        desk.clock.now = desk.clock.now.replace(year=year)
        for command in (("log", "tk_1", "1m"), ("list",), ("status",), ("day",), ("export", "--profile", "local")):
            refused = checked(desk, command)
            assert (refused.code, f"the year {year}" in refused.err) == (3, True)


# --- files ----------------------------------------------------------------------------------------

CONFIGS = (
    b"[" * 3000, b"x = " + b"9" * 5000, b"\xff\xfe", b"\x00" * 100, b"default = 5", b"profiles = 5",
    b"[profiles.a]\nkey = 5",
    b'[profiles.a]\nkey = "k"\nurl = "https://a..b"\n', b'default = "a"', b'[profiles."\\u001b[2J"]\nkey = []\n',
    b"a.b.c.d = 1\n" * 2000, b"x = {" * 900, b'x = "' + b"y" * 9_000_000, b"d = 0001-01-01T00:00:00+14:00\n",
    b'[profiles.local]\ntarget = "\\ud800"\n', b'[profiles.local]\ntarget = "' + b"9" * 400 + b'h"\n',
)  # fmt: skip


@pytest.mark.parametrize("content", CONFIGS, ids=range(len(CONFIGS)))
def test_an_odd_config_is_told(desk: Desk, content: bytes) -> None:
    path = desk.home / "config" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    path.chmod(0o600)
    for command in (
        ("list",),
        ("config", "list"),
        ("log", "tk_1", "9:00-9:10"),
        ("config", "set", "target", "8h"),
        ("doctor",),
    ):
        checked(desk, command, tty=False)
    assert path.read_bytes() == content or path.read_bytes().endswith(b'"8h"\n'), "kept, or changed as asked"


def test_a_pipe_or_a_device_in_place_of_a_file_ends(desk: Desk, tmp_path: Path) -> None:
    path = desk.home / "config" / "config.toml"
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert checked(desk, ("list",)).code == 3
    path.unlink()
    path.symlink_to("/dev/zero")
    assert checked(desk, ("list",)).code == 3
    path.unlink()
    desk.env = {"ALGA_PROFILE": "local"}
    for verb in ("create", "update", "delete"):
        endless = checked(desk, ("bulk", verb, "/dev/zero"))
        assert (endless.code, "/dev/zero cannot be read: it is larger than 64 MB." in endless.err) == (2, True)


def test_many_rows_are_refused_before_they_take_memory(desk: Desk) -> None:
    desk.env = {"ALGA_PROFILE": "local"}
    faults = (
        (b"{}\n" * 1_000_001, "has too many values. Nothing was sent."),
        (b"id\n" + b"a\n" * 100_001, "has more than 100,000 rows. Nothing was sent."),
        (b"[" + b"[" * 5000, "not valid JSON. Nothing was sent."),
    )
    for content, told in faults:
        refused = desk("bulk", "create", "-", typed=content, tty=False)
        held(refused, ("bulk",), whole=True)
        assert (refused.code, told in refused.err) == (2, True), refused


def test_a_cache_with_anything_in_it_is_a_cache(desk: Desk) -> None:
    desk.ok("log", "tk_1", "9:00-9:10", "--date", "2026-11-20")
    chance, learnt = dice("cache"), next((desk.home / "state" / "learnt").iterdir())
    whole = json.loads(learnt.read_text())
    for _ in rounds(40):
        damaged = json.loads(json.dumps(whole))
        damaged[chance.choice(list(damaged))] = chance.choice(VALUES)
        learnt.write_text(json.dumps(damaged))
        commands = (("list",), ("edit", "last", "-m", "x"), ("status",), ("log", "tk_1", "1m", "--json"))
        checked(desk, chance.choice(commands))
    learnt.write_text("[" * 100_000)
    assert checked(desk, ("list", "--from", "2026-11-01")).code == 0, "what is deeper than any cache is no cache"


def test_a_user_whom_the_server_does_not_know_is_forgotten(tmp_path: Path) -> None:
    with served(tmp_path / "server", "--strict") as connection:
        alga(tmp_path, "log", "TIC1042", "9:00-9:10", "--date", "2026-11-20", "-s", "Basic Support", **connection)
        (learnt,) = (tmp_path / "state" / "learnt").iterdir()
        learnt.write_text(json.dumps(json.loads(learnt.read_text()) | {"user_id": "x"}))
        refused = alga(tmp_path, "list", "--from", "2026-11-01", **connection)
        assert (refused.returncode, "does not know that user" in refused.stderr) == (5, True)
        assert "TIC1042" in alga(tmp_path, "list", "--from", "2026-11-01", **connection).stdout


TABLES = {"data/local.db": ("entries", "users", "tickets", "services"), "state/outbox.db": ("operation", "pause")}


def test_rows_with_anything_in_them_are_told(desk: Desk) -> None:
    desk.ok("log", "tk_1", "9:00-9:10", "--date", "2026-11-20")
    desk.ok("start", "tk_2")
    kept = {name: (desk.home / name).read_bytes() for name in TABLES if not _checkpointed(desk.home / name)}
    chance = dice("rows")
    for _ in rounds(40):
        for name, content in kept.items():
            for beside in (desk.home / name).parent.glob(f"{(desk.home / name).name}-*"):
                beside.unlink()
            (desk.home / name).write_bytes(content)
        name = chance.choice(list(TABLES))
        with contextlib.closing(sqlite3.connect(desk.home / name)) as db:
            table = chance.choice(TABLES[name])
            column = chance.choice([row[1] for row in db.execute(f"PRAGMA table_info({table})")])
            value = chance.choice(
                [b"\xff\x00", 10**18, -1, 1e308, None, "", "x" * 100_000, "[" * 3000, "\x1b[2J", "9" * 400]
            )
            with contextlib.suppress(sqlite3.Error):
                db.execute(f"UPDATE {table} SET {column} = ?", (value,))
                db.commit()
        commands = (
            ("list",),
            ("log", "tk_1", "1m"),
            ("status",),
            ("sync",),
            ("queue",),
            ("stop",),
            ("day",),
            ("export", "--json"),
        )
        for command in chance.sample(commands, 3):
            checked(desk, command)


def _checkpointed(path: Path) -> bool:
    """Put everything into the file itself; False when that is done."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return False


# --- files and keys -------------------------------------------------------------------------------


def test_what_a_killed_writer_left_goes_at_the_next_write(desk: Desk, tmp_path: Path) -> None:
    desk.env = {}
    path = desk.home / "config" / "config.toml"
    write_whole(path, f'default = "a"\n[profiles.a]\nurl = "https://a.test"\nkey = "{KEY}"\n')
    with replacing(path, 0o600) as writing:  # a writer that lives, in this process
        (mine,) = path.parent.glob(f".config.toml.*{UNFINISHED}")
        stale = path.parent / f".config.toml.0badcafe{UNFINISHED}"
        stale.write_text(KEY)
        desk.ok("config", "set", "target", "8h", "--profile", "a")
        assert (mine.exists(), stale.exists()) == (True, False)
        writing.write(path.read_bytes())
    stale.write_text(KEY)
    assert "are gone" in desk.ok("logout", "-y").out
    assert not any(KEY in each.read_text() for each in path.parent.iterdir())


def test_many_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    path, faults = tmp_path / "file", list[OSError]()

    def write() -> None:
        for number in range(60):
            try:
                write_whole(path, str(number) * 100, cache=True)
            except OSError as fault:
                faults.append(fault)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert faults == []
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


KILLED_AT_RENAME = """
import os, signal, sys
os.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
from alga.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_a_kill_at_the_rename_leaves_no_key_after_logout(tmp_path: Path) -> None:
    path = tmp_path / "config" / "config.toml"
    write_whole(path, f'default = "a"\n[profiles.a]\nurl = "https://a.test"\nkey = "{KEY}"\n')
    command = [sys.executable, "-c", KILLED_AT_RENAME, "config", "set", "target", "8h"]
    killed = subprocess.run(command, env=environment(tmp_path), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(path.parent.iterdir())) == 2, "what was being written is there"
    assert alga(tmp_path, "logout", "-y").returncode == 0
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


def test_a_directory_that_alga_did_not_make_keeps_its_mode(tmp_path: Path, desk: Desk) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)
    shared.chmod(0o1777)
    desk.env = {"ALGA_CONFIG_DIR": str(shared), "ALGA_STATE_DIR": str(shared), "ALGA_DATA_DIR": str(shared)}
    desk.ok("config", "set", "target", "8h", "--profile", "local")
    desk.ok("log", "tk_1", "9:00-9:10")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in shared.iterdir() if each.is_file()}
    assert {"config.toml", "local.db", "outbox.db", "outbox.lock"} <= set(modes)
    assert set(modes.values()) == {0o600}, modes
    (shared / "outbox.db").chmod(0o644)
    desk.ok("status")
    assert stat.S_IMODE((shared / "outbox.db").stat().st_mode) == 0o600


def test_a_config_that_others_can_read_is_said_once_a_day(desk: Desk) -> None:
    path = desk.home / "config" / "config.toml"
    write_whole(path, f'default = "a"\n[profiles.a]\nurl = "https://a.test"\nkey = "{KEY}"\n')
    path.chmod(0o644)
    told = f"Other users of this computer can read {path}, where keys are kept. To stop that: chmod 600 {path}\n"
    assert told in desk("status", "--offline", tty=False).err
    assert told not in desk("status", "--offline", tty=False).err
    desk.clock.pass_by(days=1)
    assert told in desk("queue", tty=False).err
    path.chmod(0o600)
    desk.clock.pass_by(days=1)
    assert "can read" not in desk("queue", tty=False).err


DOTTED = """default="a"
profiles.a.url="https://a.test"
profiles.a.key="K"
profiles.b.url="https://b.test"
profiles.b.key="K2"
"""
SPLIT = """# mine
default="a"
[profiles.a]
url="https://a.test"
key="K"
[other]
x=1
[profiles.b]
url="https://b.test"
key="K2"
"""
DEEP = f"{SPLIT}deep = {'[' * 150}{']' * 150}\n"


@pytest.mark.parametrize("text", [DOTTED, SPLIT, DEEP], ids=["dotted", "split", "deep"])
def test_a_change_of_the_settings_changes_nothing_else(desk: Desk, text: str) -> None:
    path = desk.home / "config" / "config.toml"
    write_whole(path, text)
    before = tomllib.loads(text)
    desk.ok("config", "set", "target", "8h", "--profile", "local")
    wanted = {**before, "profiles": {**before["profiles"], "local": {"target": "8h"}}}
    assert tomllib.loads(path.read_text()) == wanted
    desk.ok("config", "set", "service", "Basic", "--profile", "b")
    desk.ok("logout", "-y", "--profile", "a")
    wanted["profiles"]["b"] = wanted["profiles"]["b"] | {"service": "Basic"}
    assert tomllib.loads(path.read_text())["profiles"] == {k: v for k, v in wanted["profiles"].items() if k != "a"}
    assert '"K"' not in path.read_text()


def test_two_who_change_the_settings_at_once_both_do(tmp_path: Path) -> None:
    write_whole(tmp_path / "config" / "config.toml", SPLIT)
    changes = (("target", "7h", "a"), ("receipts", "9d", "b"), ("service", "x", "a"), ("timer", "local", "b"))
    running = [
        subprocess.Popen([*ALGA, "config", "set", key, value, "--profile", name], env=environment(tmp_path))
        for key, value, name in changes
    ]
    assert [process.wait(60) for process in running] == [0] * 4
    after = tomllib.loads((tmp_path / "config" / "config.toml").read_text())["profiles"]
    assert (after["a"]["target"], after["a"]["service"]) == ("7h", "x")
    assert (after["b"]["receipts"], after["b"]["timer"]) == ("9d", "local")


def test_settings_are_changed_where_nothing_can_be_locked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*args: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", unsupported)
    desk.ok("config", "set", "target", "8h", "--profile", "local")
    assert desk.ok("config", "get", "target", "--profile", "local").out == "8h\n"


def test_while_another_alga_changes_the_settings_they_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alga.core.files.PATIENCE", 0.1)
    desk.ok("config", "set", "target", "8h", "--profile", "local")
    with alone_in(desk.home / "config"):
        refused = desk("config", "set", "target", "7h", "--profile", "local", columns=300)
    assert (refused.code, "another alga is changing it. Nothing was changed." in refused.err) == (3, True)


def test_what_is_no_file_of_ones_own_keeps_its_mode_and_holds_nobody_up(desk: Desk, tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    victim.touch()
    victim.chmod(0o644)
    folder.mkdir()
    folder.chmod(0o755)
    for place, target in (("state/outbox.db", victim), ("state/outbox.lock", victim), ("data/local.db", folder)):
        link = desk.home / place
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        desk("log", "tk_1", "9:00-9:10")
        link.unlink()
    assert (stat.S_IMODE(victim.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o644, 0o755)
    config = desk.home / "config" / "config.toml"
    write_whole(config, f'default = "a"\n[profiles.a]\nurl = "https://a.test"\nkey = "{KEY}"\n')
    for number in range(3):
        (config.parent / f".config.toml.0badcaf{number}{UNFINISHED}").write_text(KEY)
    os.mkfifo(config.parent / f".config.toml.0badcaf3{UNFINISHED}")
    (config.parent / f".config.toml.0badcaf4{UNFINISHED}").mkdir()
    (config.parent / f".config.toml.mine{UNFINISHED}").write_text("a user's own")
    told = desk.ok("logout", "-y", columns=300)
    assert not any(each.is_file() and KEY in each.read_text() for each in config.parent.iterdir())
    assert f"0badcaf3{UNFINISHED} could not be removed: it may hold the key." in told.err
    assert (config.parent / f".config.toml.mine{UNFINISHED}").exists()


def test_logout_takes_the_key_away_whatever_the_journal_is(desk: Desk) -> None:
    config = desk.home / "config" / "config.toml"
    write_whole(config, f'default = "a"\n[profiles.a]\nurl = "https://a.test"\nkey = "{KEY}"\n')
    write_whole(desk.home / "state" / "outbox.db", "no database")
    assert desk("logout").code == 3
    assert "outbox.db cannot be used" in desk.ok("logout", "-y", columns=300).err
    assert KEY not in config.read_text()


def test_a_umask_that_takes_everything_away_takes_nothing_from_alga(tmp_path: Path) -> None:
    done = subprocess.run(
        [*ALGA, "log", "tk_1", "9:00-9:10", "--date", "2026-11-20"],
        env=environment(tmp_path),
        umask=0o777,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.rglob("*")}
    assert (modes["data"], modes["state"], modes["local.db"], modes["outbox.db"]) == (0o700, 0o700, 0o600, 0o600)


def test_completion_is_set_up_whole_or_not_at_all(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = tmp_path / ".bashrc"
    desk.env = {"HOME": str(tmp_path)}
    start.write_text(f"# source {tmp_path}/.bash_completions/alga.sh\n")
    move = os.replace

    def immutable(beside: Path, target: Path) -> None:
        if target == start:
            raise PermissionError(1, "Operation not permitted", str(target))
        move(beside, target)

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", immutable)
        refused = desk("completion", "install", "bash", "-y", columns=300)
    assert (refused.code, "Operation not permitted. Nothing was changed." in refused.err) == (3, True)
    assert not list(tmp_path.rglob("alga.sh*"))
    desk.ok("completion", "install", "bash", "-y")
    assert start.read_text().count("source ") == 2, "a line that is commented out is none"
    start.unlink()
    os.mkfifo(start)
    assert checked(desk, ("completion", "install", "bash", "-y")).code == 3


def test_places_that_are_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ok("log", "tk_1", "9:00-9:10", "--date", "2026-11-20")
    refused = checked(desk, ("export", "--profile", "local", "-o", "~nosuchuser/x.csv"))
    assert refused.code == 2
    monkeypatch.chdir(desk.home)
    long = "x" * 250 + ".csv"
    desk.ok("export", "--profile", "local", "--from", "2026-11-01", "-o", long)
    assert [each.name for each in desk.home.iterdir() if each.name.startswith("x")] == [long]

    def nowhere(self: object) -> str:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.unix.Unix.user_config_dir", property(nowhere))
    desk.env = {"ALGA_CONFIG_DIR": ""}
    assert (checked(desk, ("list",)).code, "no home directory" in desk("list").err) == (3, True)


@pytest.mark.parametrize("value", ["zzz", "0001-01-01T00:00:00Z", "", "9999-12-31T23:59:59"])
def test_a_tab_says_nothing_of_a_damaged_cache(tmp_path: Path, value: str) -> None:
    alga(tmp_path, "log", "tk_1", "9:00-9:10", "--date", "2026-11-20")
    (learnt,) = (tmp_path / "state" / "learnt").iterdir()
    known = json.loads(learnt.read_text())
    known["entries"] = {key: [value, value, *row[2:]] for key, row in known["entries"].items()}
    learnt.write_text(json.dumps(known))
    for line in ("alga edit ", "alga log "):
        offered = alga(tmp_path, _ALGA_COMPLETE="complete_lines", _TYPER_COMPLETE_ARGS=line)
        assert (offered.returncode, offered.stderr) == (0, "")


@pytest.mark.parametrize("value", ["", 0, [], {}, None, "zzz", True], ids=repr)
def test_a_stored_time_that_is_none_is_a_damaged_row(desk: Desk, value: object) -> None:
    desk.ok("log", "tk_1", "9:00-9:10", "--date", "2026-11-20")
    with contextlib.closing(sqlite3.connect(desk.home / "state" / "outbox.db")) as db:
        for name in ("queued_at", "tried_at"):
            content = json.loads(db.execute("SELECT content FROM operation").fetchone()[0]) | {name: value}
            db.execute("UPDATE operation SET state = 'queued', content = ?", (json.dumps(content),))
            db.commit()
            for command in (("queue",), ("list",), ("sync",)):
                checked(desk, command)


# --- a full disk, and signals ---------------------------------------------------------------------


def limited(size: int) -> Callable[[], None]:
    """Before a process: no file may grow beyond so many bytes."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


SIZES = (0, 1, 1000, 4095, 4096, 20_000, 33_000, 50_000, 70_000, 100_000)


def test_a_disk_that_is_full_at_any_step_is_told_and_loses_nothing(tmp_path: Path) -> None:
    accepted = set()
    for number, size in enumerate(SIZES):
        home = tmp_path / str(number % 3)
        line = [
            "log",
            f"tk_{number}",
            f"{number}:00-{number}:30",
            "--date",
            "2026-11-20",
            "--profile",
            "local",
            "-m",
            "x" * 500,
        ]
        done = subprocess.run(
            [*ALGA, *line],
            env=environment(home, PYTHONDONTWRITEBYTECODE="1"),  # Python itself would leave halves of its own files
            preexec_fn=limited(size),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 3, 7, 8), (size, done)
        assert "Traceback" not in done.stderr and not CONTROL.search(done.stderr), done.stderr
        if done.returncode == 0:
            accepted.add((number % 3, f"tk_{number}"))
    for which in range(3):
        home = tmp_path / str(which)
        assert alga(home, "sync", "--profile", "local").returncode == 0
        rows = json.loads(alga(home, "list", "--from", "2026-11-01", "--profile", "local", "--json").stdout)
        found = [row["work_item_id"] for row in rows]
        assert len(found) == len(set(found))
        assert {item for place, item in accepted if place == which} <= set(found), (which, accepted, found)


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


def test_a_signal_at_any_moment_leaves_whole_files_and_whole_entries(tmp_path: Path) -> None:
    chance, accepted = dice("signals"), set[str]()
    alga(tmp_path, "list")
    for number in rounds(14):
        line = ["log", f"tk_{number}", f"{number % 24}:00-{number % 24}:10", "--date", f"2026-10-{1 + number // 24:02}"]
        process = subprocess.Popen(
            [*ALGA, *line],
            env=environment(tmp_path),
            preexec_fn=heed_ctrl_c,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.02, 0.35))
        process.send_signal(chance.choice(SIGNALS))
        _, told = process.communicate(timeout=30)
        if (
            b"Traceback" in told and b"in main" not in told
        ):  # while Python itself starts, it prints and exits as it likes
            continue
        assert b"Traceback" not in told, told
        assert process.returncode in (0, 130, *(-each for each in SIGNALS)), (process.returncode, told)
        if process.returncode == 0:
            accepted.add(f"tk_{number}")
    assert alga(tmp_path, "sync").returncode == 0
    rows = json.loads(alga(tmp_path, "list", "--from", "2026-09-01", "--json").stdout)
    found = [row["work_item_id"] for row in rows]
    assert len(found) == len(set(found))
    assert accepted <= set(found)


# --- alga serve on a shared computer ----------------------------------------------------------------


def asked(port: int, request: bytes, wait: float = 5.0) -> bytes:
    """What the server answers to bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
        connection.sendall(request)
        answer = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
        return answer


def test_serve_asks_for_the_key_before_the_body_and_bounds_everything(tmp_path: Path) -> None:
    with served(tmp_path, "--strict") as connection:
        port = int(connection["ALGA_URL"].rpartition(":")[2])
        here, key = f"Host: localhost:{port}\r\n".encode(), connection["ALGA_API_KEY"].encode()
        path = b"/api/v1/time-entries HTTP/1.1\r\n"
        large = b"POST " + path + here + b"Content-Length: 300000000\r\n"
        assert b" 401 " in asked(port, large + b"X-API-Key: wrong\r\n\r\n").split(b"\r\n")[0], "no body was waited for"
        assert b" 401 " in asked(port, large + b"\r\n").split(b"\r\n")[0]
        for length, status in ((b"-1", b" 400 "), (b"x", b" 400 "), (b"300000000", b" 413 "), (b"9" * 5000, b" 413 ")):
            request = b"POST " + path + here + b"X-API-Key: " + key + b"\r\nContent-Length: " + length + b"\r\n\r\n"
            assert status in asked(port, request).split(b"\r\n")[0], length
        for nonsense in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"x" * 70_000 + b"\r\n\r\n"):
            first, _, body = asked(port, nonsense).partition(b"\r\n\r\n")
            assert json.loads(body or first)["error"]["code"] == "BAD_REQUEST"
        for host, status in (
            (b"evil.example", b" 403 "), (b"localhost:evil", b" 403 "), (b"localhost\r\nHost: evil.example", b" 403 "),
            (b"", b" 403 "), (b"LOCALHOST", b" 200 "), (b"127.0.0.1:5", b" 200 "), (b"localhost.evil.test", b" 403 "),
        ):  # fmt: skip
            request = b"GET " + path + b"Host: " + host + b"\r\nX-API-Key: " + key + b"\r\n\r\n"
            assert status in asked(port, request).split(b"\r\n")[0], host
        query = (
            b"GET /api/v1/time-entries?limit=5&user_id=%00%ff HTTP/1.1\r\n" + here + b"X-API-Key: " + key + b"\r\n\r\n"
        )
        assert b" 400 " in asked(port, query).split(b"\r\n")[0]


def test_serve_answers_while_hundreds_of_others_say_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alga.practice.server.Quiet.timeout", 0.7)
    app = App(tmp_path / "server.db", system_clock)
    with serving(app) as url, contextlib.ExitStack() as open_ones:
        port, before = int(url.rpartition(":")[2]), threading.active_count()
        for _ in range(200):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
        time.sleep(0.3)
        assert threading.active_count() - before <= MOST_CONNECTIONS
        request = f"GET /api/v1/time-entries HTTP/1.1\r\nHost: localhost:{port}\r\nX-API-Key: {app.key_of('')}\r\n\r\n"
        assert b" 200 " in asked(port, request.encode(), 30).split(b"\r\n")[0]


def test_serve_hangs_up_on_a_request_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alga.practice.server.WHOLE", 0.5)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(serving(App(tmp_path / "server.db", system_clock)))
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        connection = stack.enter_context(socket.create_connection(address, timeout=10))
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 8:
                connection.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() - began < 5


def test_serve_answers_json_when_its_data_are_damaged(tmp_path: Path) -> None:
    with served(tmp_path, "--strict") as connection:
        port = int(connection["ALGA_URL"].rpartition(":")[2])
        with contextlib.closing(sqlite3.connect(tmp_path / "data" / "strict.db")) as db:
            db.execute("UPDATE entries SET start_time = x'ff'")
            db.commit()
        head = f"GET /api/v1/time-entries HTTP/1.1\r\nHost: localhost:{port}\r\n"
        answer = asked(port, f"{head}X-API-Key: {connection['ALGA_API_KEY']}\r\n\r\n".encode())
        first, _, body = answer.partition(b"\r\n\r\n")
        assert b" 500 " in first.split(b"\r\n")[0]
        assert json.loads(body) == {"error": {"code": "INTERNAL_ERROR", "message": "An unexpected error occurred"}}


# --- Windows, as far as it can be seen from here ------------------------------------------------------


def test_output_for_programs_is_utf8_whatever_the_console(tmp_path: Path) -> None:
    note = "日本 é \u2026"
    alga(tmp_path, "log", "tk_1", "9:00-9:10", "--date", "2026-11-20", "-m", note)
    for form in ("json", "jsonl"):
        result = run(tmp_path, "list", "--from", "2026-11-01", "-f", form, env=CP1252)
        assert note in result.content.decode("utf-8")
    refused = run(tmp_path, "show", "日本", "--json", env=CP1252)
    assert "日本" in json.loads(refused.err)["error"]


def test_a_pipe_that_windows_calls_invalid_is_a_closed_pipe(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*args: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr("alga.ui.output.show", closed)
    assert desk("list", tty=False) == Result(0, "", desk("list", tty=False).err, b"")
