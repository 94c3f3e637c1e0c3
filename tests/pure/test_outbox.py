"""The outbox by itself, before a server that knows what made each entry: lost answers, crashes anywhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from alga.core.entry import Entry, EntryRequest
from alga.core.errors import (
    AlgaError,
    AuthError,
    NeverSent,
    NotFound,
    Overlaps,
    Overtaken,
    Refused,
    ServerFailed,
    UnknownOutcome,
    Unreachable,
    Verdict,
)
from alga.outbox import transitions
from alga.outbox.operation import Kind, Look, Operation, Seen, State
from alga.outbox.outbox import Outbox
from alga.outbox.transitions import Step
from tests.support import EXAMPLES, MONDAY, SAME_EACH_TIME, Clock

HOUR = EntryRequest("ticket", "t1", MONDAY, MONDAY + timedelta(hours=1))


def there(entry_id: str, notes: str = "") -> Entry:
    """An entry on the server."""
    return Entry(entry_id, MONDAY, notes=notes)


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Memory:
    """A journal in memory, on which a process may crash before or after any writing."""

    rows: dict[int, Operation] = field(default_factory=dict)
    crash_in: int | None = None  # so many steps from now; a writing has one before it and one after
    locked: bool = False

    def _step(self) -> None:
        if self.crash_in == 0:
            self.crash_in = None
            raise Crash
        self.crash_in = self.crash_in and self.crash_in - 1

    def add(self, operations: Sequence[Operation]) -> list[Operation]:
        """Put them down."""
        self._step()
        added = [each._replace(id=len(self.rows) + n) for n, each in enumerate(operations, 1)]
        self.rows |= {each.id: each for each in added}
        self._step()
        return added

    def put(self, operation: Operation) -> Operation:
        """Write its new state."""
        if self.rows[operation.id].version != operation.version:
            raise Overtaken("Another was first.")
        changed = operation._replace(version=operation.version + 1)
        self._step()
        self.rows[changed.id] = changed
        self._step()
        return changed

    def get(self, number: int) -> Operation:
        """One of them."""
        return self.rows[number]

    def queued(self) -> list[Operation]:
        """What waits."""
        return [each for each in self.rows.values() if each.state is State.QUEUED]

    def made(self) -> set[str]:
        """Entries that are known to be somebody's."""
        done = (each for each in self.rows.values() if each.state is State.DONE and each.kind is Kind.CREATE)
        return {each.entry_id for each in done if each.entry_id}

    @contextmanager
    def alone(self, wait: float) -> Iterator[None]:
        """The one lock."""
        if self.locked:
            raise Overtaken("Another is sending.")
        self.locked = True
        try:
            yield
        finally:
            self.locked = False


@dataclass
class Server:
    """What it holds: by entry the operation that made it, and how often each operation was carried out."""

    made: dict[str, int] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    late: list[Operation] = field(default_factory=list)

    def carry_out(self, operation: Operation) -> str:
        """Do it, again if it is sent again. One entry has the place of a create: a second is refused."""
        if operation.kind is Kind.CREATE and operation.id in self.made.values():
            raise Overlaps("It overlaps.")
        if operation.kind is Kind.EDIT and operation.entry_id:
            self.notes[operation.entry_id] = operation.asked.notes or ""
        self.done[operation.id] = self.done.get(operation.id, 0) + 1
        if operation.kind is Kind.CREATE:
            entry_id = f"e{len(self.made) + 1}"
            self.made[entry_id] = operation.id
            self.notes[entry_id] = operation.asked.notes or ""
            return entry_id
        return operation.entry_id or ""

    def land(self) -> None:
        """What was on its way arrives; an edit would come over another's, which nobody can help."""
        late, self.late = self.late, []
        for operation in late:
            if operation.kind is Kind.CREATE and operation.id not in self.made.values():
                self.carry_out(operation)


BEFORE: dict[str, BaseException] = {
    "refused": NeverSent("Not now."),
    "lost": UnknownOutcome("No answer."),
    "500 before": ServerFailed("It failed."),
    "bad key": AuthError("The key is refused."),
    "no": Refused("That is not allowed."),
    "crash": Crash(),
}
AFTER: dict[str, BaseException] = {
    "reply lost": UnknownOutcome("No answer."),
    "500 after": ServerFailed("It failed."),
    "crash after": Crash(),
}
LOOK_FAULTS = ("no look", "bad key", "crash")


