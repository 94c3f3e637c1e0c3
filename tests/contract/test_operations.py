"""One contract for every server: the embedded one in process and on a socket, and any AlgaPSA that is named.

ALGA_TEST_URL and ALGA_TEST_KEY add a real server, with the key of any role (a tenant for tests: entries are made, on
days that have none, and deleted where the role may). ALGA_TEST_SERVICE and ALGA_TEST_TICKET are ids it knows, where
none is assigned to the key's user or seen in an entry.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from alga.api.client import Client
from alga.api.http import Http, Target
from alga.core.entry import Entry, EntryRequest
from alga.core.errors import AlreadyRunning, AuthError, Forbidden, NoSession, NotFound, Overlaps, Refused
from alga.core.times import cut, to_wire
from alga.practice.app import App
from tests.support import serving

KINDS = ["in process", "in process, strict", "in process, strict, technician", "socket", "socket, strict"]
if os.environ.get("ALGA_TEST_URL"):
    KINDS.append("live")
TODAY = datetime.now(UTC).replace(hour=14, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


@dataclass
class Server:
    """A client, a day without entries, and what an entry there needs."""

    client: Client
    ticket: str
    service: str | None
    strict: bool
    stranger: Client
    day: datetime = TODAY - timedelta(days=40)
    made: list[str] = field(default_factory=list)

    def asked(self, hours: int = 0, minutes: int = 90) -> EntryRequest:
        """An entry that can be made here."""
        start = self.day + timedelta(hours=hours)
        return EntryRequest(
            "ticket", self.ticket, start, start + timedelta(minutes=minutes), None, "n", None, self.service
        )

    def create(self, asked: EntryRequest) -> Entry:
        """Make one, to be taken away at the end."""
        entry = self.client.create_entry(asked)
        self.made.append(entry.id)
        return entry

    @property
    def window(self) -> dict[str, str]:
        """The day, as a list is asked for it."""
        return {"start_time_from": to_wire(self.day), "start_time_to": to_wire(self.day + DAY)}

    def free(self) -> bool:
        """Whether nobody has an entry on that day, whatever their time zone."""
        around = {"start_time_from": to_wire(self.day - DAY), "start_time_to": to_wire(self.day + DAY)}
        return not self.client.list_entries({**around, "limit": "1"}).rows

    def clean(self) -> None:
        """Take away what was made, as far as the role may."""
        for entry in self.client.walk_entries(self.window):
            self.made.append(entry.id)
        for entry_id in dict.fromkeys(self.made):
            with suppress(NotFound, Forbidden):
                self.client.delete_entry(entry_id)


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Each server in turn."""
    kind: str = request.param
    with ExitStack() as stack:
        made = live(stack) if kind == "live" else embedded(stack, kind, tmp_path / "server.db")
        stack.callback(made.clean)
        yield made


def connected(stack: ExitStack, url: str, key: str, wire: httpx.BaseTransport | None = None) -> Client:
    """A client that gives its connection back."""
    client = Client(Http(Target(url, key, "p", "AlgaPSA"), wire))
    stack.callback(client.close)
    return client


def embedded(stack: ExitStack, kind: str, path: Path) -> Server:
    """The embedded server: strict takes a ticket's id and needs a service."""
    strict = "strict" in kind
    app = App(path, lambda: datetime.now(UTC), strict=strict)
    wire = None if "socket" in kind else httpx.WSGITransport(app=app)
    url = "http://localhost" if wire else stack.enter_context(serving(app))
    key = app.key_of("technician" if "technician" in kind else "admin")
    client, stranger = (connected(stack, url, each, wire) for each in (key, "0" * 64))
    ticket = client.tickets_numbered("TIC1042")[0].ticket_id if strict else "tk_9c41"
    return Server(client, ticket, a_service(client) if strict else None, strict, stranger)


def live(stack: ExitStack) -> Server:
    """The server that the environment names, and the latest day on it that is free and in a time period."""
    url, key = os.environ["ALGA_TEST_URL"], os.environ["ALGA_TEST_KEY"]
    client = connected(stack, url, key)
    tickets = client.latest_tickets()
    ticket = os.environ.get("ALGA_TEST_TICKET") or tickets[0].ticket_id
    service = os.environ.get("ALGA_TEST_SERVICE") or a_service(client)
    made = Server(client, ticket, service, True, connected(stack, url, "0" * 64))
    for days in range(40, 400):
        made.day = TODAY - timedelta(days=days)
        if not made.free():
            continue
        with suppress(Refused):  # no time period there
            made.create(made.asked())
            made.client.get_entry(made.made[-1])
            return emptied(made)
    raise AssertionError("no free day of the last year is in a time period")


def emptied(server: Server) -> Server:
    """Without the entry that showed that the day can be used; where it stays, on the day before."""
    server.clean()
    while not server.free():
        server.day -= DAY
    return server


