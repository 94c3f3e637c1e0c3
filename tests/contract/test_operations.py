"""One contract for every server: the embedded one in process and on a socket, and any AlgaPSA that is named.

ALGA_TEST_URL and ALGA_TEST_KEY add a real server (a tenant for tests: entries are made and, where allowed, deleted).
ALGA_TEST_SERVICE and ALGA_TEST_TICKET are ids it knows, where it needs them.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from alga.api.client import Client
from alga.api.http import Http, Target
from alga.errors import AlreadyRunning, AuthError, Forbidden, NoSession, NotFound, Overlaps
from alga.local.app import App
from alga.times import cut, to_wire
from alga.truth import Asked
from tests.support import serving

KINDS = ["in process", "in process, strict", "socket", "socket, strict"]
if os.environ.get("ALGA_TEST_URL"):
    KINDS.append("live")
DAY = datetime(2026, 6, 2, 14, tzinfo=UTC)


@dataclass
class Server:
    """A client, and what an entry there needs."""

    client: Client
    ticket: str
    service: str | None
    strict: bool
    stranger: Client

    def asked(self, hours: int = 0, minutes: int = 90) -> Asked:
        """An entry that can be made here."""
        start = DAY + timedelta(hours=hours)
        return Asked("ticket", self.ticket, start, start + timedelta(minutes=minutes), None, "n", None, self.service)


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Each server in turn."""
    kind: str = request.param
    if kind == "live":
        yield live()
        return
    strict = "strict" in kind
    app = App(tmp_path / "server.db", lambda: datetime.now(UTC), strict=strict)
    key = app.key_of("admin")
    if "socket" in kind:
        with serving(app) as url:
            yield embedded(
                Client(Http(Target(url, key, "p", "S"))), Client(Http(Target(url, "0" * 64, "p", "S"))), strict
            )
    else:
        wire = httpx.WSGITransport(app=app)
        target = Target("http://localhost", key, "p", "S")
        yield embedded(Client(Http(target, wire)), Client(Http(replace(target, key="0" * 64), wire)), strict)


def embedded(client: Client, stranger: Client, strict: bool) -> Server:
    """The embedded server: strict takes a ticket's id and needs a service."""
    ticket = client.tickets_numbered("TIC1042")[0].ticket_id if strict else "tk_9c41"
    return Server(client, ticket, client.services()[0].service_id if strict else None, strict, stranger)


def live() -> Server:
    """The server that the environment names."""
    url, key = os.environ["ALGA_TEST_URL"], os.environ["ALGA_TEST_KEY"]
    client = Client(Http(Target(url, key, "live", "AlgaPSA")))
    ticket = os.environ.get("ALGA_TEST_TICKET") or client.assigned_tickets()[0].ticket_id
    service = os.environ.get("ALGA_TEST_SERVICE") or client.services()[0].service_id
    return Server(client, ticket, service, True, Client(Http(Target(url, "0" * 64, "live", "AlgaPSA"))))


def test_create_get_update_and_delete(server: Server) -> None:
    client = server.client
    made = client.create_entry(server.asked())
    assert (made.started_at, made.duration_minutes, made.billable_minutes) == (DAY, 90, 90)
    assert client.get_entry(made.id).notes == "n"
    changed = client.update_entry(made.id, Asked(notes="changed", billable_minutes=0))
    assert (changed.notes, changed.billable_minutes, changed.duration_minutes) == ("changed", 0, 90)
    client.delete_entry(made.id)
    with pytest.raises(NotFound):
        client.get_entry(made.id)


def test_an_overlap_is_refused_and_touching_ends_are_not(server: Server) -> None:
    made = server.client.create_entry(server.asked())
    after = replace(server.asked(minutes=120), started_at=made.ended_at)
    also = server.client.create_entry(after)
    with pytest.raises(Overlaps):
        server.client.create_entry(server.asked())
    server.client.bulk_delete([made.id, also.id])


def test_a_tracking_session(server: Server) -> None:
    client = server.client
    before = cut(datetime.now(UTC))
    session = client.start_tracking(replace(server.asked(), started_at=None, ended_at=None))
    assert session.started_at >= before
    assert session.ended_at is None
    active = client.active_session()
    assert active
    assert active.id == session.id
    with pytest.raises(AlreadyRunning):
        client.start_tracking(server.asked())
    back = client.update_entry(session.id, Asked(started_at=before - timedelta(minutes=15)), running=True)
    assert back.started_at == before - timedelta(minutes=15)
    stopped = client.stop_tracking(session.session_id or session.id, Asked())
    assert stopped.duration_minutes >= 15
    assert stopped.billable_minutes == stopped.duration_minutes
    assert stopped.lacks_sheet is server.strict
    assert client.active_session() is None
    with pytest.raises(NoSession):
        client.stop_tracking(session.id, Asked())
    client.delete_entry(stopped.id)


def test_list_pages_and_walks(server: Server) -> None:
    made = [server.client.create_entry(server.asked(hours=3 * n)) for n in range(3)]
    window = {"start_time_from": to_wire(DAY), "start_time_to": to_wire(DAY + timedelta(days=1))}
    page = server.client.list_entries({**window, "limit": "2"})
    assert (len(page.rows), page.total, page.more) == (2, 3, True)
    assert [entry.id for entry in server.client.walk_entries(window)] == [entry.id for entry in made]
    server.client.bulk_delete([entry.id for entry in made])


def test_search_stats_export_and_templates(server: Server) -> None:
    made = server.client.create_entry(replace(server.asked(), notes="a needle in it"))
    assert [entry.id for entry in server.client.search("needle", {}).rows] == [made.id]
    day = {"date_from": "2026-06-02", "date_to": "2026-06-02"}
    stats = server.client.stats(day)
    assert stats
    assert (stats.total_entries, stats.billable_hours) == (1, 1.5)
    exported: list[str] = []
    server.client.export(day, lambda page: lambda entry: exported.append(entry.id))
    assert exported == [made.id]
    assert server.client.templates() == []
    server.client.delete_entry(made.id)


def test_bulk(server: Server) -> None:
    assert server.client.bulk_create([server.asked(), server.asked(), server.asked(hours=2)]) == 2
    made = list(
        server.client.walk_entries({"start_time_from": to_wire(DAY), "start_time_to": to_wire(DAY + timedelta(days=1))})
    )
    assert server.client.bulk_update({made[0].id: Asked(notes="new")}) == 1
    assert server.client.get_entry(made[0].id).notes == "new"
    server.client.bulk_delete([entry.id for entry in made])
    assert not list(
        server.client.walk_entries({"start_time_from": to_wire(DAY), "start_time_to": to_wire(DAY + timedelta(days=1))})
    )


def test_review(server: Server) -> None:
    made = server.client.create_entry(server.asked())
    with suppress(Forbidden):  # stock roles may not
        assert [result.success for result in server.client.approve([made.id])] == [False]
    with suppress(Forbidden):
        assert server.client.request_changes([made.id], "notes, please")[0].success
    assert server.client.get_entry(made.id).approval_status == "DRAFT", "it says success whatever happened"
    server.client.delete_entry(made.id)


def test_look_ups(server: Server) -> None:
    assert all(ticket.ticket_number for ticket in server.client.search_tickets("TIC10"))
    assert all(service.service_name for service in server.client.services())
    assert isinstance(server.client.activities(), list)


def test_an_unknown_key_is_refused(server: Server) -> None:
    with pytest.raises(AuthError):
        server.stranger.list_entries({})
