"""Each named rule of the embedded server, shown by the recorded exchanges that prove it.

The recorded requests are sent again, word for word, to a strict embedded server that knows the recording's tickets and
services; its answers must agree with the deployed server's in status, code, message and what was stored.
"""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from alga.practice.app import App
from tests.contract.recordings import BY_NAME, Exchange
from tests.support import Clock

TICKETS = ("51f90906-9191-43c4-9abf-dd0b404b7912", "6082c1f6-a2af-49cf-b671-a8c2b6b793b8")
SERVICES = ("74c57b26-20d1-4d19-9f9f-504d7ef7b3c4", "1c244a4a-230c-4c07-b782-ee85629d08f5")
KEYS = {"admin": "a" * 64, "tech": "b" * 64}
USERS = {"admin": "edea7410-fc6a-4518-85e9-6d28e4583806", "tech": "aeaf6413-22d1-4e6e-ba78-ad4a7765bffd"}

RULES = {
    "answers come in an envelope, refusals as an object, and without a key as a text": [
        "auth/no key",
        "auth/empty key header",
        "auth/Authorization Bearer instead of x-api-key",
        "auth/good key",
        "auth/unknown method PATCH",
        "auth/unknown path",
        "auth/trailing slash",
    ],
    "times are taken with Z only": [
        "create/offset +02:00",
        "create/offset +00:00",
        "create/no offset at all",
        "create/no seconds 12:00Z",
        "create/lower-case z",
        "create/space instead of T",
        "create/epoch number",
        "create/leap second :60",
        "create/day 2026-02-30",
    ],
    "both ends are cut to the minute": [
        "create/seconds truncated 09:00:59 -> 09:30:01",
        "create/fractional seconds .123",
        "create/sub-minute: 09:00:10-09:00:50 (same minute)",
        "create/sub-minute across boundary 09:10:50-09:11:05",
        "update/only start_time with seconds",
    ],
    "the end comes after the start": [
        "create/end before start",
        "create/zero duration (same instant)",
        "update/end before start both given",
    ],
    "an own entry may not overlap another, on create only; touching ends are fine": [
        "create/overlap base 10-11",
        "create/overlap identical",
        "create/overlap inside",
        "create/overlap containing",
        "create/adjacent after 11-12 ok",
        "create/adjacent before 9-10 ok",
        "create/zero-minute entry at 10:30 inside other",
        "update/overlap other entry on update (10:45 -> 11:30)",
    ],
    "a service is needed, and a ticket that exists": [
        "create/service_id missing",
        "create/service_id null",
        "create/service_id unknown uuid",
        "create/service_id not uuid",
        "create/unknown ticket uuid",
        "create/non-uuid work item tk_9c41",
        "create/work_item_id null",
        "create/work_item_type bogus",
        "create/project_task unknown uuid",
        "create/project_task missing id",
        "create/ad_hoc no id",
        "start-tracking/service_id missing",
        "start-tracking/work_item_type missing",
        "start-tracking/empty {}",
        "malformed/empty body",
        "malformed/no body at all",
        "malformed/malformed JSON on manual endpoint (start-tracking)",
    ],
    "billable is all or nothing": [
        "create/documented-by-code valid",
        "create/superset: both vocabularies at once",
        "create/is_billable omitted",
        'create/is_billable string "false"',
        "update/is_billable false",
        "update/times on non-billable",
        "update/is_billable true",
    ],
    "the user is ignored": ["create/user_id of another user only", "update/unknown fields + approval_status + user_id"],
    "one running timer a user": [
        "start-tracking/valid (with notes)",
        "start-tracking/second start -> conflict",
        "start-tracking/tech can start own in parallel",
        "start-tracking/one active",
    ],
    "a stop needs a running session, and checks neither order nor overlap": [
        "stop-tracking/wrong id",
        "stop-tracking/stop again",
        "stop-tracking/empty body string",
    ],
    "a changed entry is one's own and not approved": [
        "get/unknown",
        "get/non-uuid",
        "get/upper-case uuid",
        "delete/non-uuid",
        "delete/unknown",
        "delete/other user's",
        "delete/approved",
        "delete/tech deletes admin's",
        "update/notes",
        "update/empty body {}",
        "update/offset time",
        "update/work_item_id null",
    ],
    "who may: technicians read no services": ["technician lookups/services", "lookups/services as tech"],
    "approval needs the permission, and SUBMITTED or CHANGES_REQUESTED": [
        "approve/technician",
        "approve/SUBMITTED own entry (self-approval)",
        "approve/already APPROVED",
        "approve/empty list",
        "approve/101 ids",
        "approve/entry_ids missing",
        "approve/entry_ids string",
    ],
    "request-changes says success whatever happened": [
        "request-changes/SUBMITTED",
        "request-changes/DRAFT (says success?)",
        "request-changes/unknown id (says success?)",
        "request-changes/APPROVED (says success?)",
        "request-changes/no reason",
        "request-changes/empty reason",
    ],
    "bulk answers with counts": [
        "bulk create/1",
        "bulk create/51",
        "bulk create/0",
        "bulk create/one overlap among 3 (same slot twice)",
        "bulk create/all fail at service level (overlap)",
        "bulk create/one schema-invalid among 3 (all rejected?)",
        "bulk create/unknown ticket among 3 (service-level)",
        "bulk create/published vocabulary",
        "bulk create/superset",
        "bulk update/all unknown (counted as updated?)",
        "bulk update/flat shape {entry_id,notes}",
        "bulk update/51",
        "bulk update/0",
        "bulk delete/empty",
        "bulk delete/51",
        "bulk delete/key ids",
    ],
    "pages have at most 100 rows, sorted by a real column": [
        "list/limit=101",
        "list/limit=-1",
        "list/limit=abc",
        "list/page=-1",
        "list/page=abc",
        "list/sort=nope",
        "list/sort=started_at",
        "list/sort=-start_time",
        "list/order=ASC",
        "list/order=up",
        "list/user_id=bad",
        "list/work_item_id non-uuid",
        "list/work_item_type=bogus",
        "list/approval_status=draft",
        "list/is_billable=True",
        "list/is_billable=yes",
        "list/date_from datetime",
        "list/date_from 2026-3-2",
        "list/start_time_from with offset",
        "list/date_to before all",
    ],
    "templates are always empty": ["misc/X-Request-ID echoed?"],
}
STORED = ("start_time", "end_time", "billable_duration", "is_billable", "approval_status", "user_id", "notes")


