"""Many operations of one command line, disturbed from all sides: what was told is so, and nothing is sent later."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from alga.app.environment import Environment
from alga.app.session import Session
from alga.commands import bulk
from alga.core.entry import Entry, EntryRequest
from alga.core.times import from_wire
from alga.outbox import transitions
from alga.outbox.journal import Journal
from alga.outbox.operation import Kind, Look, Operation, Seen, State
from alga.outbox.outbox import Outbox
from tests.conftest import Strict
from tests.support import MONDAY, Clock, Desk, strict_rows

FROM = ("--from", "2026-10-01", "--to", "2026-10-31")


def heal(strict: Strict) -> None:
    """The network is well."""
    strict.network.before = lambda request: None
    strict.network.after = lambda request, response: response


def there(strict: Strict) -> dict[str, str]:
    """Notes of the entries on the server, with their starts."""
    heal(strict)
    phone = Desk(strict.desk.home.parent / "phone", strict.desk.clock, env=dict(strict.desk.env), tty=False)
    return {row["notes"]: row["started_at"] for row in phone.ok("list", *FROM, "--json").json}


def created(strict: Strict, count: int) -> list[str]:
    """The ids of so many entries, half an hour each."""
    made = strict.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(count)).json
    return [row["id"] for row in made]


def outcomes(result: Any) -> list[str]:
    """What was told of each row."""
    return [row["outcome"] for row in result.json]


def offline(strict: Strict) -> Desk:
    """Another terminal of the same person, without a connection."""

    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down", request=request)

    return Desk(
        strict.desk.home, strict.desk.clock, env=dict(strict.desk.env), transport=httpx.MockTransport(down), tty=False
    )


def changed(strict: Strict, statement: str, *values: str) -> None:
    """Another client changes what is on the server."""
    with strict.app.store.open(writing=True) as db:
        db.execute(statement, values)


# --- another alga, another person -----------------------------------------------------------------


@pytest.mark.parametrize("number", [110, 1], ids=["not sent yet", "in flight"])
def test_a_row_that_is_dropped_meanwhile_costs_no_other_row_its_outcome(known: Strict, number: int) -> None:
    dropped: list[int] = []

    def dropping(request: httpx.Request) -> None:
        if request.method == "POST" and not dropped:
            terminal = offline(known)
            dropped.append(terminal("queue", "--json").json[number]["id"])
            terminal("queue", "drop", str(dropped[0]), "--yes")

    known.network.before = dropping
    result = known.desk("bulk", "create", "-", "--json", typed=strict_rows(120))
    told = outcomes(result)
    assert (result.code, told.count("recorded"), told[number]) == (9, 119, "refused")
    assert "Another alga has just handled" in result.json[number]["reason"]
    assert known.desk.ok("queue", "--json").json == []


def test_rows_of_an_earlier_run_may_be_delivered_while_a_person_is_asked(known: Strict) -> None:
    def down(request: httpx.Request) -> None:
        if request.method == "POST":
            raise httpx.ConnectError("down", request=request)

    def meanwhile(*given: object) -> bool:
        heal(known)
        Desk(known.desk.home, known.desk.clock, env=dict(known.desk.env), tty=False).ok("sync")
        return True

    known.network.before = down
    known.desk.ok("bulk", "create", "-", "--json", typed=strict_rows(3))
    with patch.object(bulk, "confirm", meanwhile), patch.object(bulk, "interactive", lambda: True):
        result = known.desk("bulk", "create", "-", "--json", typed=f"{strict_rows(5)}x,,,,,\n")
    assert outcomes(result) == ["recorded"] * 5 + ["faulty"]
    assert len(there(known)) == 5


# --- Ctrl-C ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_ctrl_c_is_130_wherever_it_comes(known: Strict, method: str) -> None:
    def interrupt(request: httpx.Request) -> None:
        if request.method == method and known.network.sent("POST"):
            raise KeyboardInterrupt

    known.network.before = interrupt
    assert known.desk("bulk", "create", "-", "--json", typed=strict_rows(3)).code == 130


def test_ctrl_c_is_130_where_a_row_goes_alone(strict: Strict) -> None:
    def interrupt(request: httpx.Request) -> None:
        if request.method == "POST":
            raise KeyboardInterrupt

    strict.network.before = interrupt
    assert strict.desk("bulk", "create", "-", "--json", typed=strict_rows(1), tty=False).code == 130


@pytest.mark.parametrize("method", ["add", "save"])
def test_ctrl_c_while_the_journal_is_written_takes_back_what_was_not_sent(known: Strict, method: str) -> None:
    writes: list[int] = []
    real = getattr(Journal, method)

    def once(journal: Journal, operations: Sequence[Operation], *more: Any) -> Any:
        done = real(journal, operations, *more)
        writes.append(len(operations))
        if len(writes) == 1:
            raise KeyboardInterrupt
        return done

    with patch.object(Journal, method, once):
        result = known.desk("bulk", "create", "-", "--json", typed=strict_rows(120))
    assert result.code == 130
    known.desk.ok("sync")
    assert len(there(known)) == 0, "none was sent"


# --- what a look shows ----------------------------------------------------------------------------


def test_a_deletion_whose_request_was_lost_is_not_told_though_the_entry_was_moved(strict: Strict) -> None:
    admin = strict.as_role("admin")
    admin.tty, admin.transport = False, strict.network
    ids = [row["id"] for row in admin.ok("bulk", "create", "-", "--json", typed=strict_rows(2)).json]

    def meanwhile(request: httpx.Request) -> None:
        if request.method == "DELETE":
            moved = "UPDATE entries SET start_time = '2026-10-05T08:00:00Z', end_time = '2026-10-05T09:00:00Z'"
            changed(strict, f"{moved} WHERE entry_id = ?", ids[0])
            raise httpx.ReadTimeout("", request=request)

    strict.network.before = meanwhile
    assert outcomes(admin("bulk", "delete", *ids, "--yes", "--json")) == ["waits", "waits"]


def test_what_one_call_counts_is_not_made_up_for_by_another(known: Strict) -> None:
    rows = strict_rows(60).splitlines()
    rows[56] = rows[56].replace("TIC1042", "tk_9c41")  # its form makes the server refuse the second call

    def lagging(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "GET" and len(known.network.sent("POST")) == 2:
            body = response.json()
            kept = [row for row in body["data"] if row.get("notes") != "note 3"]
            body["pagination"]["total"] -= len(body["data"]) - len(kept)
            return httpx.Response(200, json=body | {"data": kept})
        return response

    known.network.after = lagging
    row = known.desk("bulk", "create", "-", "--json", typed="\n".join(rows)).json[3]
    assert (row["outcome"], "counts the entry but does not list it" in row["reason"]) == ("waits", True)


@pytest.mark.parametrize("statement", ["DELETE FROM entries", "UPDATE entries SET work_item_id = NULL"])
def test_what_is_counted_and_not_listed_is_for_a_person_to_decide(known: Strict, statement: str) -> None:
    gone: list[int] = []

    def meanwhile(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "POST" and not gone:
            gone.append(1)
            changed(known, f"{statement} WHERE notes = 'note 1'")
        return response

    known.network.after = meanwhile
    assert outcomes(known.desk("bulk", "create", "-", "--json", typed=strict_rows(3)))[1] == "waits"
    before = there(known)
    known.desk("list")
    known.desk("sync")
    assert there(known) == before, "not sent again"
    assert [row["delivery"] for row in known.desk.ok("queue", "--json").json] == ["set aside"]


def test_another_clients_change_after_ours_stands(known: Strict) -> None:
    ids = created(known, 2)

    def meanwhile(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.method == "PUT":
            changed(known, "UPDATE entries SET notes = 'from the phone' WHERE entry_id = ?", ids[0])
        return response

    known.network.after = meanwhile
    result = known.desk("bulk", "update", "-", "--json", typed=f"id,notes\n{ids[0]},new\n{ids[1]},newer\n")
    assert outcomes(result) == ["refused", "changed"]
    assert "changed elsewhere" in result.json[0]["reason"]
    assert sorted(there(known)) == ["from the phone", "newer"]


# --- what waits for what --------------------------------------------------------------------------


def test_a_row_beside_a_ring_waits_for_its_place(known: Strict) -> None:
    rows = (
        "date,start,span,item,service,notes\n2026-10-01,9:00,2h,TIC1042,Basic Support,A\n"
        "2026-10-01,11:00,1h,TIC1042,Basic Support,B\n2026-10-01,14:00,1h,TIC1042,Basic Support,C\n"
    )
    a, b, c = (row["id"] for row in known.desk.ok("bulk", "create", "-", "--json", typed=rows).json)
    unknown = "99999999-9999-4999-8999-999999999999"
    typed = f"id,span,service\n{a},11:00-12:00,{unknown}\n{b},9:00-10:00,\n{c},10:00-11:00,\n"
    result = known.desk("bulk", "update", "-", "--json", typed=typed)
    assert outcomes(result)[2] == "refused"
    assert result.json[2]["reason"] == "Its new time is not free: the entry there was not moved."


def test_what_waits_for_another_operation_goes_after_it_later_too(known: Strict) -> None:
    ids = created(known, 2)

    def lost(request: httpx.Request) -> None:
        if request.method == "PUT":
            raise httpx.ReadTimeout("", request=request)

    known.network.before = lost
    typed = f"id,span\n{ids[0]},0:30-1:00\n{ids[1]},1:00-1:30\n"
    assert outcomes(known.desk("bulk", "update", "-", "--json", typed=typed)) == ["waits", "waits"]
    known.desk("sync")
    heal(known)
    assert known.desk.ok("sync", "--json").code == 0
    assert known.desk.ok("queue", "--json").json == []


def test_a_change_does_not_overtake_an_older_one_of_the_same_entry(known: Strict) -> None:
    entry_id = created(known, 1)[0]

    def lost(request: httpx.Request) -> None:
        if request.method == "PUT" and not request.url.path.endswith("bulk"):
            raise httpx.ReadTimeout("", request=request)

    known.network.before = lost
    known.desk.ok("edit", entry_id, "-m", "first")
    result = known.desk("bulk", "update", "-", "--json", typed=f"id,notes\n{entry_id},second\n")
    assert outcomes(result) == ["waits"]
    assert not [request for request in known.network.sent("PUT") if request.url.path.endswith("bulk")]
    heal(known)
    known.desk("sync")
    assert "second" in there(known), "each in its turn"


class Remembers:
    """A server that has what it is asked for, and takes nothing."""

    def most(self, kind: Kind) -> int:
        """Several go together."""
        return 50

    def look_many(self, operations: Sequence[Operation], taken: set[str], answered: bool) -> list[Look]:
        """All of it is there."""
        return [Look(Seen.DONE, Entry(f"e{each.id}", MONDAY)) for each in operations]

    def send_many(self, operations: Sequence[Operation]) -> None:
        """Nothing is to be sent."""
        raise AssertionError(operations)


def test_what_an_earlier_run_may_have_brought_there_is_looked_for_before_it_is_sent(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "outbox.db", "https://psa.example.test", "k", Clock())
    new = Operation(Kind.CREATE, EntryRequest("ticket", "t1", MONDAY, MONDAY + timedelta(hours=1)), "A", MONDAY)
    doubtful = journal.save([transitions.sending(each, MONDAY, 0.0) for each in journal.add([new, new])])
    later = Journal(tmp_path / "outbox.db", "https://psa.example.test", "k", Clock())
    results = Outbox(later, Remembers(), Clock()).deliver(doubtful)  # type: ignore[arg-type]
    assert [(each.operation.state, each.operation.entry_id) for each in results] == [
        (State.DONE, f"e{each.id}") for each in doubtful
    ]


def test_one_entry_is_taken_for_one_of_two_equal_operations(published: Desk) -> None:
    entry = published.ok("log", "tk_1", "7:00-7:30", "-m", "x", "--json").json
    session = Session(Environment(published.clock, published.zone, published.transport, env=published.environment()))
    times = (from_wire(entry["started_at"]), from_wire(entry["ended_at"]))
    twin = Operation(Kind.CREATE, EntryRequest("ticket", "tk_1", *times), "tk_1", published.clock())
    looks = session.outbox.remote.look_many([twin, twin], set(), True)
    session.close()
    assert [look.seen for look in looks] == [Seen.DONE, Seen.NOT_DONE]