@dataclass
class Line:
    """The way to it: what happens to the next sendings and looks."""

    server: Server
    faults: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def prepare(self, operation: Operation, own: bool) -> Operation:
        """Nothing has to be looked up."""
        return operation

    def ahead(self) -> float | None:
        """Its clock is ours."""
        return 0.0

    @contextmanager
    def within(self, seconds: float | None) -> Iterator[None]:
        """It takes no time."""
        yield

    def send(self, operation: Operation) -> tuple[Operation, Entry | None]:
        """Send it."""
        self.meanwhile()
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "late":
            self.server.late.append(operation)
            raise UnknownOutcome("No answer.")
        if fault in BEFORE:
            raise BEFORE[fault]
        if fault == "lands":
            self.server.land()
        entry = there(self.server.carry_out(operation))
        if fault in AFTER:
            raise AFTER[fault]
        return transitions.done(operation, entry), entry

    def look(self, operation: Operation, taken: set[str]) -> Look:
        """Whether it is there."""
        match self.faults.pop(0) if self.faults and self.faults[0] in LOOK_FAULTS else "":
            case "no look":
                raise Unreachable("No answer.")
            case "bad key":
                raise AuthError("The key is refused.")
            case "crash":
                raise Crash
        if operation.kind is Kind.EDIT:
            now = self.server.notes[operation.entry_id or ""]
            if now == operation.asked.notes:
                return Look(Seen.DONE, there(operation.entry_id or "", now))
            same = operation.before is not None and operation.before.notes == now
            return Look(Seen.NOT_DONE if same else Seen.CHANGED, reason="It was changed elsewhere.")
        for entry_id, number in self.server.made.items():
            if number == operation.id and entry_id not in taken:
                return Look(Seen.DONE, there(entry_id))
        return Look(Seen.NOT_DONE)


plans = st.lists(st.sampled_from(sorted({*BEFORE, *AFTER, *LOOK_FAULTS, "late", "lands", ""})), max_size=4)
crashes = st.none() | st.integers(0, 11)


