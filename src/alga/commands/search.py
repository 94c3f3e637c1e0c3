"""alga search: entries by words in their notes."""

from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from alga.app.session import Session
from alga.core.errors import UsageError
from alga.core.filters import Selection
from alga.core.times import to_wire
from alga.lookup import entries, work_items
from alga.ui import columns, messages
from alga.ui.command import command
from alga.ui.filters import FilterOptions, PeriodOptions, ScopeOptions, choose
from alga.ui.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from alga.core.entry import Entry

CAP = 100  # most hits that the server's search returns (section 10)
Words = Annotated[list[str], typer.Argument(metavar="WORDS", help="What the notes say.")]
Everything = Annotated[
    bool, typer.Option("--all", help="Search all fields of the period's entries: notes, work items, services, people.")
]


@command
def search(
    session: Session,
    words: Words,
    period: PeriodOptions,
    scope: ScopeOptions,
    filters: FilterOptions,
    everything: Everything = False,
) -> Output:
    """Find entries by their notes, latest first (default: everyone's, of all time)."""
    phrase = " ".join(words).strip()
    if not phrase or not phrase.isprintable():
        raise UsageError("Search for what?", "For example: alga search printer")
    selection, title = choose(session, period, scope, filters, "ever", "everyone")
    everything = everything or "\\" in phrase  # the server treats a backslash as an escape
    find = _everywhere if everything else _found
    rows = find(session, phrase, selection)
    rows.reverse()
    where = "anywhere" if everything else "in the notes"
    empty = f"No entry has these words {where}." + (
        "" if everything else f" To search everywhere: {session.retyped((), '--all')}"
    )
    table = replace(
        columns.listing(f"'{phrase}' {where}: {title}", columns.HITS, rows, messages.view(session), empty),
        marked=phrase,
    )
    return Output([work_items.published(entry, session.cache) for entry in rows], table)


def _found(session: Session, phrase: str, selection: Selection) -> "list[Entry]":
    """Hits of the server's search, oldest first. It knows only words and days; other filters are checked here."""
    day = timedelta(days=1)  # the server compares work dates, which may be in another zone
    start, end = selection.period.bounds(session.zone)
    query = {"limit": str(CAP)}
    query |= {"date_from": to_wire(start - day)} if start else {}
    query |= {"date_to": to_wire(end + day)} if end else {}
    page = session.client.search(phrase, query)
    if len(page.rows) >= CAP:
        of = f" of {page.total}" if page.total and page.total > CAP else ""
        session.warn(f"The server's search returns at most {CAP} hits{of}. To see all: {session.retyped((), '--all')}")
    rows, _ = selection.checked(page.rows, session.zone)
    if set(phrase) & set("%_"):  # wildcards on the server
        rows = [entry for entry in rows if phrase.casefold() in (entry.notes or "").casefold()]
    work_items.learn_numbers(rows, session.client, session.cache)
    return rows


def _everywhere(session: Session, phrase: str, selection: Selection) -> "list[Entry]":
    """Hits in the export, oldest first; only the hits are kept in memory."""
    with work_items.comfort():
        work_items.learn_latest(session.client, session.cache)
    sieve, pages = selection.sieve(session.zone), dict[int, "list[Entry]"]()

    def begin(page: int) -> "Callable[[Entry], None]":
        if page == 1:
            pages.clear()
        hits = pages[page] = []
        return lambda entry: hits.append(entry) if sieve.keeps(entry) and _has(session, entry, phrase) else None

    session.client.export(selection.query(session.zone), begin)
    entries.say_ignored(sieve.ignored, session.warn)
    rows, _ = selection.checked(chain.from_iterable(pages.values()), session.zone)
    return rows


def _has(session: Session, entry: "Entry", phrase: str) -> bool:
    label = work_items.label(entry, session.cache)
    said = (entry.notes, entry.work_item_title, label, entry.service_name, entry.user_name)
    return any(phrase.casefold() in (text or "").casefold() for text in said)
