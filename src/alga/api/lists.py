"""Lists of any length: pages, entries walked through page by page, and exports that stream, month by month if long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from alga.api import stream
from alga.api.http import MOST, MOST_OF_A_PAGE
from alga.core.errors import Forbidden, Incomplete, NotFound, Refused, TooLarge, Unreachable
from alga.core.times import EPOCH, from_wire, month_starts, to_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from alga.api.http import Http
    from alga.core.entry import Entry

T = TypeVar("T")
Query = Mapping[str, str]

PAGE = 100  # rows of a page
MOST_HELD = 100 * 1024 * 1024  # bytes of a list that is held in memory
MOST_PAGES, MOST_STREAMED = 1000, 100_000  # of tickets, and of a published export
MOST_LISTED = 1000  # entries to list by page; more come faster from the export
LEAST_HELD = 300  # bytes of an entry without its notes
LONG, MANY = timedelta(days=62), 20_000  # what an export asks for month by month: so long, and so many entries
MOST_OF_ONE = 1024 * 1024  # bytes of the answer that says how many entries there are
MOST_MONTHS = 240  # requests of such an export
ENTRIES = "/time-entries"
FROM, TO = "start_time_from", "start_time_to"  # filters of lists and exports, both ends included
ID = re.compile(rb'"(?:entry_)?id"\s*:\s*"([\w-]{1,64})"')
SHORTEN = "Shorten its notes on the web, or choose a period without it."


class Page(NamedTuple, Generic[T]):
    """One page of a list, the total number of rows if the server gives it, whether more pages follow, and its bytes."""

    rows: list[T]
    total: int | None
    more: bool
    size: int = 0


class Lists:
    """The lists of one server. Raises what Http.request() raises, and what reading a row raises."""

    def __init__(self, http: Http, read_entry: Callable[..., Entry]) -> None:
        self._http, self._read_entry = http, read_entry

    # --- a page, and all pages ---

    def page(self, path: str, read: Callable[[object], T], query: Query) -> Page[T]:
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
            page = self.page(path, read, {**query, "limit": str(smaller), "page": str(number)})
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
        rows = each(envelope.data, read)
        total = envelope.pagination.get("total")
        more = _goes_on(envelope.pagination, full=str(len(rows)) == query.get("limit"))
        return Page(rows, total if isinstance(total, int) else None, more, envelope.size)

    def every(self, path: str, read: Callable[[object], T], query: Query) -> list[T]:
        """The rows of every page; a page without a new row ends them."""
        found: list[T] = []
        size = 0
        for number in range(1, MOST_PAGES + 1):
            page = self.page(path, read, {**query, "limit": str(PAGE), "page": str(number)})
            size += page.size
            self._check_held(size)
            if not page.rows or page.rows == found[-len(page.rows) :]:
                break
            found += page.rows
            if not page.more:
                break
        return found

    # --- entries, held in memory ---

    def walk(self, query: Query) -> list[Entry]:
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
            page = self.page(ENTRIES, self._read_entry, {**query, "limit": str(PAGE), "page": str(number)})
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
        held: dict[int, int] = {}

        def begin(page: int) -> Callable[[Entry], None]:
            if page == 1:
                pages.clear()
                held.clear()
            rows = pages[page] = {}
            others = sum(size for number, size in held.items() if number != page)
            held[page] = 0

            def keep(entry: Entry) -> None:
                held[page] += LEAST_HELD + len(entry.notes or "") + len(entry.work_item_title or "")
                self._check_held(others + held[page])
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

    # --- entries, as they arrive ---

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
            page = stream.ExportPage(self._read_entry, begin, next(pages))
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
                page = self._whole_page(ENTRIES, self._read_entry, ends_of_it, MOST_OF_ONE)
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


def each(data: object, read: Callable[[object], T]) -> list[T]:
    """The rows of an answer, or its only one."""
    return [read(row) for row in (data if isinstance(data, list) else [data])]


def _goes_on(pagination: Mapping[str, Any], full: bool) -> bool:
    """Whether another page follows: as the server says, otherwise after a full page."""
    return pagination.get("hasNext") is True if pagination else full
