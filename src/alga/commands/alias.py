"""alga alias: names of your own for work that you do often."""

import re
from typing import Annotated, Any

import typer

from alga.app.session import Session
from alga.core.entry import check_text
from alga.core.errors import NotFound, Unreachable, UsageError
from alga.lookup import services, work_items
from alga.state import settings
from alga.state.config import Alias
from alga.ui import columns, messages, options
from alga.ui.choices import item_or_typed
from alga.ui.command import command
from alga.ui.options import ITEM, Service, Type
from alga.ui.output import Output

NAME = re.compile(r"[a-z][a-z0-9_.-]{0,39}", re.IGNORECASE)
Name = Annotated[str, typer.Argument(metavar="ALIAS", help="The name: letters, digits, dots, hyphens.")]
Item = Annotated[
    str | None, typer.Argument(metavar="[WORK_ITEM]", help=f"{ITEM}; with --type ad_hoc and the like none.")
]
Notes = Annotated[str | None, typer.Option("-m", "--notes", metavar="TEXT", help="The notes, where none are typed.")]


@command
def set_one(
    session: Session,
    name: Name,
    work_item: Item = None,
    service_name: Service = None,
    kind: Type = None,
    notes: Notes = None,
) -> Output:
    """Give work a name: alga alias set printer TIC1042 -s "Premium Support"."""
    if not NAME.fullmatch(name) or work_items.NUMBER.fullmatch(name) or work_items.UUID.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot be an alias.", "Choose letters, not a ticket's number: printer, team-meeting"
        )
    options.one_of("--type", kind, work_items.TYPES)
    check_text(notes)
    if work_item is None and (kind is None or kind in work_items.LOOKED_UP):
        raise UsageError("Which work item?", f"alga alias set {name} TIC1042, or --type non_billable_category")
    typed = _checked(session, work_item, kind) if work_item else None
    if service_name:
        _check_service(session, service_name)
    alias = Alias(typed, kind, service_name, notes)
    settings.set_alias(session.config, session.profile.name, name, alias)
    return Output(_published(name, alias), f"{name} is now {alias.said}. For example: alga start {name}")


@command
def list_all(session: Session) -> Output:
    """Show your aliases."""
    known = sorted(session.profile.aliases.items())
    view = messages.View(session.zone, session.now(), session.remembered)
    empty = "No aliases. For example: alga alias set printer TIC1042"
    table = columns.listing("Aliases", columns.ALIASES, known, view, empty)
    return Output([_published(name, alias) for name, alias in known], table)


@command
def remove(session: Session, name: Name) -> Output:
    """Forget an alias."""
    alias = session.profile.aliases.get(name)
    if alias is None:
        known = ", ".join(sorted(session.profile.aliases)) or "none"
        raise NotFound(f"There is no alias '{name}'.", f"Choose from: {known}")
    settings.set_alias(session.config, session.profile.name, name, None)
    return Output(_published(name, alias), f"{name} is no alias any more.")


def _checked(session: Session, typed: str, kind: str | None) -> str:
    """The number or id, looked up where the server can be reached."""
    item = item_or_typed(session, typed, kind)
    return item.label if item.type == "ticket" and item.label != item.id[:8] else item.id or typed


def _check_service(session: Session, typed: str) -> None:
    try:
        with session.in_passing():
            services.named(typed, session.client, session.cache)
    except Unreachable:
        return  # it is looked up when it is used


def _published(name: str, alias: Alias) -> dict[str, Any]:
    return {"name": name, **alias._asdict()}


SUBCOMMANDS = {"set": set_one, "list": list_all, "remove": remove}