def a_service(client: Client) -> str:
    """Any service; where the role may not list them, one that somebody used."""
    with suppress(Forbidden):
        return client.services()[0].service_id
    return next(entry.service_id for entry in client.list_entries({"limit": "100"}).rows if entry.service_id)


def test_create_get_update_and_delete(server: Server) -> None:
    client = server.client
    made = server.create(server.asked())
    assert (made.started_at, made.duration_minutes, made.billable_minutes) == (server.day, 90, 90)
    assert client.get_entry(made.id).notes == "n"
    changed = client.update_entry(made.id, EntryRequest(notes="changed", billable_minutes=0))
    assert (changed.notes, changed.billable_minutes, changed.duration_minutes) == ("changed", 0, 90)
    with suppress(Forbidden):  # a technician may not
        client.delete_entry(made.id)
        with pytest.raises(NotFound):
            client.get_entry(made.id)


def test_an_overlap_is_refused_and_touching_ends_are_not(server: Server) -> None:
    made = server.create(server.asked())
    server.create(replace(server.asked(minutes=120), started_at=made.ended_at))
    with pytest.raises(Overlaps):
        server.create(server.asked())


def test_a_tracking_session(server: Server) -> None:
    client = server.client
    assert client.active_session() is None, "the key's user has a timer running: stop it"
    before = cut(datetime.now(UTC))
    session = client.start_tracking(replace(server.asked(), started_at=None, ended_at=None))
    server.made.append(session.id)
    assert session.started_at >= before
    assert session.ended_at is None
    active = client.active_session()
    assert active
    assert active.id == session.id
    with pytest.raises(AlreadyRunning):
        client.start_tracking(server.asked())
    back = client.update_entry(session.id, EntryRequest(started_at=before - timedelta(minutes=15)), running=True)
    assert back.started_at == before - timedelta(minutes=15)
    stopped = client.stop_tracking(session.session_id or session.id, EntryRequest())
    assert stopped.duration_minutes >= 15
    assert stopped.billable_minutes == stopped.duration_minutes
    assert stopped.lacks_sheet is server.strict
    assert client.active_session() is None
    with pytest.raises(NoSession):
        client.stop_tracking(session.id, EntryRequest())


def test_list_pages_and_walks(server: Server) -> None:
    made = [server.create(server.asked(hours=3 * n)) for n in range(3)]
    page = server.client.list_entries({**server.window, "limit": "2"})
    assert (len(page.rows), page.total, page.more) == (2, 3, True)
    assert [entry.id for entry in server.client.walk_entries(server.window)] == [entry.id for entry in made]


def test_search_stats_export_and_templates(server: Server) -> None:
    needle = f"needle{uuid4().hex}"
    made = server.create(replace(server.asked(), notes=f"a {needle} in it"))
    assert [entry.id for entry in server.client.search(needle, {}).rows] == [made.id]
    day = dict.fromkeys(("date_from", "date_to"), str(made.counts_on or server.day.date()))
    stats = server.client.stats(day)
    assert stats
    assert (stats.total_entries, stats.billable_hours) == (1, 1.5)
    exported: list[str] = []
    server.client.export(day, lambda page: lambda entry: exported.append(entry.id))
    assert exported == [made.id]
    assert server.client.templates() == []


def test_bulk(server: Server) -> None:
    assert server.client.bulk_create([server.asked(), server.asked(), server.asked(hours=2)]) == 2
    made = server.client.walk_entries(server.window)
    assert server.client.bulk_update({made[0].id: EntryRequest(notes="new")}) == 1
    assert server.client.get_entry(made[0].id).notes == "new"
    with suppress(Forbidden):
        server.client.bulk_delete([entry.id for entry in made])
        assert server.client.walk_entries(server.window) == []


def test_review(server: Server) -> None:
    made = server.create(server.asked())
    with suppress(Forbidden):  # stock roles may not
        assert [result.success for result in server.client.approve([made.id])] == [False]
    with suppress(Forbidden):
        assert server.client.request_changes([made.id], "notes, please")[0].success
    assert server.client.get_entry(made.id).approval_status == "DRAFT", "it says success whatever happened"


def test_look_ups(server: Server) -> None:
    assert all(ticket.ticket_number for ticket in server.client.search_tickets("TIC10"))
    assert isinstance(server.client.activities(), list)
    with suppress(Forbidden):
        assert all(service.service_name for service in server.client.services())
    made = server.create(server.asked())
    if server.strict:
        first, last = server.client.time_sheet(made.time_sheet_id or "").days
        assert first <= server.day.date() <= last


def test_an_unknown_key_is_refused(server: Server) -> None:
    with pytest.raises(AuthError):
        server.stranger.list_entries({})
