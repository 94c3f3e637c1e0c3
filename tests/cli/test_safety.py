"""Text from outside never drives a terminal, JSON reads back the same, files are whole, faults are one line."""

import json
import os
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alga.app import session as sessions
from alga.core.files import write_whole
from alga.core.safe_text import as_json, plain
from alga.state.cache import ServerCache, load_cache
from tests.support import Desk

HOSTILE = "\x1b[31mred\x1b]0;title\x07 [bold]markup[/] \u202eesrever\u2066 a\tb\r\nc \x9b31m \u2028 e\u0301 日本"


def test_hostile_notes_are_shown_as_plain_text_everywhere(desk: Desk) -> None:
    desk.ok("log", "tk_1", "8:00-8:30", "-m", HOSTILE)
    entry_id = desk.ok("list", "-f", "ids").out.strip()
    commands = [
        ["list"],
        ["show", entry_id],
        ["list", "--fields", "notes"],
        ["start", "tk_2", "-m", HOSTILE],
        ["status"],
    ]
    for command in commands:
        for tty in (True, False):
            shown = desk(*command, tty=tty, columns=300)
            for style in ("\x1b[2m", "\x1b[1m", "\x1b[1;2m", "\x1b[0m"):
                shown_text = shown.out.replace(style, "")
            text = (shown.out + shown.err).replace("\x1b[2m", "").replace("\x1b[1m", "").replace("\x1b[0m", "")
            text = text.replace("\x1b[1;2m", "")
            assert not set(text) & set("\x1b\x07\x9b\r\t\u202e\u2066\u2028"), (command, shown_text)
    assert "[bold]markup[/]" in desk("list", tty=False).out
    assert desk.ok("list", "--json").json[0]["notes"] == HOSTILE
    assert not set(desk.ok("list", "--json").out) & set("\x1b\x07\x9b\r\t\u202e\u2066\u2028")


def test_a_hostile_server_message_is_plain(desk: Desk) -> None:
    body = {
        "error": {
            "code": "X\x1b[2J",
            "message": "no\x1b]0;x\x07\nway {server} {0}",
            "details": [{"path": ["\x1b"], "message": "{x}"}],
        }
    }
    desk.env = {"ALGA_API_KEY": "k" * 64, "ALGA_URL": "https://psa.example.test"}
    desk.transport = httpx.MockTransport(lambda request: httpx.Response(418, json=body))
    refused = desk("list", "--everyone", tty=False)
    assert refused.code == 5
    assert "\x1b" not in refused.err
    assert "{server}" in refused.err
    assert json.loads(desk("list", "--everyone", "--json", tty=False).err)["exit_code"] == 5


@given(st.text())
def test_plain_text_has_no_control_characters(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable() or not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)
    assert "\n" not in shown
    shown.encode("utf-8")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_reads_back_the_same_and_is_clean(data: object) -> None:
    text = as_json(data)
    assert json.loads(text) == data
    assert not any(
        (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160 or 0xD800 <= ord(char) < 0xE000 for char in text
    )


def test_an_error_with_json_is_one_object_on_stderr(desk: Desk) -> None:
    refused = desk("log", "tk_1", "90", "--json", "--profile", "local", tty=False)
    assert (refused.code, refused.out) == (2, "")
    assert json.loads(refused.err) == {"error": "90 what? 90m or 90h.", "hint": None, "exit_code": 2}
    practice = desk("show", "abcd", "--json", tty=False)
    assert list(json.loads(practice.err)) == ["error", "hint", "exit_code", "warnings"], "still one object"
    usage = desk("log", "--jsn", "--json", tty=False)
    assert json.loads(usage.err)["error"] == "No such option '--jsn'. Did you mean --json?"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["strat"], "No such command 'strat'. Did you mean start or stats?"),
        (["xyzzy"], "No such command 'xyzzy'.\n"),
        (["log", "--note", "x"], "No such option '--note'. Did you mean --notes?"),
        (["--jason"], "No such option '--jason'."),
        (["log"], "Missing argument 'WORK_ITEM'."),
        (["start", "a", "b", "c"], "Got unexpected extra argument(s) (b c).\nWords that belong together go in quotes."),
        (["list", "--format", "xml"], "Unknown format 'xml'."),
        (["list", "--today", "--week"], "Only one period can be given."),
        (["list", "--mine", "--everyone"], "Give only one of --mine"),
        (["list", "--from", "2026-06-05", "--to", "2026-06-01"], "is before --from"),
        (["config", "sett"], "No such command 'sett'"),
    ],
)
def test_usage_errors_exit_with_2_and_say_what_is_meant(desk: Desk, typed: list[str], told: str) -> None:
    refused = desk(*typed, columns=200)
    assert (refused.code, refused.out) == (2, "")
    assert told in refused.err
    assert "Traceback" not in refused.err


def test_a_fault_of_ours_is_one_line_and_70(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(sessions.Session, "zone", property(broken))
    failed = desk("status", tty=False)
    assert (failed.code, failed.out) == (70, "")
    assert failed.err.startswith("alga: Internal error (ZeroDivisionError). The entry may or may not have been saved")
    assert "secret" not in failed.err


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_whole(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


def test_directories_are_private_all_the_way_down(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "c" / "file", "x")
    modes = [oct((tmp_path / part).stat().st_mode & 0o777) for part in ("a", "a/b", "a/b/c", "a/b/c/file")]
    assert modes == ["0o700", "0o700", "0o700", "0o600"]


def test_a_config_that_cannot_be_written_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("alga.state.settings.write_whole", full)
    refused = desk("config", "set", "service", "B")
    assert (refused.code, "No space left on device. Nothing was changed." in refused.err.replace("\n", " ")) == (
        3,
        True,
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.sampled_from([b"[]", b'{"services": 5}', b'{"user_id": []}', b'{"kind": "x"}']))
def test_what_was_learnt_is_a_cache_and_may_be_damaged(tmp_path: Path, content: bytes) -> None:
    cache = load_cache(tmp_path, "https://a.test", "k")
    cache.path.parent.mkdir(exist_ok=True)
    cache.path.write_bytes(content)
    again = load_cache(tmp_path, "https://a.test", "k")
    assert isinstance(again.services, dict)
    assert again.user_id is None


def test_learnt_tickets_are_bounded_and_nothing_new_is_not_written(tmp_path: Path) -> None:
    cache = ServerCache(tmp_path / "x.json")
    for number in range(600):
        cache.ticket(f"id{number}", f"TIC{number}", None)
    assert len(cache.tickets) == 500
    assert "id599" in cache.tickets
    cache.save()
    written = cache.path.stat().st_mtime_ns
    cache.save()
    assert cache.path.stat().st_mtime_ns == written
