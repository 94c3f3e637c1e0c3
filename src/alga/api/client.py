"""One method for each of the 17 published operations, and the look-ups around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote

from alga.api import models, wire
from alga.api.lists import ENTRIES, PAGE, Lists, Page, each
from alga.core.errors import (
    CHECK,
    AlgaError,
    Forbidden,
    NoneApproved,
    NotFound,
    Refused,
    Senseless,
    UnknownOutcome,
    Unreachable,
)

if TYPE_CHECKING:
    from alga.api.http import Http
    from alga.api.models import Record
    from alga.core.entry import Entry, EntryRequest

T = TypeVar("T")
R = TypeVar("R", bound="Record")
Query = Mapping[str, str]

MOST_AHEAD = 12 * 3600  # seconds between two clocks that are believed
NOBODY = "00000000-0000-4000-8000-000000000000"


class Client:
    """The API of one server. Raises what Http.request() raises, and Unreachable for an answer that makes no sense."""

    def __init__(
        self,
        http: Http,
        seen: Callable[[Mapping[str, Any], Entry], None] = lambda row, entry: None,
    ) -> None:
        self._http, self._seen = http, seen
        self._lists = Lists(http, self.read_entry)

    PROBES: ClassVar[Mapping[str, tuple[str, str, Any]]] = {  # requests that change nothing: no entry has that id
        "read": ("GET", ENTRIES, None),
        "create": ("POST", ENTRIES, {}),
        "update": ("PUT", f"{ENTRIES}/{NOBODY}", {}),
        "delete": ("DELETE", f"{ENTRIES}/{NOBODY}", {}),
        "approve": ("POST", f"{ENTRIES}/approve", {"entry_ids": [NOBODY]}),
        "list services": ("GET", "/services", None),
    }

    def allowed(self, action: str) -> bool | None:
        """Whether the key's role may do one of PROBES: only a 403 means no. None when the server does not answer."""
        method, path, body = self.PROBES[action]
        try:
            self._http.request(method, path, {"limit": "1"} if method == "GET" else None, body)
        except Forbidden:
            return False
        except (Refused, NotFound):
            return True
        except Unreachable:
            return None
        return True

    def allow(self, action: str) -> None:
        """Raise Forbidden if the key's role may not do one of PROBES."""
        method, path, body = self.PROBES[action]
        with suppress(Refused, NotFound, Unreachable):
            self._http.request(method, path, None, body)

    @property
    def ahead(self) -> float | None:
        """Seconds by which the server's clock was ahead of ours at its last answer; None when unknown, or not believed:
        a cache between us may send any date, and times are computed from this.
        """
        ahead = self._http.ahead
        return ahead if ahead is None or abs(ahead) <= MOST_AHEAD else None

    @property
    def shown_ahead(self) -> float | None:
        """The same, however large, to be shown."""
        return self._http.ahead

    def within(self, seconds: float | None) -> AbstractContextManager[None]:
        """A block of requests that together take at most `seconds`."""
        return self._http.within(seconds)

    def pause(self) -> None:
        """Send no requests in this command, since there was no connection a moment ago."""
        self._http.paused = True

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    # --- entries ---

    def list_entries(self, query: Query) -> Page[Entry]:
        """GET /time-entries: one page. Filters as deployed (section 3); the published ones have no effect there."""
        return self._lists.page(ENTRIES, self.read_entry, query)

    def walk_entries(self, query: Query) -> list[Entry]:
        """Every entry that matches, each once. See Lists.walk()."""
        return self._lists.walk(query)

    def create_entry(self, asked: EntryRequest) -> Entry:
        """POST /time-entries."""
        return self._written("POST", ENTRIES, wire.create_body(asked))

    def get_entry(self, entry_id: str) -> Entry:
        """GET /time-entries/{id}: anyone's entry may be read."""
        return self.read_entry(self._http.request("GET", f"{ENTRIES}/{segment(entry_id)}").data)

    def update_entry(self, entry_id: str, asked: EntryRequest, running: bool = False) -> Entry:
        """PUT /time-entries/{id}. The deployed server checks no overlap here (section 4)."""
        return self._written("PUT", f"{ENTRIES}/{segment(entry_id)}", wire.update_body(asked, running))

    def delete_entry(self, entry_id: str) -> None:
        """DELETE /time-entries/{id}, with the body the published page requires."""
        self._http.request("DELETE", f"{ENTRIES}/{segment(entry_id)}", body={})

    # --- tracking sessions ---

    def active_session(self) -> Entry | None:
        """GET active-session: the key's own running session."""
        data = self._http.request("GET", f"{ENTRIES}/active-session").data
        return self.read_entry(data) if data is not None else None

    def start_tracking(self, asked: EntryRequest) -> Entry:
        """POST start-tracking: starts now, by the server's clock, cut to the minute."""
        return self._written("POST", f"{ENTRIES}/start-tracking", wire.start_body(asked))

    def stop_tracking(self, session_id: str, asked: EntryRequest) -> Entry:
        """POST stop-tracking/{id}: the finished entry. Neither order nor overlap is checked there (section 6)."""
        return self._written("POST", f"{ENTRIES}/stop-tracking/{segment(session_id)}", wire.stop_body(asked))

    # --- review ---

    def approve(self, entry_ids: Sequence[str]) -> list[models.ReviewResult]:
        """POST approve, 1 to 100 ids: the result of each, also when none could be approved (section 7)."""
        try:
            data = self._http.request("POST", f"{ENTRIES}/approve", body={"entry_ids": list(entry_ids)}).data
        except NoneApproved as error:
            told = [row for row in error.results if isinstance(row, Mapping) and "success" in row]
            if not told:  # a refusal of the whole call, without single results
                raise
            data = {"results": told}
        results = data.get("results") if isinstance(data, Mapping) else None
        return each(results, self._reading(models.ReviewResult, write=True))

    def request_changes(
        self, entry_ids: Sequence[str], reason: str, feedback: str | None = None
    ) -> list[models.ReviewResult]:
        """POST request-changes. Says success whatever happened (section 7): read the entries back."""
        body: dict[str, Any] = {"entry_ids": list(entry_ids), "change_reason": reason}
        if feedback is not None:
            body["detailed_feedback"] = feedback
        answer = self._http.request("POST", f"{ENTRIES}/request-changes", body=body).data
        return each(answer, self._reading(models.ReviewResult, write=True))

    # --- many at once ---

    def bulk_create(self, rows: Sequence[EntryRequest]) -> int:
        """POST bulk, 1 to 50 rows: how many were created, not which (section 9)."""
        body = {"entries": [wire.create_body(row) for row in rows]}
        return self._counted("POST", body).created_count or 0

    def bulk_update(self, rows: Mapping[str, EntryRequest]) -> int:
        """PUT bulk, 1 to 50 changes by entry id: how many the server counts, unknown ids included."""
        body = {"entries": [{"entry_id": key, "data": wire.update_body(asked, False)} for key, asked in rows.items()]}
        return self._counted("PUT", body).updated_count or 0

    def bulk_delete(self, entry_ids: Sequence[str]) -> None:
        """DELETE bulk, 1 to 50 ids: 204 whatever was deleted."""
        self._http.request("DELETE", f"{ENTRIES}/bulk", body={"entry_ids": list(entry_ids)})

    # --- reading across ---

    def search(self, words: str, query: Query) -> Page[Entry]:
        """GET search: notes only, at most 100 hits (section 10)."""
        return self._lists.page(f"{ENTRIES}/search", self.read_entry, {**query, "query": words})

    def stats(self, query: Query) -> models.Stats | None:
        """GET stats: the whole tenant's, whoever asks. None from a server that answers something else."""
        data = self._http.request("GET", f"{ENTRIES}/stats", query).data
        known = isinstance(data, Mapping) and set(models.Stats.model_fields) <= set(data)
        return self._reading(models.Stats)(data) if known else None

    def export(
        self,
        query: Query,
        begin: Callable[[int], Callable[[Entry], None]],
        seen: Callable[[], int] | None = None,
        long: bool = False,
    ) -> None:
        """GET export as JSON, each entry as it arrives. See Lists.export()."""
        self._lists.export(query, begin, seen, long)

    def templates(self) -> list[models.Template]:
        """GET templates: always empty on the deployed server."""
        return each(self._http.request("GET", f"{ENTRIES}/templates").data, self._reading(models.Template))

    # --- look-ups ---

    def tickets_numbered(self, number: str) -> list[models.Ticket]:
        """Tickets whose number contains this number, from every page: the caller compares exactly."""
        return self._lists.every(
            "/tickets", self._reading(models.Ticket), {"ticket_number": number, "fields": "mobile_list"}
        )

    def latest_tickets(self) -> list[models.Ticket]:
        """The hundred newest tickets, open and closed."""
        return self._lists.page(
            "/tickets", self._reading(models.Ticket), {"fields": "mobile_list", "limit": str(PAGE)}
        ).rows

    def search_tickets(self, words: str) -> list[models.Ticket]:
        """Tickets by number or title, open and closed."""
        query = {"query": words, "include_closed": "true", "limit": str(PAGE)}
        return each(self._http.request("GET", "/tickets/search", query).data, self._reading(models.Ticket))

    def ticket(self, ticket_id: str) -> models.Ticket:
        """GET /tickets/{id}: 404 for an unknown one, 400 for what is no UUID."""
        return self._reading(models.Ticket)(self._http.request("GET", f"/tickets/{segment(ticket_id)}").data)

    def task(self, task_id: str) -> models.Task:
        """GET /projects/tasks/{id}: a task of a project."""
        return self._reading(models.Task)(self._http.request("GET", f"/projects/tasks/{segment(task_id)}").data)

    def services(self, hourly: bool = True) -> list[models.Service]:
        """Active services, hourly ones or all, from every page. Raises Forbidden for technicians."""
        query = {"is_active": "true", "limit": str(PAGE)} | ({"billing_method": "hourly"} if hourly else {})
        return self._lists.every("/services", self._reading(models.Service), query)

    def time_sheet(self, sheet_id: str) -> models.Sheet:
        """GET /time-sheets/{id}: works for any role, unlike the other time-sheet calls (section 8)."""
        return self._reading(models.Sheet)(self._http.request("GET", f"/time-sheets/{segment(sheet_id)}").data)

    def activities(self, kinds: str = "ticket,projectTask") -> list[models.Activity]:
        """Open work assigned to the key's user: needs no extra permission."""
        query = {"type": kinds, "status": "open", "pageSize": str(PAGE)}
        return each(self._http.request("GET", "/activities", query).data, self._reading(models.Activity))

    # --- reading answers ---

    def _written(self, method: str, path: str, body: object) -> Entry:
        return self.read_entry(self._http.request(method, path, body=body).data, write=True)

    def _counted(self, method: str, body: object) -> models.Count:
        return self._reading(models.Count, write=True)(self._http.request(method, f"{ENTRIES}/bulk", body=body).data)

    def read_entry(self, row: object, write: bool = False, learning: bool = True) -> Entry:
        """The entry in an answer, or in what this computer remembers: of that nothing is learnt."""
        try:
            entry = wire.read_entry(row)
        except wire.NoEntry as fault:
            raise self._senseless(fault.field, write) from None
        if learning and isinstance(row, Mapping):
            self._seen(row, entry)
        return entry

    def _reading(self, model: type[R], write: bool = False) -> Callable[[object], R]:
        """A reader of answers other than time entries."""

        def read(row: object) -> R:
            try:
                return model.model_validate(row)
            except models.ValidationError as fault:
                place = ".".join(map(str, fault.errors(include_input=False)[0]["loc"]))
                raise self._senseless(place, write) from None

        return read

    def _senseless(self, place: str, write: bool) -> AlgaError:
        told = f"The answer from {self._http.target.host} makes no sense" + (f" ({place})" if place else "")
        if write:
            return UnknownOutcome(told, CHECK)
        return Senseless(f"{told}.", "Is it an AlgaPSA server? alga config list")


def segment(entry_id: str) -> str:
    """An id as one segment of a path, whatever a person typed. Raises NotFound for dots, which are no segment."""
    if entry_id in (".", ".."):
        raise NotFound(f"'{entry_id}' is not the id of an entry.", "To see ids: alga list")
    return quote(entry_id, safe="")
