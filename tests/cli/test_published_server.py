"""Against a server of the published kind: its answers carry `id`, it keeps billable minutes and has its own clock."""

import httpx
import pytest

from tests.conftest import Strict
from tests.support import Desk, Faulty, joined


def test_a_day(published: Desk) -> None:
    logged = published.ok("log", "tk_1", "7:00-8:30", "--billable", "30", "-m", "x", "--json")
    assert (logged.json["duration_minutes"], logged.json["billable_minutes"], logged.err) == (90, 30, "")
    started = published.ok("start", "tk_9c41", "--ago", "12m", "-m", "x", "--json").json
    assert (started["clock"], started["started_at"]) == ("server", "2026-11-23T08:00:00Z")
    published.clock.pass_by(minutes=48)
    stopped = published.ok("stop", "--billable", "45")
    assert stopped.out.startswith("Stopped tk_9c41: 1h worked, 45m billable (09:00-10:00)")
    assert stopped.err == ""
    changed = published.ok("edit", logged.json["id"][:8], "7:00-8:00", "--json").json
    assert (changed["duration_minutes"], changed["billable_minutes"]) == (60, 30)
    assert [row["work_item_id"] for row in published.ok("list", "--json").json] == ["tk_1", "tk_9c41"]
    assert published.ok("delete", changed["id"], "--yes").out.startswith("Deleted tk_1")
    assert published.ok("whoami", "--json").json["server_kind"] == "published"


def test_what_cannot_be_looked_for_waits_until_it_is_known_whose_key_this_is(
    published: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alga.practice.rules.overlap", lambda start, end, entries: False)
    published.ok("config", "set", "timer", "local")
    network = published.transport
    assert isinstance(network, Faulty)

    def lost(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if request.url.path.endswith("/activities"):
            return httpx.Response(404, content=b"<html>")
        if request.method == "POST":
            raise httpx.ReadTimeout("timed out", request=request)
        return response

    network.after = lost
    published.ok("start", "tk_1", "-m", "x")
    published.clock.pass_by(minutes=48)
    told = published("stop")
    assert (told.code, len(network.sent("POST"))) == (0, 1)
    assert "Saved here; it may be on the server already (no answer)." in joined(told.err)
    assert published("sync").code == 8
    assert len(network.sent("POST")) == 1
    waits = published.ok("queue", "--json").json[0]
    assert (waits["delivery"], waits["in_doubt"]) == ("queued", True)
    assert waits["reason"].startswith("The entry may be on the server: alga looks for it as soon as")
    network.after = lambda request, response: (
        httpx.Response(404, content=b"<html>") if request.url.path.endswith("/activities") else response
    )
    published.ok("log", "tk_2", "8:00-8:30", "-m", "this shows whose key it is")
    assert "Recorded now: tk_1 09:12-10:00." in joined(published.ok("list").err)
    assert len(network.sent("POST")) == 2, "it was found, and not sent again"


class Deaf(httpx.BaseTransport):
    """A server that ignores every filter of a list, as the published page has none."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Leave only the parameters that are published."""
        kept = {
            name: request.url.params[name] for name in ("page", "limit", "sort", "order") if name in request.url.params
        }
        request.url = request.url.copy_with(params=kept)
        return self.inner.handle_request(request)


def test_a_server_that_ignores_filters_is_filtered_here(strict: Strict) -> None:
    strict.network.inner = Deaf(strict.network.inner)
    desk = strict.desk
    desk.ok("log", "TIC1042", "8:00-8:30", "-s", desk.ok("services", "--json").json[0]["id"], "-m", "x")
    mine = desk.ok("list", "--from", "2026-01-01", "--json").json
    assert {row["user_name"] for row in mine} == {"Tin Woodman"}
    assert desk.ok("list", "--yesterday", "--json").json == []
    everyone = desk.ok("list", "--everyone", "--last-week", "--json").json
    assert {row["user_name"] for row in everyone} == {"Glinda Good"}