class Machine(RuleBasedStateMachine):
    """Commands that queue and deliver, in front of such a server."""

    def __init__(self) -> None:
        super().__init__()
        self.journal, self.server = Memory(), Server()
        self.told: dict[int, str] = {}  # what the command that made it said
        self.edits: dict[str, list[str]] = {}  # what an entry was to say, and what others made it say, in turn

    def outbox(self, plan: list[str], meanwhile: Callable[[], object] = lambda: None) -> Outbox:
        """A process of its own."""
        self.journal.locked = False
        return Outbox(self.journal, Line(self.server, list(plan), meanwhile), Clock())  # type: ignore[arg-type]

    def typed(self, operation: Operation, plan: list[str], crash: int | None) -> int:
        """A command that makes an operation; what it says is held on to."""
        self.journal.crash_in = crash
        number = len(self.journal.rows) + 1
        try:
            settled = self.outbox(plan).deliver_one(operation)
        except AlgaError:
            self.told[number] = "refused"
        except Crash:
            self.told[number] = "nothing"
        else:
            self.told[number] = settled.operation.state
        self.journal.crash_in = None
        return number

    @rule(plan=plans, crash=crashes)
    def log(self, plan: list[str], crash: int | None) -> None:
        """A new entry."""
        self.typed(Operation(Kind.CREATE, HOUR, "A", MONDAY), plan, crash)

    @rule(data=st.data(), plan=plans, crash=crashes)
    def edit(self, data: st.DataObject, plan: list[str], crash: int | None) -> None:
        """An entry that is there says something else."""
        if not self.server.notes:
            return
        entry_id = data.draw(st.sampled_from(sorted(self.server.notes)))
        before, notes = there(entry_id, self.server.notes[entry_id]), f"edit {len(self.journal.rows)}"
        operation = Operation(Kind.EDIT, EntryRequest(notes=notes), "A", MONDAY, entry_id=entry_id, before=before)
        number = self.typed(operation, plan, crash)
        if number in self.journal.rows and self.told[number] != "refused":
            self.edits.setdefault(entry_id, []).append(notes)

    @rule(plan=plans, crash=crashes)
    def sync(self, plan: list[str], crash: int | None) -> None:
        """All that waits, while another alga tries the same."""
        self.journal.crash_in = crash

        def another() -> None:
            with pytest.raises(Overtaken):
                Outbox(self.journal, Line(self.server), Clock()).drain(wait=0)  # type: ignore[arg-type]

        with suppress(Crash):
            self.outbox(plan, another).drain()
        self.journal.crash_in = None

    @rule(data=st.data())
    def somebody_edits(self, data: st.DataObject) -> None:
        """Elsewhere."""
        if self.server.notes:
            entry_id = data.draw(st.sampled_from(sorted(self.server.notes)))
            self.server.notes[entry_id] = f"theirs {len(self.edits)} {len(self.edits.get(entry_id, []))}"
            self.edits.setdefault(entry_id, []).append(self.server.notes[entry_id])

    @rule()
    def late_ones_arrive(self) -> None:
        """After the command that sent it."""
        self.server.land()

    def teardown(self) -> None:
        """All is well again."""
        self.late_ones_arrive()
        for _ in range(4):
            self.outbox([]).drain()
        for number, operation in self.journal.rows.items():
            there = self.server.done.get(number, 0)
            assert operation.state in (State.DONE, State.ASIDE, State.REFUSED), operation
            if operation.kind is Kind.CREATE:
                assert there <= 1, "doubled"
                assert there == 1 or operation.state is not State.DONE, operation
            assert not (there and operation.reason == "It overlaps."), "set aside for overlapping itself"
            if self.told[number] == "refused":
                assert not there, f"said to be refused, and done: {operation}"
            if self.told[number] in (State.DONE, State.QUEUED):
                assert operation.state in (State.DONE, State.ASIDE), f"accepted, and gone: {operation}"
            assert operation.state is not State.ASIDE or operation.reason
        entries = [operation.entry_id for operation in self.journal.rows.values() if operation.kind is Kind.CREATE]
        adopted = [entry_id for entry_id in entries if entry_id]
        assert len(adopted) == len(set(adopted)), "one entry taken for two"
        for entry_id, said in self.edits.items():
            undone = {each.asked.notes for each in self.journal.rows.values() if each.state is not State.DONE}
            done = ["", *(notes for notes in said if notes not in undone)]
            assert self.server.notes[entry_id] == done[-1], "overwritten, or not written"


def test_what_is_accepted_is_done_once_or_set_aside_and_what_is_refused_is_not_done() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            derandomize=SAME_EACH_TIME,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


# --- single rules -----------------------------------------------------------------------------------

START = Operation(Kind.START, EntryRequest("ticket", "t1"), "A", MONDAY, timer=True)
LATER = MONDAY + timedelta(minutes=30)


def sent(operation: Operation) -> Operation:
    """As it is once it may be on the server."""
    return transitions.sending(operation, MONDAY, 0.0)


def test_a_start_is_sent_once_and_by_its_own_command_only() -> None:
    assert transitions.first_step(START, own=True) is Step.SEND
    assert transitions.first_step(START, own=False) is Step.KEEP
    assert transitions.first_step(sent(START), own=True) is Step.LOOK
    assert transitions.after_look(sent(START), Look(Seen.NOT_DONE)) is Step.KEEP


def test_a_start_that_did_not_arrive_is_a_clock_here_and_one_finished_entry() -> None:
    here = transitions.kept_here(sent(START))
    assert (here.kind, here.state, here.in_doubt, here.live) == (Kind.CREATE, State.RUNNING, False, True)
    stopped = transitions.stopped(here, EntryRequest(notes="done"), LATER, LATER)
    assert (stopped.state, stopped.asked.started_at, stopped.asked.ended_at) == (State.QUEUED, MONDAY, LATER)
    assert transitions.stopped(here, EntryRequest(), MONDAY + timedelta(seconds=59), LATER).state is State.DROPPED


