"""Every --json prints what docs/json.md says, field by field."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from alga.cli import NAMES
from tests.conftest import Strict
from tests.support import Desk, answering

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
OPEN = {"template"}  # shapes that may have more fields than the page names
NO_JSON = {"serve"}  # runs until it is stopped
SUBCOMMANDS = {"bulk": 3, "config": 4, "completion": 2, "queue": 4}  # queue alone is one


@dataclass(frozen=True)
class Shape:
    """The fields of an object: their types by name."""

    fields: dict[str, str]


def read_shapes() -> dict[str, Shape]:
    """The shapes of the page; "An entry, and" takes over another's fields."""
    shapes: dict[str, Shape] = {}
    for name, text in re.findall(r"^## ([a-z ]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL):
        fields = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", text, re.MULTILINE))
        base = re.search(r"^(?:An? )?(\w+), and$", text, re.MULTILINE)
        shapes[name] = Shape({**(shapes[base[1].lower()].fields if base else {}), **fields})
    return shapes


SHAPES = read_shapes()
PRINTS = {  # command: shape
    command: shape
    for commands, shape in re.findall(r"^\| (`alga .*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    for command in re.findall(r"`alga ([^`]+)`", commands)
}
SCALARS: dict[str, Callable[[Any], object]] = {
    "text": lambda value: isinstance(value, str),
    "minutes": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "yes/no": lambda value: isinstance(value, bool),
    "time": lambda value: re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value),
    "local": lambda value: bool(datetime.strptime(value, "%Y-%m-%d %H:%M")),
    "date": lambda value: re.fullmatch(r"\d{4}-\d\d-\d\d", value),
}


def faults(value: Any, kind: str, at: str = "") -> list[str]:
    """Where a value is not what the page says."""
    if kind.endswith("?") or "or `null`" in kind:
        if value is None:
            return []
        kind = kind.removesuffix("?").split(",")[0]
    if kind.startswith("["):
        if not isinstance(value, list):
            return [f"{at} is no array"]
        return [fault for n, each in enumerate(value) for fault in faults(each, kind[1:-1], f"{at}[{n}]")]
    if kind in SCALARS:
        return [] if value is not None and SCALARS[kind](value) else [f"{at} is {value!r}, not {kind}"]
    fields = SHAPES[kind].fields
    if not isinstance(value, dict):
        return [f"{at} is no object"]
    missing = [f"{at}.{name} is missing" for name in fields if name not in value]
    more = [f"{at}.{name} is not on the page" for name in value if name not in fields and kind not in OPEN]
    named = (name for name in fields if name in value)
    return [*missing, *more, *(fault for name in named for fault in faults(value[name], fields[name], f"{at}.{name}"))]


def test_the_page_names_every_command() -> None:
    said = {command.split()[0] for command in PRINTS}
    assert said == set(NAMES) - NO_JSON
    for group, number in SUBCOMMANDS.items():
        assert len({" ".join(command.split()[:2]) for command in PRINTS if command.startswith(group)}) == number
    assert {shape.split(",")[0].strip("[]") for shape in PRINTS.values()} <= set(SHAPES)


ID = "99999999-9999-4999-8999-999999999999"
ROWS = "start,span,item,service\n2026-11-20T09:00:00Z,1h,TIC1042,Basic Support\n"
TYPED: dict[str, list[str]] = {  # how each command of the page is typed, where its name alone is not enough
    "show": ["show", "{entry}"],
    "log": ["log", "TIC1042", "6:00-7:00", "-s", "Basic Support"],
    "log ITEM SPAN SPAN": ["log", "TIC1042", "6:00+5m", "7:10+5m", "-s", "Basic Support"],  # the second is refused
    "edit": ["edit", "{entry}", "-m", "New"],
    "delete": ["delete", "{entry}", "--yes"],
    "stop": ["stop", "--billable", "0"],
    "start": ["start", "TIC1011", "-s", "Basic Support"],
    "switch": ["switch", "TIC1011", "-s", "Basic Support"],
    "cancel": ["cancel", "--yes"],
    "search": ["search", "Handover"],
    "stats --by": ["stats", "--by", "service", "--everyone", "--from", "2020-01-01"],
    "approve": ["approve", "{entry}", ID],
    "approve --dry-run": ["approve", "--dry-run", "--everyone"],
    "request-changes": ["request-changes", "{entry}", ID, "--reason", "x"],
    "request-changes --dry-run": ["request-changes", "--dry-run", "--everyone", "--reason", "x"],
    "bulk create": ["bulk", "create", "-"],
    "bulk update": ["bulk", "update", "-"],
    "bulk delete": ["bulk", "delete", "{entry}", ID, "--yes"],
    "bulk delete --dry-run": ["bulk", "delete", "{entry}", "--dry-run"],
    "tickets": ["tickets", "VPN"],
    "export": ["export", "--from", "2020-01-01"],
    "login": ["login", "{url}", "--key-stdin"],
    "logout": ["logout", "--yes"],
    "split": ["split", "{entry}", "7:15"],
    "undo": ["undo", "1", "--yes"],
    "show --history": ["show", "{entry}", "--history"],
    "alias set": ["alias", "set", "vpn", "TIC1011"],
    "alias remove": ["alias", "remove", "printer"],
    "config get": ["config", "get", "service"],
    "config set": ["config", "set", "target", "8h"],
    "config path": ["config", "path"],
    "queue show": ["queue", "show", "2"],
    "queue retry": ["queue", "retry", "2"],
    "queue drop": ["queue", "drop", "2", "--yes"],
    "completion show": ["completion", "show", "bash"],
    "completion install": ["completion", "install", "bash", "--yes"],
}
NEEDS_WHAT_WAITS = {"queue", "queue show", "queue retry", "queue retry --all", "queue drop", "sync"}
NEEDS_A_TIMER = {"status", "stop", "switch", "cancel"}


@pytest.fixture
def admin(strict: Strict) -> Desk:
    """A script's desk of an administrator, logged in, with an entry of today."""
    desk = strict.as_role("admin")
    desk.tty = False
    del desk.env["ALGA_API_KEY"], desk.env["ALGA_URL"]
    desk.env["HOME"] = str(desk.home)
    desk.ok("login", strict.url, "--key-stdin", "--profile", "acme", typed=strict.app.key_of("admin"))
    desk.ok("log", "TIC1042", "7:00-8:00", "-s", "Basic Support")
    return desk


@pytest.mark.parametrize("command", PRINTS)
def test_what_is_printed_is_what_the_page_says(strict: Strict, admin: Desk, command: str) -> None:
    entry = admin.ok("list", "-f", "ids").out.strip()
    if command in ("approve", "request-changes"):
        with strict.app.store.open(writing=True) as db:
            db.execute("UPDATE entries SET approval_status = 'SUBMITTED'")
    if command in NEEDS_A_TIMER:
        admin.ok("start", "TIC1042")
        admin.clock.pass_by(minutes=20)
    if command in NEEDS_WHAT_WAITS:
        admin.transport = answering(429, {}, {"Retry-After": "3600"})
        assert faults(admin.ok("log", "TIC1042", "8:00-8:30", "--json").json, "written entry") == []
        admin.transport = None
    given = {
        "bulk create": ROWS + ROWS.splitlines()[1] + "\n",
        "bulk update": f"id,notes\n{entry},new\n",
        "login": strict.app.key_of("admin"),
    }
    if command.startswith("alias"):
        admin.ok("alias", "set", "printer", "TIC1042")
    parts = [part.format(entry=entry, url=strict.url) for part in TYPED.get(command, command.split())]
    more = ["--yes"] if command == "bulk create" else []
    result = admin(*parts, *more, "--json", typed=given.get(command, ""))
    assert result.code in (0, 9), result
    data = json.loads(result.out)
    assert faults(data, PRINTS[command]) == []
    if PRINTS[command].startswith("[") and command != "templates":
        assert data, "an empty array shows nothing"


def test_a_timer_kept_here_and_nothing_running(admin: Desk) -> None:
    assert admin.ok("status", "--json").json is None
    admin.ok("start", "TIC1042")
    for command in ("status", "day"):
        data = admin.ok(command, "--json").json
        assert faults(data, PRINTS[command]) == []
    assert admin.ok("status", "--json").json["id"] is None


def test_an_error_is_what_the_page_says(admin: Desk) -> None:
    result = admin("show", ID, "--json")
    assert (result.code, result.out) == (6, "")
    assert faults(json.loads(result.err), "error") == []


def test_the_check_itself_finds_faults() -> None:
    good = {"from": "2026-11-23T08:12:00Z", "to": "2026-11-23T08:13:00Z", "minutes": 1}
    assert faults(good, "gap") == []
    assert faults(good | {"minutes": "1"}, "gap") == [".minutes is '1', not minutes"]
    assert faults(good | {"from": None, "x": 1}, "gap") == [".x is not on the page", ".from is None, not time"]
    assert faults([{}], "[gap]") == [f"[0].{name} is missing" for name in good]