class Replay:
    """A strict embedded server that knows what the recording knew."""

    def __init__(self, path: Path) -> None:
        self.clock = Clock(datetime.fromisoformat("2026-11-23T16:16:55+00:00"))
        self.path = path
        app = App(path, self.clock, strict=True)
        app.key_of("admin")
        self._seed()
        self.http = httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://localhost")

    def _seed(self) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute("DELETE FROM entries")
            db.execute("DELETE FROM sheets")
            db.execute("DELETE FROM tickets")
            db.execute("DELETE FROM services")
            db.execute("DELETE FROM users")
            for name, role in (("admin", "admin"), ("tech", "technician")):
                db.execute("INSERT INTO users VALUES (?, ?, ?, ?)", (USERS[name], name, role, KEYS[name]))
            for number, ticket in enumerate(TICKETS):
                values = (ticket, f"TIC{number}", "a ticket", "a client", False, USERS["admin"])
                db.execute("INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?)", values)
            for service in SERVICES:
                db.execute("INSERT INTO services VALUES (?, 'Basic Support', 'hourly')", (service,))

    def have(self, entry_id: str, **columns: Any) -> None:
        """An entry that the recording had from before."""
        row = {
            "entry_id": entry_id, "user_id": USERS["admin"], "work_item_type": "ticket", "work_item_id": TICKETS[0],
            "start_time": "2026-04-01T09:00:00Z", "end_time": "2026-04-01T10:00:00Z", "billable_duration": 60,
            "notes": "n", "service_id": SERVICES[0], "approval_status": "DRAFT", "time_sheet_id": None,
            "work_date": "2026-04-01", "created_at": "2026-04-01T09:00:00Z", "updated_at": "2026-04-01T09:00:00Z",
        } | columns  # fmt: skip
        with closing(sqlite3.connect(self.path)) as db, db:
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT OR REPLACE INTO entries ({', '.join(row)}) VALUES ({marks})", list(row.values()))

    def send(self, exchange: Exchange) -> httpx.Response:
        """The recorded request, word for word."""
        sent = exchange.sent
        content = b"" if sent is None else sent.encode() if isinstance(sent, str) else json.dumps(sent).encode()
        url = f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path
        headers = {"X-API-Key": KEYS[exchange.key]} if exchange.key in KEYS else {}
        return self.http.request(exchange.method, url, content=content, headers=headers)


