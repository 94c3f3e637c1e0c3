"""What must work in an empty home, without a login, for a script as for a person."""

import json

import httpx
import pytest

from alga import __version__
from alga.practice.app import App
from tests.support import Desk, Faulty, body_of

VPN = ("-m", "On-site VPN repair")


@pytest.mark.parametrize("tty", [True, False])
def test_start_status_and_stop_within_the_first_minute(desk: Desk, tty: bool) -> None:
    desk.tty = tty
    started = desk.ok("start", "tk_9c41", *VPN, "--json").json
    status = desk.ok("status", "--json").json
    stopped = desk.ok("stop", "--json").json
    assert started["work_item_id"] == status["work_item_id"] == stopped["work_item_id"] == "tk_9c41"
    assert started["started_at"] == status["started_at"] == stopped["started_at"] == "2026-11-23T08:12:00Z"
    assert (started["delivery"], stopped["delivery"]) == ("delivered", "discarded")
    assert desk.ok("list", "--json").json == [], "less than a minute is nothing"
    assert desk.ok("status", "--json").json is None


LOG = (
    *("log", "tk_9c41", "--from", "2026-06-02T14:00:00Z", "--to", "2026-06-02T15:30:00Z"),
    *("--billable", "90", *VPN, "--json"),
)


def test_log_with_both_times(desk: Desk) -> None:
    entry = desk.ok(*LOG).json
    assert entry["started_at"] == "2026-06-02T14:00:00Z"
    assert entry["ended_at"] == "2026-06-02T15:30:00Z"
    assert entry["duration_minutes"] == 90
    assert entry["billable_minutes"] == 90


def test_the_body_of_a_log_carries_both_vocabularies_and_the_key_its_header(desk: Desk) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.method == "GET" and request.url.path.endswith("/time-entries"):
            return httpx.Response(200, json={"data": [{"id": "te_0", "started_at": "2026-06-01T08:00:00Z"}]})
        if request.method == "GET":
            return httpx.Response(404, text="<html>no such look-up</html>")
        return httpx.Response(201, json={"data": {"id": "te_1", **body_of(request)}})

    desk.env = {"ALGA_URL": "https://psa.example.test", "ALGA_API_KEY": "k" * 64}
    desk.transport = httpx.MockTransport(answer)
    user = "11111111-1111-4111-8111-111111111111"
    entry = desk.ok(*LOG, "--user", user).json
    post = requests[-1]
    assert str(post.url) == "https://psa.example.test/api/v1/time-entries"
    assert post.headers["X-API-Key"] == "k" * 64
    assert post.headers["User-Agent"] == f"alga/{__version__}"
    assert json.loads(post.content) == {
        "work_item_type": "ticket",
        "work_item_id": "tk_9c41",
        "started_at": "2026-06-02T14:00:00Z",
        "ended_at": "2026-06-02T15:30:00Z",
        "start_time": "2026-06-02T14:00:00Z",
        "end_time": "2026-06-02T15:30:00Z",
        "duration_minutes": 90,
        "billable_minutes": 90,
        "is_billable": True,
        "notes": "On-site VPN repair",
        "user_id": user,
    }
    assert (entry["id"], entry["duration_minutes"], entry["delivery"]) == ("te_1", 90, "delivered")


def test_the_embedded_server_takes_the_same_requests_as_a_remote_one(desk: Desk) -> None:
    app = App(desk.home / "data" / "local.db", desk.clock, desk.zone)
    desk.transport = Faulty(httpx.WSGITransport(app=app))
    desk.env = {"ALGA_URL": "http://127.0.0.1:1", "ALGA_API_KEY": app.key_of("local")}
    over_the_wire = desk.ok(*LOG).json
    in_process = Desk(desk.home, desk.clock).ok("list", "--from", "2026-06-01", "--json").json
    assert [{**row, "delivery": "delivered"} for row in in_process] == [over_the_wire]


def test_json_lines_fields_and_ids(desk: Desk) -> None:
    desk.ok("log", "tk_1", "7:00-8:00", *VPN)
    desk.ok("log", "tk_2", "8:00-8:30", "-m", "x")
    rows = desk.ok("list", "--json").json
    lines = desk.ok("list", "-f", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert desk.ok("list", "-f", "ids").out.split() == [row["id"] for row in rows]
    picked = desk.ok("list", "--json", "--fields", "work_item_id,duration_minutes").json
    assert picked == [
        {"work_item_id": "tk_1", "duration_minutes": 60},
        {"work_item_id": "tk_2", "duration_minutes": 30},
    ]
    table = desk.ok("list", "--fields", "work_item_id,duration_minutes", tty=False).out.splitlines()
    assert [line.split() for line in table if "─" not in line] == [
        ["WORK_ITEM_ID", "DURATION_MINUTES"], ["tk_1", "60"], ["tk_2", "30"],
    ]  # fmt: skip
    unknown = desk("list", "--json", "--fields", "nope")
    assert (unknown.code, unknown.out) == (2, "")
    assert "Unknown field 'nope'." in json.loads(unknown.err)["error"]
