"""The whole of alga before a server and a network that fail in every way: each minute is there once, or told of."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from alga.lookup.overlaps import Clash
from alga.outbox.journal import Journal
from alga.outbox.operation import Kind
from alga.practice import rules
from alga.practice.app import App
from tests.support import EXAMPLES, IN_MEMORY, SAME_EACH_TIME, Clock, Desk, Result

FRIDAY = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
SLOTS = 8
ITEMS = ("TIC1042", "TIC1011")


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Weather(httpx.BaseTransport):
    """A network in front of a server. `plan` says what happens to which request of a command, counted from 0."""

    inner: httpx.BaseTransport
    plan: dict[int, str] = field(default_factory=dict)
    meanwhile: Callable[[], object] = lambda: None
    number: int = 0
    late: list[httpx.Request] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it on, or not."""
        fault, self.number = self.plan.get(self.number, ""), self.number + 1
        if fault == "late" and not (request.method == "POST" and request.url.path.endswith("/time-entries")):
            fault = "lost"
        self._before(fault, request)
        response = self.inner.handle_request(request)
        response.read()
        return self._after(fault, request, response)

    def _before(self, fault: str, request: httpx.Request) -> None:
        match fault:
            case "refused":
                raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
            case "no connection":
                raise httpx.ConnectTimeout("timed out", request=request)
            case "lost":
                raise httpx.ReadTimeout("timed out", request=request)
            case "late":
                self.late.append(request)
                raise httpx.ReadTimeout("timed out", request=request)
            case "lands":
                self.land()
            case "crash before":
                raise Crash
            case "meanwhile":
                plan, self.plan = self.plan, {}
                self.meanwhile()
                self.plan = plan

    def _after(self, fault: str, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        match fault:
            case "reply lost":
                raise httpx.ReadTimeout("timed out", request=request)
            case "reset":
                raise httpx.ReadError("Connection reset by peer", request=request)
            case "crash after":
                raise Crash
            case "502 after":
                return httpx.Response(502, content=b"<html>bad gateway</html>")
            case "truncated":
                return httpx.Response(response.status_code, content=response.content[: len(response.content) // 2])
            case "garbage":
                return httpx.Response(200, content=b"\xff\xfe<html>")
        return response

    def land(self) -> None:
        """What was on its way arrives."""
        for request in self.late:
            self.inner.handle_request(request)
        self.late = []


class Answering(Weather):
    """A server that sometimes answers for itself, before it does anything."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """An error, or the answer."""
        fault = self.plan.get(self.number, "")
        if fault in ("500 before", "429", "page"):
            self.number += 1
            if fault == "page":
                return httpx.Response(403, content=b"<html>Maintenance</html>")
            if fault == "429":
                return httpx.Response(429, headers={"Retry-After": "120"}, json={"error": {"code": "RATE_LIMITED"}})
            return httpx.Response(500, json={"error": {"code": "INTERNAL_ERROR", "message": "An unexpected error"}})
        return super().handle_request(request)


FAULTS = (
    "refused", "no connection", "lost", "reply lost", "reset", "500 before", "502 after", "429", "truncated", "garbage",
    "late", "lands", "crash before", "crash after", "meanwhile", "page",
)  # fmt: skip
plans: st.SearchStrategy[dict[int, str]] = st.one_of(
    st.just({}),
    st.dictionaries(st.integers(0, 7), st.sampled_from(FAULTS), max_size=3),
    st.builds(  # from some request on
        lambda first, fault: dict.fromkeys(range(first, 40), fault),
        st.integers(0, 8),
        st.sampled_from(["refused", "no connection", "lost", "reply lost", "502 after", "page"]),
    ),
)
crashes = st.one_of(st.none(), st.none(), st.none(), st.tuples(st.integers(0, 4), st.booleans()))


@contextmanager
def crashing(crash: tuple[int, bool] | None) -> Iterator[None]:
    """The process goes at the n-th writing of the journal, before it or after; and nobody waits for a lock."""
    written, save, add, alone = 0, Journal.save, Journal.add, Journal.alone
    gone = False

    def breaking(write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(journal: Journal, *given: Any) -> Any:
            nonlocal written, gone
            if gone:  # what is dead writes nothing
                raise Crash
            here, written = crash and crash[0] == written, written + 1
            gone = bool(here)
            if here and crash and not crash[1]:
                raise Crash
            done = write(journal, *given)
            if here:
                raise Crash
            return done

        return wrapped

    with (
        patch.object(Journal, "save", breaking(save)),
        patch.object(Journal, "add", breaking(add)),
        patch.object(Journal, "alone", lambda journal, wait: alone(journal, 0)),
    ):
        yield


@dataclass
class Fact:
    """What the person at the desk was told of one piece of work, known by the first word of its notes."""

    tag: str
    fate: str  # must: it was accepted; no: it was refused or discarded; maybe: the command did not end
    told: dict[str, Any] | None = None  # what the command printed, where it said the times
    touched: bool = False  # another client deleted or stopped it: it may be gone, or have another end
    notes: list[str] = field(default_factory=list)  # what it says, one after the other
    minutes: int = 0  # of an entry that was divided: its parts together have them


RIGHTS = ("create", "update", "delete", "approve")


def may(actions: Iterable[str]) -> AbstractContextManager[object]:
    """What a technician may do beside reading, in there."""
    return patch.dict(rules.MAY, {"technician": {"time_entry": {"read", *actions}}})


class Phone(Desk):
    """Another client of the same user, whom nobody refuses anything."""

    def __call__(self, *args: str, **given: Any) -> Result:
        with may(RIGHTS):
            return super().__call__(*args, **given)


FEW = dict.fromkeys(Kind, 2) | {Kind.START: 1, Kind.STOP: 1}  # in one call, so that a few rows need several


class Desks(RuleBasedStateMachine):
    """A technician with bad luck, and another client of the same user."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()
        self.patches.enter_context(patch("alga.delivery.sender.MOST", FEW))
        self.patches.enter_context(patch("alga.outbox.batch.LOOKED_AT", 3))
        self.directory = TemporaryDirectory(dir=IN_MEMORY)  # a crash in here is no loss of power
        self.number = 0
        self.rights: set[str] = {"create", "update"}  # as a technician has them

    def sit_down(self, kind: str, known: bool) -> None:
        """At a server of one of the kinds; where it is `known`, alga has seen it before."""
        home, self.clock = Path(self.directory.name), Clock()
        self.kind = kind
        self.app = App(home / "server.db", self.clock, strict=kind != "published")
        self.network = Answering(httpx.WSGITransport(app=self.app))
        self.network.meanwhile = lambda: self.desk("sync")
        env = {"ALGA_URL": "http://127.0.0.1:9", "ALGA_API_KEY": self.app.key_of("technician")}
        self.desk = Desk(home / "home", self.clock, env=env, transport=self.network, tty=False)
        self.other = Phone(home / "other", self.clock, env=env, transport=httpx.WSGITransport(app=self.app), tty=False)
        self.other.ok("log", "TIC1042", "5:00-5:30", "-s", "Basic Support", "-m", "first", "--date", "2026-11-10")
        if kind == "server clock":
            self.desk.ok("config", "set", "timer", "server")
        if known:
            self.desk.ok("log", "TIC1042", "6:00-6:30", "-s", "Basic Support", "-m", "known", "--date", "2026-11-10")
            self.desk.ok("log", "TIC1011", "6:30-7:00", "-s", "Basic Support", "-m", "known", "--date", "2026-11-10")

    def typed(
        self, plan: dict[int, str], crash: tuple[int, bool] | None, *words: str, given: str = "", tty: bool = False
    ) -> Result | None:
        """A command under a plan; None when the process is gone."""
        self.clock.pass_by(minutes=4)
        self.network.plan, self.network.number = plan, 0
        try:
            with crashing(crash), may(self.rights):
                result = self.desk(*words, typed=given, tty=tty)
        except Crash:
            result = None
        self.network.plan = {}
        assert result is None or result.code not in (70, 130), result
        return result

    def tag(self) -> str:
        """A word that nothing else has."""
        self.number += 1
        return f"n{self.number}"

    def heal(self) -> None:
        """The network is well, and all that waits is delivered or set aside with its reason."""
        self.network.land()
        self.clock.pass_by(minutes=4)
        with may(RIGHTS):  # what was refused before must not happen now
            for _ in range(5):
                if self.desk("sync").code == 0:
                    break


class Machine(Desks):
    """Everything a technician types, and everything that happens elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, Fact] = {}
        self.filled: set[str] = set()  # what was told to fill, recorded or not
        self.undone: dict[str, tuple[str, str]] = {}  # entries that were taken back: the first word, and the start
        self.others: dict[str, tuple[Any, ...]] = {}  # what the other client recorded
        self.running: str | None = None  # the timer that certainly runs
        self.unsure = False  # a timer command did not end, or another client had its hand in it
        self.perhaps: set[str] = set()  # the timers that may run then
        self.status: dict[str, set[str]] = {}  # what may have become of an entry that was submitted,
        self.later: dict[str, set[str]] = {}  # and what a review that waits may still make of it
        self.spans: dict[tuple[str, str], str] = {}  # of several spans: tag and start, and whether it must be there

    @initialize(kind=st.sampled_from(["deployed", "server clock", "published"]), known=st.booleans())
    def at_a_server(self, kind: str, known: bool) -> None:
        """Of any kind."""
        self.sit_down(kind, known)

    # --- what the technician types ---

    @rule(item=st.sampled_from(ITEMS), slot=st.integers(0, SLOTS - 1), plan=plans, crash=crashes)
    def log(self, item: str, slot: int, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """Work already done, at one of a few places, so that some are taken."""
        tag, start = self.tag(), FRIDAY + timedelta(minutes=30 * slot)
        times = (f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}")
        words = ("log", item, "--from", times[0], "--to", times[1], "-s", "Basic Support", "-m", tag, "--json")
        self.settle(tag, self.typed(plan, crash, *words))

    @rule(
        item=st.sampled_from(ITEMS), slot=st.integers(0, SLOTS - 1), plan=plans, crash=crashes, times=st.integers(2, 3)
    )
    def script(self, item: str, slot: int, plan: dict[int, str], crash: tuple[int, bool] | None, times: int) -> None:
        """A script with a key, that runs several times."""
        tag, start = self.tag(), FRIDAY + timedelta(days=-1, minutes=30 * slot)
        when = (f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}")
        words = (
            "log",
            item,
            "--from",
            when[0],
            "--to",
            when[1],
            "-s",
            "Basic Support",
            "-m",
            tag,
            "--json",
            "--key",
            tag,
        )
        for _ in range(times):
            result = self.typed(plan, crash, *words)
            self.settle(tag, result, again=True)

    def settle(self, tag: str, result: Result | None, again: bool = False) -> None:
        """What was told of an entry."""
        if again and tag in self.facts and self.facts[tag].fate == "must":
            assert result is None or result.code != 5 or "set aside" in result.err, result
            return
        fate = "maybe" if result is None else "must" if result.code == 0 else "no"
        fact = self.facts[tag] = Fact(tag, fate, notes=[tag])
        if result and result.code == 0:
            fact.told = result.json
            assert result.json["delivery"] in ("delivered", "queued")
            assert (result.json["delivery"] == "delivered") == (result.json["id"] is not None)

    @rule(item=st.sampled_from(ITEMS), plan=plans, crash=crashes, ago=st.sampled_from([None, "2m", "3m"]))
    def start(self, item: str, plan: dict[int, str], crash: tuple[int, bool] | None, ago: str | None) -> None:
        """The clock runs."""
        tag = self.tag()
        back = ("--ago", ago) if ago else ()
        result = self.typed(plan, crash, "start", item, "-m", tag, "-s", "Basic Support", *back, "--json")
        if result is None:
            self.facts[tag] = Fact(tag, "maybe", notes=[tag])
            self.doubt(tag)
        elif result.code == 0:
            assert self.free(), f"{self.running} ran, and {tag} was started: {result}"
            self.facts[tag] = Fact(tag, "must", notes=[tag])
            self.running, self.unsure, self.perhaps = tag, False, set()
            asked = self.clock.now - timedelta(minutes=int((ago or "0m")[:-1]))  # the stop corrects what is not so yet
            self.started_at = {result.json["started_at"], f"{asked:%Y-%m-%dT%H:%M:00Z}"}
        else:
            self.facts[tag] = Fact(tag, "no")

    def doubt(self, *tags: str) -> None:
        """One of these may run, or what ran before."""
        self.perhaps |= {*tags, *([self.running] if self.running else [])}
        self.running, self.unsure = None, True

    def discarded(self) -> None:
        """Whatever may have run is not recorded, or is."""
        for tag in self.perhaps:
            self.facts[tag].fate = "maybe"

    def free(self) -> bool:
        """No timer is known to run for certain."""
        return self.unsure or self.running is None or self.facts[self.running].touched

    @rule(plan=plans, crash=crashes, ago=st.sampled_from([None, "1m"]))
    def stop(self, plan: dict[int, str], crash: tuple[int, bool] | None, ago: str | None) -> None:
        """The clock stops."""
        result = self.typed(plan, crash, "stop", "--json", *(("--ago", ago) if ago else ()))
        self.ended(result)

    def ended(self, result: Result | None) -> None:
        """What was told of a stop."""
        if result is None:
            self.doubt()
            return
        if result.code == 0 and self.unsure and result.json["delivery"] == "discarded":
            self.discarded()
        if result.code == 0 and self.running and not self.unsure:
            fact = self.facts[self.running]
            if result.json["delivery"] == "discarded":
                fact.fate = "no"
            else:
                fact.told = result.json
                assert result.json["started_at"] in self.started_at, result
            self.running = None
        elif result.code == 6:
            assert self.free(), result
            self.running = None
        elif result.code == 4:  # the end is kept: on the clock here it is set aside, on the server's the timer runs on
            self.doubt()

    @rule(item=st.sampled_from(ITEMS), plan=plans, crash=crashes)
    def switch(self, item: str, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """One stops, another starts."""
        tag = self.tag()
        result = self.typed(plan, crash, "switch", item, "-m", tag, "-s", "Basic Support", "--json")
        if result is None or result.code != 0:
            self.facts[tag] = Fact(tag, "maybe", notes=[tag])
            self.doubt(tag)
            return
        if self.running and not self.unsure:
            stopped = result.json["stopped"]
            assert stopped is not None or self.facts[self.running].touched
            if stopped and stopped["delivery"] == "discarded":
                self.facts[self.running].fate = "no"
        elif result.json["stopped"] and result.json["stopped"]["delivery"] == "discarded":
            self.discarded()
        self.facts[tag] = Fact(tag, "must", notes=[tag])
        self.perhaps = set()
        self.running, self.unsure, self.started_at = tag, False, {result.json["started"]["started_at"]}

    @rule(plan=plans, crash=crashes)
    def cancel(self, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """The timer is discarded; a technician may not on the server's clock."""
        result = self.typed(plan, crash, "cancel", "--yes", "--json")
        if result is None or (result.code == 0 and result.json["delivery"] == "queued"):
            self.doubt()
            self.discarded()
        elif result.code == 0 and self.running and not self.unsure:
            self.facts[self.running].fate, self.running = "no", None
        elif result.code == 0:
            self.discarded()
            self.running = None

    def mine(self) -> dict[str, dict[str, Any]]:
        """What alga recorded, by tag, as the server has it."""
        rows = self.other.ok("list", "--from", "2026-11-01", "--json").json
        return {row["notes"].split()[0]: row for row in rows if row["notes"] and row["notes"].startswith("n")}

    def open(self) -> dict[str, dict[str, Any]]:
        """The same without what is approved, which nobody can change."""
        return {tag: row for tag, row in self.mine().items() if row["approval_status"] != "APPROVED"}

    @rule(data=st.data(), plan=plans, crash=crashes)
    def edit(self, data: st.DataObject, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """An entry says something else."""
        there = {tag: row for tag, row in self.mine().items() if row["ended_at"]}
        if not there:
            return
        tag = data.draw(st.sampled_from(sorted(there)))
        notes = f"{tag} {self.tag()}"
        result = self.typed(plan, crash, "edit", there[tag]["id"], "-m", notes, "--json")
        if result is None:
            self.facts[tag].notes.append(f"{notes}?")
        elif result.code == 0:
            self.facts[tag].notes.append(notes)

    @precondition(lambda self: self.kind == "published")
    @rule(data=st.data(), plan=plans, crash=crashes)
    def delete(self, data: st.DataObject, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """An entry goes."""
        there = {tag: row for tag, row in self.mine().items() if row["ended_at"]}
        if not there:
            return
        tag = data.draw(st.sampled_from(sorted(there)))
        result = self.typed(plan, crash, "delete", there[tag]["id"], "--yes")
        if result is None or result.code == 0:
            self.facts[tag].touched = True
        if result and result.code == 0:
            self.facts[tag].notes.append("deleted")

    # --- many at once ---

    @rule(
        slots=st.lists(st.integers(0, SLOTS - 1), min_size=1, max_size=6),
        item=st.sampled_from(ITEMS),
        plan=plans,
        crash=crashes,
    )
    def bulk_create(self, slots: list[int], item: str, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """Rows of work already done; some of the places are taken, or named twice."""
        tags, lines = [self.tag() for _ in slots], ["item,start,end,service,notes"]
        spans = []
        for tag, slot in zip(tags, slots, strict=True):
            start = FRIDAY + timedelta(minutes=30 * slot)
            spans.append([f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (start, start + timedelta(minutes=30))])
            lines.append(",".join([item, *spans[-1], "Basic Support", tag]))
        result = self.typed(plan, crash, "bulk", "create", "-", "--yes", "--json", given="\n".join(lines))
        outcomes = self.outcomes(result, len(tags))
        for tag, span, outcome in zip(tags, spans, outcomes, strict=True):
            if outcome == "recorded already":  # as another row, or an entry of before
                continue
            fate = {"recorded": "must", "waits": "must", "unknown": "maybe"}.get(outcome, "no")
            told = {"started_at": span[0], "ended_at": span[1]} if fate == "must" else None
            self.facts[tag] = Fact(tag, fate, told=told, notes=[tag])

    def outcomes(self, result: Result | None, count: int) -> list[str]:
        """What was told of each row, or id, in turn."""
        if result is None:
            return ["unknown"] * count
        if not result.out.startswith("["):  # an error stands for all
            assert result.code in (2, 4, 5, 6, 7), result
            return ["refused"] * count
        told = [row["outcome"] for row in result.json]
        assert len(told) == count, result
        return told

    def some_of_mine(self, data: st.DataObject) -> dict[str, dict[str, Any]]:
        """Finished entries that alga recorded, by tag."""
        there = {tag: row for tag, row in self.mine().items() if row["ended_at"]}
        if not there:
            return {}
        tags = data.draw(st.lists(st.sampled_from(sorted(there)), min_size=1, max_size=5, unique=True))
        return {tag: there[tag] for tag in tags}

    @rule(data=st.data(), plan=plans, crash=crashes)
    def bulk_update(self, data: st.DataObject, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """Several entries say something else."""
        if not (rows := self.some_of_mine(data)):
            return
        notes = {tag: f"{tag} {self.tag()}" for tag in rows}
        given = "\n".join(["id,notes", *(f"{row['id']},{notes[tag]}" for tag, row in rows.items())])
        result = self.typed(plan, crash, "bulk", "update", "-", "--yes", "--json", given=given)
        for tag, outcome in zip(rows, self.outcomes(result, len(rows)), strict=True):
            if outcome in ("changed", "waits"):
                self.facts[tag].notes.append(notes[tag])
            elif outcome == "unknown":
                self.facts[tag].notes.append(f"{notes[tag]}?")

    @rule(data=st.data(), plan=plans, crash=crashes)
    def bulk_delete(self, data: st.DataObject, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """Several entries go."""
        if not (rows := self.some_of_mine(data)):
            return
        ids = {row["id"]: tag for tag, row in rows.items()}
        result = self.typed(plan, crash, "bulk", "delete", *ids, "--yes", "--json")
        told = self.by_id(result, ids)
        for entry_id, tag in ids.items():
            if told[entry_id] in ("deleted", "waits", "unknown"):
                self.facts[tag].touched = True

    def by_id(self, result: Result | None, ids: Iterable[str]) -> dict[str, str]:
        """What was told of each id."""
        ids = list(ids)
        if result is None or not result.out.startswith("["):
            return dict(zip(ids, self.outcomes(result, len(ids)), strict=True))
        return {row["id"]: row["outcome"] for row in result.json}

    @rule(data=st.data())
    def somebody_submits(self, data: st.DataObject) -> None:
        """On the web."""
        for tag, row in self.some_of_mine(data).items():
            with closing(sqlite3.connect(self.app.path)) as db, db:
                db.execute("UPDATE entries SET approval_status = 'SUBMITTED' WHERE entry_id = ?", (row["id"],))
            self.status[tag] = {"SUBMITTED"} | self.later.get(tag, set())

    @rule(data=st.data(), plan=plans, crash=crashes, back=st.booleans())
    def review(self, data: st.DataObject, plan: dict[int, str], crash: tuple[int, bool] | None, back: bool) -> None:
        """Some are approved, or sent back."""
        if not (rows := self.some_of_mine(data)):
            return
        ids = {row["id"]: tag for tag, row in rows.items()}
        words = ("request-changes", *ids, "--reason", "why") if back else ("approve", *ids)
        told = self.by_id(self.typed(plan, crash, *words, "--json"), ids)
        then = "CHANGES_REQUESTED" if back else "APPROVED"
        for entry_id, tag in ids.items():
            before, later = self.status.get(tag, {"DRAFT"}), self.later.setdefault(tag, set())
            if told[entry_id] in ("approved", "sent back", "sent back already"):
                self.status[tag] = {then} | later
            elif told[entry_id] in ("waits", "unknown"):
                later.add(then)
                self.status[tag] = before | later

    # --- several spans, free time, taking back, dividing ---

    @rule(
        slots=st.lists(st.integers(0, SLOTS - 1), min_size=2, max_size=4, unique=True),
        item=st.sampled_from(ITEMS),
        plan=plans,
        crash=crashes,
    )
    def several(self, slots: list[int], item: str, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """Several spans in one command: each is an entry, and all have the same notes."""
        tag = f"s{self.tag()}"
        spans = [FRIDAY + timedelta(minutes=30 * slot) for slot in slots]
        words = [f"2026-11-20T{each:%H:%M}Z+10m" for each in spans]
        result = self.typed(plan, crash, "log", item, *words, "-s", "Basic Support", "-m", tag, "--json")
        if result is None or not result.out.startswith("["):
            fates = ["maybe" if result is None else "no"] * len(spans)
        else:
            fates = ["must" if row["delivery"] in ("delivered", "queued") else "no" for row in result.json]
        for start, fate in zip(spans, fates, strict=True):
            self.spans[tag, f"{start:%Y-%m-%dT%H:%M:00Z}"] = fate

    @rule(slot=st.integers(0, SLOTS - 1), item=st.sampled_from(ITEMS), plan=plans, crash=crashes)
    def fill(self, slot: int, item: str, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """A free stretch of the morning is filled, if that place is free and can be asked for."""
        tag, start = self.tag(), FRIDAY + timedelta(minutes=30 * slot)
        local = [f"{each + timedelta(hours=1):%H:%M}" for each in (start, start + timedelta(minutes=30))]
        self.desk.ok("config", "set", "hours", "7:00-11:00")
        given = f"{item} {local[0]}-{local[1]}\n{tag} filled\nq\ny\ny\n" + "\n" * 9  # if the place is not free
        self.desk.ok("config", "set", "service", "Basic Support")
        result = self.typed(plan, crash, "fill", "2026-11-20", given=given, tty=True)
        self.desk.ok("config", "set", "service", "")
        done = result is not None and result.code == 0 and ("Logged" in result.out or "Saved" in result.out)
        again = result is None or "These replies are not recorded yet" in result.err
        for earlier in self.filled if again else ():  # they may be recorded now, and this one not
            self.facts[earlier].fate = "maybe" if self.facts[earlier].fate == "no" else self.facts[earlier].fate
        self.facts[tag] = Fact(tag, "maybe" if again else "must" if done else "no", notes=[f"{tag} filled"])
        self.filled.add(tag)

    @rule(data=st.data(), plan=plans, crash=crashes)
    def undo(self, data: st.DataObject, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """Something is taken back: what was recorded is gone, what was changed is as it was."""
        acts = [act for act in self.desk.ok("undo", "--list", "--json").json if not act["undone"]]
        if not acts:
            return
        act = data.draw(st.sampled_from(acts))
        late = bool(self.network.late)
        result = self.typed(plan, crash, "undo", str(act["id"]), "--yes", "--json")
        operations = act["operations"][::-1]
        if result is not None and not result.out.startswith("["):
            told = ["refused"] * len(operations)  # an error stands for all
        else:
            told = ["unknown"] * len(operations) if result is None else [row["outcome"] for row in result.json]
        for operation, outcome in zip(operations, told, strict=True):
            self.taken_back(operation, outcome, late)

    def taken_back(self, operation: dict[str, Any], outcome: str, late: bool) -> None:
        """What was told of one operation that was to be taken back."""
        if outcome == "refused" or outcome == "not sent":
            return
        if operation["kind"] in ("create", "start", "stop"):
            self.gone(operation, outcome, late)
            return
        if operation["entry_id"] in self.undone:
            self.there_again(*self.undone[operation["entry_id"]], outcome == "recorded" and not late)
            return
        for fact in self.facts.values():  # an edit that is set back, or a deleted entry that is there again
            named = (operation["notes"] or "").split()[:1] == [fact.tag]
            if named or operation["kind"] == "delete":
                fact.touched = True

    def gone(self, operation: dict[str, Any], outcome: str, late: bool) -> None:
        """An entry, or a timer, that is taken back: it is not there in the end, if that is certain."""
        tag = self.tag_of(operation)
        certain = outcome in ("deleted", "discarded") and not late
        if operation["entry_id"]:
            self.undone[operation["entry_id"]] = (tag, operation["started_at"])
        if (key := (tag, operation["started_at"])) in self.spans:
            self.spans[key] = "no" if certain else "maybe"
        if tag in self.facts:
            fact = self.facts[tag]
            fact.touched = True
            if certain and not fact.minutes and fact.fate == "must":
                fact.fate = "no"
            if tag == self.running or tag in self.perhaps:
                self.doubt()

    def there_again(self, tag: str, start: str, certain: bool) -> None:
        """An entry that was taken back, and recorded again by taking that back: it is there in the end, if certain."""
        fate = "must" if certain else "maybe"
        if (tag, start) in self.spans:
            self.spans[tag, start] = fate
        if tag in self.facts:
            fact = self.facts[tag]
            fact.fate, fact.touched = fate, not certain or bool(fact.minutes)

    def tag_of(self, operation: dict[str, Any]) -> str:
        """The first word of an operation's notes, or of its entry's."""
        return next(iter((operation["notes"] or "").split()), "")

    @rule(data=st.data(), plan=plans, crash=crashes)
    def split(self, data: st.DataObject, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """An entry is divided; its parts have its minutes."""
        there = {tag: row for tag, row in self.mine().items() if row["ended_at"] and row["duration_minutes"] > 2}
        if not there:
            return
        tag = data.draw(st.sampled_from(sorted(there)))
        row, fact = there[tag], self.facts[tag]
        middle = datetime.fromisoformat(row["started_at"]) + timedelta(minutes=row["duration_minutes"] // 2)
        result = self.typed(plan, crash, "split", row["id"], f"{middle:%Y-%m-%dT%H:%M:%SZ}", "--json")
        if result is None or result.code in (0, 9):
            fact.minutes = fact.minutes or row["duration_minutes"]

    @rule(rights=st.sets(st.sampled_from(RIGHTS)))
    def the_role_changes(self, rights: set[str]) -> None:
        """What was refused is allowed now, or the other way round."""
        self.rights = rights

    @rule(plan=plans, crash=crashes)
    def look(self, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """A look delivers what waits, as everything does."""
        self.typed(plan, crash, "status")

    @rule(plan=plans, crash=crashes)
    def sync(self, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """All that waits."""
        result = self.typed(plan, crash, "sync", "--json")
        assert result is None or result.code in (0, 4, 7, 8), result

    # --- what happens elsewhere ---

    @rule(slot=st.integers(0, SLOTS - 1))
    def another_client_logs(self, slot: int) -> None:
        """The same user on the phone, long before or at another ticket's place."""
        tag, start = f"o{self.tag()}", FRIDAY + timedelta(minutes=30 * slot)
        times = (f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}")
        self.clock.pass_by(minutes=4)
        words = ("log", "TIC1023", "--from", times[0], "--to", times[1], "-s", "Basic Support", "-m", tag, "--json")
        result = self.other(*words)
        if result.code == 0:
            self.others[tag] = (result.json["work_item_id"], result.json["started_at"], result.json["ended_at"], tag)

    @rule(data=st.data())
    def another_client_edits(self, data: st.DataObject) -> None:
        """Somebody mends what alga recorded."""
        there = {tag: row for tag, row in self.open().items() if row["ended_at"]}
        if there:
            tag = data.draw(st.sampled_from(sorted(there)))
            notes = f"{tag} o{self.tag()}"
            self.other.ok("edit", there[tag]["id"], "-m", notes)
            self.facts[tag].notes.append(notes)

    @rule()
    def another_client_stops(self) -> None:
        """The timer on the server is stopped on the phone."""
        self.clock.pass_by(minutes=4)
        active = self.other.ok("status", "--json").json
        if active and self.other("stop").code == 0:
            for fact in self.facts.values():
                if active["notes"] and active["notes"] == fact.tag:
                    fact.touched = True

    @precondition(lambda self: self.kind == "published")
    @rule(data=st.data())
    def another_client_deletes(self, data: st.DataObject) -> None:
        """Somebody removes what alga recorded."""
        there = self.open()
        if there:
            tag = data.draw(st.sampled_from(sorted(there)))
            self.other.ok("delete", there[tag]["id"], "--yes")
            self.facts[tag].touched = True

    @rule()
    def what_was_on_its_way_arrives(self) -> None:
        """Late."""
        self.network.land()

    # --- in the end ---

    def teardown(self) -> None:
        """The network heals, and all is told against all that is there."""
        try:
            if hasattr(self, "desk"):
                self.healed()
        finally:
            self.patches.close()
            self.directory.cleanup()

    def healed(self) -> None:
        """Everything that was accepted is on the server once, or set aside with a reason; nothing else is there."""
        self.heal()
        with may(RIGHTS):
            if self.desk.ok("status", "--json").json:
                self.clock.pass_by(minutes=4)
                self.ended(self.desk("stop", "--json"))
            for _ in range(3):
                self.desk("sync")
        aside = self.desk.ok("queue", "--json").json
        assert all(each["delivery"] == "set aside" and each["reason"] for each in aside), aside
        rows = self.other.ok("list", "--from", "2026-11-01", "--json").json
        self.compare(rows, aside)

    def compare(self, rows: list[dict[str, Any]], aside: list[dict[str, Any]]) -> None:
        """What is there against what was told."""
        for tag, fact in self.facts.items():
            there = [row for row in rows if (row["notes"] or "").split()[:1] == [tag]]
            waits = [each for each in aside if each["notes"] and each["notes"].split()[0] == tag]
            if fact.minutes:
                self.divided(fact, there, waits)
                continue
            assert len(there) <= 1, f"{tag} is there twice: {there}"
            if fact.fate == "no":
                assert not there, f"{tag} was refused and is there: {there}"
            if fact.fate == "must" and not fact.touched:
                stops = [each for each in aside if each["kind"] in ("stop", "start", "create")]
                assert there or waits or stops, f"{tag} was accepted and is not there"
            if there and fact.told and not fact.touched:
                self.as_told(fact, there[0], aside)
            if there:
                allowed = self.status.get(tag, {"DRAFT"})
                assert there[0]["approval_status"] in allowed, f"{there[0]} is not {allowed}"
        for (tag, start), fate in self.spans.items():
            found = [row for row in rows if row["notes"] == tag and row["started_at"] == start]
            waits = [each for each in aside if each["notes"] == tag and each["started_at"] == start]
            assert len(found) <= 1, f"{tag} at {start} is there twice"
            assert not (fate == "no" and found), f"{tag} at {start} was refused or taken back, and is there: {found}"
            assert found or waits or fate != "must", f"{tag} at {start} was accepted and is not there"
        for tag, told in self.others.items():
            found = [row for row in rows if row["notes"] == tag]
            shown = [(row["work_item_id"], row["started_at"], row["ended_at"], row["notes"]) for row in found]
            assert shown == [told], f"{tag} was another client's: {shown}"

    def divided(self, fact: Fact, there: list[dict[str, Any]], waits: list[dict[str, Any]]) -> None:
        """The parts of an entry have its minutes together, once."""
        starts = [row["started_at"] for row in there]
        assert len(set(starts)) == len(starts), f"{fact.tag}: a part is there twice: {there}"
        minutes = sum(row["duration_minutes"] for row in there)
        assert minutes <= fact.minutes, f"{fact.tag} was divided and has more minutes: {there}"
        if not fact.touched and not waits:
            assert minutes == fact.minutes, f"{fact.tag} was divided and has fewer minutes: {there}"

    def as_told(self, fact: Fact, row: dict[str, Any], aside: list[dict[str, Any]]) -> None:
        """The times that were told, and the notes that were said last."""
        assert fact.told
        for name in ("started_at", "ended_at"):
            if fact.told.get(name):
                assert row[name] == fact.told[name], f"{fact.tag}: {row} is not what was told: {fact.told}"
        set_aside = {each["notes"] for each in aside if each["kind"] == "edit"}
        sure = [notes for notes in fact.notes if not notes.endswith("?") and notes not in set_aside]
        maybe = {notes.rstrip("?") for notes in fact.notes if notes.endswith("?")}
        assert row["notes"] in {sure[-1], *maybe}, f"{fact.tag} says {row['notes']}, not {sure[-1]}"


class Twins(Desks):
    """Before a server without an overlap rule, and with none here: the same place again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.surely: Counter[int] = Counter()  # entries that must be there, by place
        self.perhaps: Counter[int] = Counter()  # commands that did not end
        self.patches.enter_context(patch("alga.practice.rules.overlap", lambda start, end, entries: False))
        for name in ("check", "check_here"):
            self.patches.enter_context(patch.object(Clash, name, lambda *given, **named: None))

    @initialize(known=st.booleans())
    def at_a_server(self, known: bool) -> None:
        """That shows when an entry was made."""
        self.sit_down("published", known)

    @rule(slot=st.integers(0, 1), plan=plans, crash=crashes)
    def log(self, slot: int, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """The same as before, on purpose."""
        plan = {n: "lost" if fault == "late" else fault for n, fault in plan.items()}  # late ones double without a rule
        result = self.typed(plan, crash, *words(slot), "--json")
        counted = self.perhaps if result is None else self.surely
        counted[slot] += result is None or result.code == 0

    @rule(slot=st.integers(0, 1))
    def another_client_logs(self, slot: int) -> None:
        """The same, long before what is logged next."""
        if not self.desk.ok("queue", "--json").json:
            self.clock.pass_by(minutes=4)
            self.other.ok(*words(slot))
            self.surely[slot] += 1

    @rule(plan=plans, crash=crashes)
    def sync(self, plan: dict[int, str], crash: tuple[int, bool] | None) -> None:
        """All that waits."""
        self.typed({n: "lost" if fault == "late" else fault for n, fault in plan.items()}, crash, "sync")

    def teardown(self) -> None:
        """As many are there as were accepted."""
        try:
            self.heal()
            aside = Counter(each["started_at"] for each in self.desk.ok("queue", "--json").json)
            there = Counter(row["started_at"] for row in self.other.ok("list", "--from", "2026-11-20", "--json").json)
            for slot in (0, 1):
                start = f"{FRIDAY + timedelta(minutes=30 * slot):%Y-%m-%dT%H:%M:%SZ}"
                least, found = self.surely[slot] - aside[start], there[start]
                assert least <= found <= self.surely[slot] + self.perhaps[slot], (slot, least, found)
        finally:
            self.patches.close()
            self.directory.cleanup()


def words(slot: int) -> list[str]:
    """A log at one of a few places."""
    start = FRIDAY + timedelta(minutes=30 * slot)
    times = (f"{start:%Y-%m-%dT%H:%M:%SZ}", f"{start + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}")
    return ["log", "TIC1042", "--from", times[0], "--to", times[1], "-s", "Basic Support", "-m", "twin"]


@pytest.mark.parametrize("machine", [Machine, Twins])
def test_every_minute_is_there_once_or_told_of(machine: type[Desks]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            derandomize=SAME_EACH_TIME,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