def prepare(replay: Replay, exchange: Exchange) -> None:
    """What was there before: an entry named in the path, or under review, or in the way."""
    name, section = exchange.name, exchange.name.split("/")[0]
    entry_id = exchange.operation.rpartition("/")[2].lower()
    if section in ("update", "delete", "get") and exchange.status != 404 and "non-uuid" not in name:
        before = {"approval_status": "APPROVED"} if "approved" in name else {}
        not_billable = {"billable_duration": 0} if "non-billable" in name else {}
        stored = {}
        if isinstance(exchange.body, dict) and "data" in exchange.body:
            row = exchange.body["data"]
            sent = exchange.sent or {}
            stored = {key: row[key].replace(".000Z", "Z") for key in ("start_time", "end_time") if key not in sent}
            stored |= {"notes": row["notes"], "user_id": row["user_id"]}
            if not {"is_billable", "start_time", "end_time"} & set(sent):
                stored["billable_duration"] = row["billable_duration"]
        owner = {"user_id": USERS["tech"]} if name == "delete/other user's" else {}
        replay.have(entry_id, **{**stored, **before, **not_billable, **owner})
    if section in ("approve", "request-changes") and exchange.sent and exchange.status != 403:
        ids = exchange.sent.get("entry_ids")
        status = "APPROVED" if "APPROVED" in name else "DRAFT" if "DRAFT" in name else "SUBMITTED"
        for each in ids if isinstance(ids, list) and len(ids) == 1 and "unknown" not in name else []:
            replay.have(each, approval_status=status)
    if name == "stop-tracking/empty body string":
        replay.have(entry_id, end_time=None)
    if name == "bulk create/all fail at service level (overlap)":
        replay.have(
            "0" * 8 + "-0000-4000-8000-" + "0" * 12, start_time="2026-07-05T06:00:00Z", end_time="2026-07-05T07:00:00Z"
        )


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_is_the_recorded_one(rule: str, tmp_path: Path) -> None:
    replay = Replay(tmp_path / "strict.db")
    for name in RULES[rule]:
        exchange = BY_NAME[name]
        prepare(replay, exchange)
        answer = replay.send(exchange)
        assert answer.status_code == exchange.status, (name, answer.text)
        assert_agrees(name, exchange, answer)


def assert_agrees(name: str, exchange: Exchange, answer: httpx.Response) -> None:
    """Status, code, message and details' messages of a refusal; the stored values of a success."""
    if not isinstance(exchange.body, dict):
        assert answer.headers["content-type"].split(";")[0] in ("text/html", "application/json"), name
        return
    ours, theirs = answer.json(), exchange.body
    if "error" in theirs:
        if isinstance(theirs["error"], str):
            assert ours == theirs, name
            return
        assert (ours["error"]["code"], ours["error"]["message"]) == (
            theirs["error"]["code"],
            theirs["error"]["message"],
        ), name
        assert isinstance(ours["error"].get("details"), list) == isinstance(theirs["error"].get("details"), list), name
        return
    assert set(ours) >= set(theirs) - {"meta"}, name
    if isinstance(theirs["data"], dict) and "entry_id" in theirs["data"]:
        for field in set(STORED) & set(theirs["data"]):
            if field == "start_time" and exchange.operation.endswith(("start-tracking", "active-session")):
                assert ours["data"][field] == "2026-11-23T16:16:00.000Z"
            else:
                assert ours["data"][field] == theirs["data"][field], (name, field)
    elif isinstance(theirs["data"], dict):
        assert {k: v for k, v in ours["data"].items() if k.endswith("count")} == {
            k: v for k, v in theirs["data"].items() if k.endswith("count")
        }, name