def test_a_stop_that_came_while_the_start_was_in_doubt_ends_what_is_found() -> None:
    stopped = transitions.stopped(sent(START), EntryRequest(ended_at=LATER), LATER, LATER)
    running = transitions.after_look(stopped, Look(Seen.RUNNING, Entry("s1", MONDAY)))
    assert isinstance(running, Operation)
    assert (running.kind, running.state, running.entry_id, running.in_doubt) == (Kind.STOP, State.QUEUED, "s1", False)
    elsewhere = transitions.after_look(
        stopped, Look(Seen.ENDED, Entry("s1", MONDAY, LATER + timedelta(hours=1)), "Why.")
    )
    assert isinstance(elsewhere, Operation) and (elsewhere.state, elsewhere.reason) == (State.ASIDE, "Why.")


def test_a_back_dated_start_is_corrected_at_the_stop_unless_somebody_changed_it() -> None:
    early, begun = MONDAY - timedelta(minutes=9), Entry("s1", MONDAY)
    back = START._replace(asked=replace(START.asked, started_at=early))
    running = transitions.running_there(sent(back), begun)
    stop = transitions.stopped(running, EntryRequest(), LATER, LATER)
    edit = transitions.delivered(sent(stop), Entry("e1", MONDAY, LATER))
    assert (edit.kind, edit.state, edit.asked) == (
        Kind.EDIT,
        State.QUEUED,
        EntryRequest(started_at=early, ended_at=LATER, billable_minutes=39),
    )
    changed = transitions.delivered(sent(stop), Entry("e1", MONDAY - timedelta(minutes=3), LATER))
    assert changed.state is State.DONE
    assert transitions.judged(edit, edit, Verdict.NO, "No.", own=True).state is State.ASIDE, "its time would be lost"


def test_a_refused_stop_leaves_the_timer_running_unless_it_is_gone() -> None:
    stop = transitions.stopped(transitions.running_there(START, Entry("s1", MONDAY)), EntryRequest(), LATER, LATER)
    again = transitions.judged(sent(stop), stop, Verdict.NO, "No.", own=True)
    assert (again.kind, again.state, again.live) == (Kind.START, State.RUNNING, True)
    assert transitions.judged(sent(stop), stop, Verdict.NO, "Gone.", own=True, gone=True).state is State.REFUSED


# What the verdict on a try does to an operation: waits (in doubt, or not), is closed or set aside, runs on.
# (kind, a timer's, in doubt before this try, tried by its own command): the end for NO, ENDED, NOT_SENT, UNKNOWN
CREATE, STOP = Kind.CREATE, Kind.STOP
ENDS: dict[tuple[Kind, bool, bool, bool], tuple[str, str, str, str]] = {
    (CREATE, False, False, True): ("refused", "refused", "waits", "in doubt"),
    (CREATE, False, False, False): ("set aside", "waits", "waits", "in doubt"),
    (CREATE, False, True, True): ("set aside", "in doubt", "in doubt", "in doubt"),
    (CREATE, False, True, False): ("set aside", "in doubt", "in doubt", "in doubt"),
    (CREATE, True, False, True): ("set aside", "waits", "waits", "in doubt"),
    (CREATE, True, False, False): ("set aside", "waits", "waits", "in doubt"),
    (CREATE, True, True, True): ("set aside", "in doubt", "in doubt", "in doubt"),
    (STOP, True, False, True): ("running", "waits", "waits", "in doubt"),
    (STOP, True, False, False): ("set aside", "waits", "waits", "in doubt"),
    (STOP, True, True, True): ("set aside", "in doubt", "in doubt", "in doubt"),
    (Kind.EDIT, False, False, True): ("refused", "refused", "waits", "in doubt"),
    (Kind.EDIT, True, False, True): ("set aside", "waits", "waits", "in doubt"),
    (Kind.DELETE, False, False, True): ("refused", "refused", "waits", "in doubt"),
    (Kind.DELETE, False, False, False): ("set aside", "waits", "waits", "in doubt"),
    (Kind.APPROVE, False, False, True): ("refused", "refused", "waits", "in doubt"),
    (Kind.APPROVE, False, True, True): ("set aside", "in doubt", "in doubt", "in doubt"),
    (Kind.SEND_BACK, False, False, True): ("refused", "refused", "waits", "in doubt"),
    (Kind.SEND_BACK, False, False, False): ("set aside", "waits", "waits", "in doubt"),
    (Kind.START, True, False, True): ("refused", "refused", "waits", "in doubt"),
}


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("case", list(ENDS), ids=str)
def test_what_the_verdict_on_a_try_does(case: tuple[Kind, bool, bool, bool], verdict: Verdict) -> None:
    kind, timer, doubtful, own = case
    fresh = Operation(kind, HOUR, "A", MONDAY, timer=timer, entry_id="e1")
    before = transitions.sending(fresh, MONDAY, 0.0) if doubtful else fresh
    after = transitions.judged(transitions.sending(before, LATER, 0.0), before, verdict, "Why.", own)
    shown = {State.QUEUED: "in doubt" if after.in_doubt else "waits"}.get(after.state, after.state.value)
    assert shown == ENDS[case][list(Verdict).index(verdict)]
    assert after.reason == "Why."
    assert transitions.looked_for(before, verdict) is (
        verdict is Verdict.UNKNOWN or (verdict is Verdict.NO and doubtful)
    )
    assert after.failures == (verdict is Verdict.UNKNOWN)


