"""One method for each of the 17 published operations, and the look-ups around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from alga.api import models, stream, wire
from alga.api.http import MOST, MOST_OF_A_PAGE, Http
from alga.core.errors import (
    CHECK,
    AlgaError,
    Forbidden,
    Incomplete,
    NoneApproved,
    NotFound,
    Refused,
    Senseless,
    TooLarge,
    UnknownOutcome,
    Unreachable,
)
from alga.core.times import EPOCH, from_wire, month_starts, to_wire

if TYPE_CHECKING:
    from alga.api.models import Record
    from alga.core.entry import Entry, EntryRequest

T = TypeVar("T")
R = TypeVar("R", bound="Record")
Query = Mapping[str, str]

PAGE = 100  # rows of a page
MOST_AHEAD = 12 * 3600  # seconds between two clocks that are believed
MOST_HELD = 100 * 1024 * 1024  # bytes of a list that is held in memory
MOST_PAGES, MOST_STREAMED = 1000, 100_000  # of tickets, and of a published export
MOST_LISTED = 1000  # entries to list by page; more come faster from the export
LEAST_HELD = 1000  # bytes of an entry without its notes
LONG, MANY = timedelta(days=62), 20_000  # what an export asks for month by month: so long, and so many entries
MOST_OF_ONE = 1024 * 1024  # bytes of the answer that says how many entries there are
MOST_MONTHS = 240  # requests of such an export
ENTRIES = "/time-entries"
FROM, TO = "start_time_from", "start_time_to"  # filters of lists and exports, both ends included
ID = re.compile(rb'"(?:entry_)?id"\s*:\s*"([\w-]{1,64})"')
SHORTEN = "Shorten its notes on the web, or choose a period without it."
NOBODY = "00000000-0000-4000-8000-000000000000"


class Page(NamedTuple, Generic[T]):
    """One page of a list, the total number of rows if the server gives it, whether more pages follow, and its bytes."""

    rows: list[T]
    total: int | None
    more: bool
    size: int = 0


class Client:
    """The API of one server. Raises what Http.request() raises, and Unreachable for an answer that makes no sense."""

    def __init__(
        self,
        http: Http,
        seen: Callable[[Mapping[str, Any], Entry], None] = lambda row, entry: None,
    ) -> None:
        self._http, self._seen = http, seen

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
        return self._page(ENTRIES, self.read_entry, query)

    def walk_entries(self, query: Query) -> list[Entry]:
        """Every entry that matches, each once: pages shift while people work, and ties are unordered.

        A page without a new id ends the walk. If the server counts more entries than it found, a second walk starts
        from the other end; raises Incomplete if entries are still missing. More than MOST_LISTED come from the export.
        """
        found: dict[str, Entry] = {}
        for order in ("asc", "desc"):
            total, walked = self._walk({"sort": "start_time", "order": order, **query}, found)
            if not walked:
                return self._exported(query, total)
            if len(found) >= total:
                return list(found.values())
        raise self._incomplete(total, len(found), list(found.values()))

    def _walk(self, query: Query, found: dict[str, Entry]) -> tuple[int, bool]:
        """Add the entries found. Returns the last page's total, and whether they are few enough to list by page."""
        seen: set[str] = set()
        for number in range(1, MOST_LISTED // PAGE + 1):
            page = self._page(ENTRIES, self.read_entry, {**query, "limit": str(PAGE), "page": str(number)})
            new = {entry.id: entry for entry in page.rows if entry.id not in seen}
            seen |= set(new)
            found |= {entry_id: entry for entry_id, entry in new.items() if entry_id not in found}
            if (page.total or 0) > MOST_LISTED:
                return page.total or 0, False
            if not new or not page.more:
                return page.total or 0, True
        return page.total or 0, False

    def _exported(self, query: Query, total: int) -> list[Entry]:
        """The same entries from the export. Raises Incomplete."""
        pages: dict[int, dict[str, Entry]] = {}
        held = 0

        def begin(page: int) -> Callable[[Entry], None]:
            nonlocal held
            if page == 1:
                pages.clear()
                held = 0
            rows = pages[page] = {}

            def keep(entry: Entry) -> None:
                nonlocal held
                held += LEAST_HELD + len(entry.notes or "") + len(entry.work_item_title or "")
                self._check_held(held)
                rows[entry.id] = entry

            return keep

        self.export(query, begin)
        every = {entry_id: entry for page in pages.values() for entry_id, entry in page.items()}
        if len(every) < total:
            raise self._incomplete(total, len(every), list(every.values()))
        return list(every.values())

    def _check_held(self, held: int) -> None:
        """Raise TooLarge for more bytes of a list than memory should hold."""
        if held > MOST_HELD:
            told = f"{self._http.target.host} sent a list of more than {MOST_HELD // 1024**2} MB."
            raise TooLarge(told, "Ask for less: a shorter period. Or write a file: alga export")

    def _incomplete(self, total: int, found: int, rows: Sequence[Entry]) -> Incomplete:
        told = f"{self._http.target.host} counts {total} entries and returned only {found}, so totals would be wrong."
        error = Incomplete(told, "Try again later, or ask for a shorter period.")
        error.rows = rows
        return error

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
        return self._each(results, self._reading(models.ReviewResult, write=True))

    def request_changes(
        self, entry_ids: Sequence[str], reason: str, feedback: str | None = None
    ) -> list[models.ReviewResult]:
        """POST request-changes. Says success whatever happened (section 7): read the entries back."""
        body: dict[str, Any] = {"entry_ids": list(entry_ids), "change_reason": reason}
        if feedback is not None:
            body["detailed_feedback"] = feedback
        answer = self._http.request("POST", f"{ENTRIES}/request-changes", body=body).data
        return self._each(answer, self._reading(models.ReviewResult, write=True))

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
        return self._page(f"{ENTRIES}/search", self.read_entry, {**query, "query": words})

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
        """GET export as JSON, each entry as it arrives: all at once as deployed, by page as published.

        `begin` is called for each page, again when a page is requested again, and returns where its entries go; page 1
        starts from the beginning. An entry may be on two pages. If the server counts more entries than came, or than
        `seen` returns, the export is requested once more; raises Incomplete if it is still short. With `long`, many
        entries of a long time are requested month by month, since the server makes all rows of a request before it
        sends the first.
        """
        for last in (False, True):
            months, total = self._months(query) if long else ([], None)
            if months:
                came = self._export_months(months, begin)
            else:
                total, came = self._export(query, begin, count(1))
            if total is None or (came := seen() if seen else came) >= total:
                return
            if last:
                raise self._incomplete(total, came, ())

    def _export_months(self, months: Sequence[Query], begin: Callable[[int], Callable[[Entry], None]]) -> int:
        """The number of entries received."""
        pages, came, latest = count(1), 0, EPOCH

        def noting(page: int) -> Callable[[Entry], None]:
            take = begin(page)

            def note(entry: Entry) -> None:
                nonlocal latest
                latest = max(latest, entry.started_at)
                take(entry)

            return note

        for month in months:
            came += self._export(month, noting, pages)[1]
            if TO in month and latest > from_wire(month[TO]):
                break  # the server ignores the period: everything came
        return came

    def _export(
        self, query: Query, begin: Callable[[int], Callable[[Entry], None]], pages: Iterator[int]
    ) -> tuple[int | None, int]:
        """The server's total, if given, and the number of entries received; `pages` numbers the pages."""
        known: set[tuple[int, int]] = set()
        total, came = None, 0
        for number in range(1, MOST_STREAMED + 1):
            asked = {**query, "format": "json", "limit": str(PAGE), "page": str(number)}
            page = stream.ExportPage(self.read_entry, begin, next(pages))
            try:
                answer = self._http.each(f"{ENTRIES}/export", asked, page.begin)
            except TooLarge as fault:
                raise (self._named(fault, ENTRIES, query) if fault.head else fault) from None
            if not page.count and answer.data != []:
                page(answer.data)  # one entry, or an answer that makes no sense
            counted = answer.pagination.get("total")
            total = counted if isinstance(counted, int) else total
            if page.mark not in known:
                came += page.count
            if not page.count or page.mark in known or not _goes_on(answer.pagination, page.count == PAGE):
                return total, came
            known.add(page.mark)
        raise self._incomplete(came + 1, came, ())

    def _months(self, query: Query) -> tuple[list[Query], int | None]:
        """A query for each month (UTC), and the server's total; no queries where one request will do.

        The first month has no start and the last month has no end but those of the query itself. So together they are
        the whole query, even if the server is wrong about its oldest and its newest entry. An entry at the very end of
        a month comes twice. With other filters there is no total, since a server may know them in the export alone.
        """
        start, end = (from_wire(query[name]) if name in query else None for name in (FROM, TO))
        if start and (end or self._http.now()) - start <= LONG:
            return [], None
        rows: list[Entry] = []
        total = 0
        with suppress(Unreachable, Forbidden, Refused, NotFound):  # then one request must do
            for order in ("asc", "desc"):
                ends_of_it = {**query, "sort": "start_time", "order": order, "limit": "1", "page": "1"}
                page = self._whole_page(ENTRIES, self.read_entry, ends_of_it, MOST_OF_ONE)
                rows, total = [*rows, *page.rows], page.total or 0
                if total < MANY or not page.rows:
                    return [], None
        if total < MANY:
            return [], None
        starts = month_starts(rows[0].started_at, max(row.started_at for row in rows))
        starts = starts[:: len(starts) // MOST_MONTHS + 1]  # several months at once, where one entry is decades old
        ends = [{FROM: to_wire(start)} for start in starts]
        windows = zip([{}, *ends], [*({TO: end[FROM]} for end in ends), {}], strict=True)
        months: list[Query] = [{**query, **begins, **stops} for begins, stops in windows]
        return months, total if set(query) <= {FROM, TO} else None

    def templates(self) -> list[models.Template]:
        """GET templates: always empty on the deployed server."""
        return self._each(self._http.request("GET", f"{ENTRIES}/templates").data, self._reading(models.Template))

    # --- look-ups ---

    def tickets_numbered(self, number: str) -> list[models.Ticket]:
        """Tickets whose number contains this number, from every page: the caller compares exactly."""
        return self._every("/tickets", self._reading(models.Ticket), {"ticket_number": number, "fields": "mobile_list"})

    def latest_tickets(self) -> list[models.Ticket]:
        """The hundred newest tickets, open and closed."""
        return self._page("/tickets", self._reading(models.Ticket), {"fields": "mobile_list", "limit": str(PAGE)}).rows

    def search_tickets(self, words: str) -> list[models.Ticket]:
        """Tickets by number or title, open and closed."""
        query = {"query": words, "include_closed": "true", "limit": str(PAGE)}
        return self._each(self._http.request("GET", "/tickets/search", query).data, self._reading(models.Ticket))

    def services(self, hourly: bool = True) -> list[models.Service]:
        """Active services, hourly ones or all, from every page. Raises Forbidden for technicians."""
        query = {"is_active": "true", "limit": str(PAGE)} | ({"billing_method": "hourly"} if hourly else {})
        return self._every("/services", self._reading(models.Service), query)

    def time_sheet(self, sheet_id: str) -> models.Sheet:
        """GET /time-sheets/{id}: works for any role, unlike the other time-sheet calls (section 8)."""
        return self._reading(models.Sheet)(self._http.request("GET", f"/time-sheets/{segment(sheet_id)}").data)

    def activities(self, kinds: str = "ticket,projectTask") -> list[models.Activity]:
        """Open work assigned to the key's user: needs no extra permission."""
        query = {"type": kinds, "status": "open", "pageSize": str(PAGE)}
        return self._each(self._http.request("GET", "/activities", query).data, self._reading(models.Activity))

    def assigned_tickets(self) -> list[models.Ticket]:
        """Open tickets assigned to the key's user."""
        tickets = [each for each in self.activities("ticket") if each.type == "ticket" and each.source_id]
        return [
            models.Ticket(ticket_id=each.source_id, ticket_number=each.ticket_number, title=each.title)
            for each in tickets
            if each.ticket_number
        ]

    # --- reading answers ---

    def _page(self, path: str, read: Callable[[object], T], query: Query) -> Page[T]:
        """One page. A page that is too large is requested again in smaller ones. Raises TooLarge for a single row."""
        limit = int(query.get("limit", 0))
        try:
            return self._whole_page(path, read, query, MOST if limit == 1 else MOST_OF_A_PAGE)
        except TooLarge as fault:
            if limit == 1:
                raise self._named(fault, path, query) from None
            if not limit or path.endswith("/search"):  # it has one page only (section 10)
                raise
        smaller = limit // 10 if limit % 10 == 0 else 1
        first = (int(query.get("page", 1)) - 1) * (limit // smaller) + 1
        rows, size = list[T](), 0
        for number in range(first, first + limit // smaller):
            page = self._page(path, read, {**query, "limit": str(smaller), "page": str(number)})
            rows, size = [*rows, *page.rows], size + page.size
            self._check_held(size)
            if not page.rows or not page.more:
                break
        return Page(rows, page.total, page.more and bool(page.rows), size)

    def _named(self, fault: TooLarge, path: str, query: Query) -> TooLarge:
        """The error for one row that is too large, with the row's id, or else its place in the list."""
        found = ID.findall(fault.head)
        noun, hint = ("entry", SHORTEN) if path == ENTRIES else ("row", "")
        name = f"{noun} {found[-1].decode()}" if found else f"{noun} {query.get('page', '1')} of the list"
        return TooLarge(f"{self._http.target.host} sent {name} with more than {MOST // 1024**2} MB.", hint)

    def _whole_page(self, path: str, read: Callable[[object], T], query: Query, most: int) -> Page[T]:
        envelope = self._http.request("GET", path, query, most=most)
        rows = self._each(envelope.data, read)
        total = envelope.pagination.get("total")
        more = _goes_on(envelope.pagination, full=str(len(rows)) == query.get("limit"))
        return Page(rows, total if isinstance(total, int) else None, more, envelope.size)

    def _every(self, path: str, read: Callable[[object], T], query: Query) -> list[T]:
        """The rows of every page; a page without a new row ends them."""
        found: list[T] = []
        size = 0
        for number in range(1, MOST_PAGES + 1):
            page = self._page(path, read, {**query, "limit": str(PAGE), "page": str(number)})
            size += page.size
            self._check_held(size)
            if not page.rows or page.rows == found[-len(page.rows) :]:
                break
            found += page.rows
            if not page.more:
                break
        return found

    def _each(self, data: object, read: Callable[[object], T]) -> list[T]:
        return [read(row) for row in (data if isinstance(data, list) else [data])]

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


def _goes_on(pagination: Mapping[str, Any], full: bool) -> bool:
    """Whether another page follows: as the server says, otherwise after a full page."""
    return pagination.get("hasNext") is True if pagination else full


def segment(entry_id: str) -> str:
    """An id as one segment of a path, whatever a person typed. Raises NotFound for dots, which are no segment."""
    if entry_id in (".", ".."):
        raise NotFound(f"'{entry_id}' is not the id of an entry.", "To see ids: alga list")
    return quote(entry_id, safe="")