def test_a_timers_entry_has_no_time_sheet_and_the_same_interval_posted_has_one(tmp_path: Path) -> None:
    replay = Replay(tmp_path / "strict.db")
    prefix = "timesheet after tracking/"
    started = replay.send(BY_NAME[f"{prefix}start"]).json()["data"]
    headers = {"X-API-Key": KEYS["admin"]}
    replay.clock.pass_by(minutes=30)
    stopped = replay.http.post(
        f"/api/v1/time-entries/stop-tracking/{started['session_id']}",
        json=BY_NAME[f"{prefix}stop"].sent,
        headers=headers,
    ).json()["data"]
    recorded = BY_NAME[f"{prefix}stop"].body["data"]
    assert (stopped["time_sheet_id"], stopped["billable_duration"]) == (recorded["time_sheet_id"], 30) == (None, 30)
    noted = replay.http.put(f"/api/v1/time-entries/{started['entry_id']}", json={"notes": "y"}, headers=headers).json()
    assert noted["data"]["time_sheet_id"] is None
    posted = replay.send(BY_NAME[f"{prefix}recreate as POST gets a sheet"]).json()["data"]
    assert posted["time_sheet_id"] == posted["time_sheet"]["id"]


def test_search_looks_at_notes_only_and_ignores_the_page(tmp_path: Path) -> None:
    replay = Replay(tmp_path / "strict.db")
    for number in range(3):
        day = f"2026-04-0{number + 1}"
        replay.have(
            f"{number}" * 8 + "-0000-4000-8000-" + "0" * 12, notes=f"findme {number}", start_time=f"{day}T09:00:00Z"
        )
    headers = {"X-API-Key": KEYS["tech"]}

    def search(**query: str) -> Any:
        return replay.http.get("/api/v1/time-entries/search", params=query, headers=headers).json()

    assert [row["notes"] for row in search(query="FINDME")["data"]] == ["findme 2", "findme 1", "findme 0"]
    assert [row["notes"] for row in search(query="findme", limit="2", page="2")["data"]] == ["findme 2", "findme 1"]
    assert search(query="a ticket")["data"] == [], "titles are not searched"
    assert len(search(query="f%0")["data"]) == 1, "% stands for anything"
    recorded = BY_NAME["search/basic"].body
    assert set(search(query="findme")) == set(recorded)


def test_export_is_csv_or_json_with_the_recorded_head(tmp_path: Path) -> None:
    replay = Replay(tmp_path / "strict.db")
    replay.have("1" * 8 + "-0000-4000-8000-" + "0" * 12, notes='say "yes"\ntwice')
    headers = {"X-API-Key": KEYS["tech"]}
    text = replay.http.get("/api/v1/time-entries/export", headers=headers).text
    assert text.splitlines()[0] == BY_NAME["export/empty csv"].body
    assert '"say ""yes""\ntwice"' in text
    rows = replay.http.get("/api/v1/time-entries/export", params={"format": "json"}, headers=headers).json()["data"]
    assert set(BY_NAME["export/json"].body["data"][0]) - set(rows[0]) <= {
        "tenant", "tax_region", "tax_rate_id", "contract_line_id", "created_by", "updated_by", "contract_line_source",
        "contract_line_unresolved_reason", "catalog_pricing_acknowledged_at", "catalog_pricing_acknowledged_by",
    }  # fmt: skip
    assert replay.send(BY_NAME["export/pdf"]).status_code == BY_NAME["export/pdf"].status == 400


def test_stats_have_the_recorded_numbers(tmp_path: Path) -> None:
    replay = Replay(tmp_path / "strict.db")
    assert (
        replay.send(BY_NAME["stats/from > to"]).json()["data"].items()
        <= BY_NAME["stats/from > to"].body["data"].items()
    )