def test_what_fails_again_and_again_rests_longer_each_time_and_is_never_set_aside() -> None:
    operation, rests = Operation(Kind.CREATE, HOUR, "A", MONDAY), list[float]()
    for _ in range(9):
        assert transitions.after_look(operation, Look(Seen.NOT_DONE)) is Step.SEND
        tried = transitions.sending(operation, MONDAY, 0.0)
        operation = transitions.missing(
            transitions.judged(tried, operation, Verdict.UNKNOWN, "It failed.", False), "It failed. It was not there."
        )
        minutes = (n for n in range(24 * 60) if not transitions.rests(operation, MONDAY + timedelta(minutes=n)))
        rests.append(next(minutes))
    assert rests == [0, 1, 4, 16, 64, 256, 360, 360, 360], "minutes before other commands than alga sync try again"
    assert (operation.state, operation.failing_since) == (State.QUEUED, MONDAY)
    assert operation.reason == "It failed. It was not there."
    assert not transitions.rests(operation, MONDAY - timedelta(minutes=1)), "a clock that went back holds nothing up"
    assert not transitions.rests(transitions.again(transitions.aside(operation, "No.")), MONDAY), (
        "a person wants it tried"
    )


def test_where_nobody_can_tell_yet_it_waits_and_a_guarded_server_is_asked_once_more() -> None:
    doubtful = sent(Operation(Kind.CREATE, HOUR, "A", MONDAY))
    assert transitions.after_look(doubtful, Look(Seen.UNCLEAR)) is Step.WAIT
    assert transitions.after_look(doubtful, Look(Seen.UNCLEAR, guarded=True)) is Step.SEND
    assert transitions.after_look(doubtful, Look(Seen.UNCLEAR, guarded=True), tried=True) is Step.WAIT


def test_only_entries_made_since_by_the_servers_clock_are_ours() -> None:
    behind = transitions.sending(Operation(Kind.CREATE, HOUR, "A", MONDAY), MONDAY, -3600.0)
    assert transitions.made_since(behind, MONDAY - timedelta(minutes=61))
    assert not transitions.made_since(behind, MONDAY - timedelta(minutes=63))
    assert transitions.made_since(behind, None), "a server that shows no creation time is believed"


def test_what_is_about_the_same_entry_keeps_its_order() -> None:
    delete = Operation(Kind.DELETE, EntryRequest(), "A", MONDAY, entry_id="e1")
    assert transitions.depends(delete, delete._replace(kind=Kind.EDIT))
    assert not transitions.depends(delete, delete._replace(entry_id="e2"))
    assert not transitions.depends(START, START), "what has no entry yet depends on nothing"


def test_a_missing_entry_is_not_found_in_memory_either() -> None:
    with pytest.raises((KeyError, NotFound)):
        Memory().get(1)
