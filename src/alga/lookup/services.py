"""Services as people type them, and the one that a work item is billed as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alga.core.errors import CHOOSE_SERVICE, Forbidden, NeedsService, NoSuchPath, NotFound, Unreachable, UsageError
from alga.lookup import work_items

if TYPE_CHECKING:
    from alga.api.client import Client
    from alga.state.cache import ServerCache


def every(client: Client, cache: ServerCache) -> tuple[dict[str, str], bool]:
    """Services by id, and whether the list is complete; if the role may not list them, those of recent entries."""
    try:
        listed = {service.service_id: service.service_name for service in client.services()}
    except (Forbidden, NoSuchPath, NotFound):  # not allowed, or not offered
        client.list_entries(
            {"sort": "start_time", "order": "desc", "limit": "100"}
        )  # the cache learns from every answer
        return dict(cache.services), False
    for service_id, name in listed.items():
        cache.service(service_id, name)
    return listed, True


def chosen(
    typed: str | None, default: str | None, work_item_id: str | None, client: Client, cache: ServerCache
) -> str | None:
    """The id of the typed service, otherwise of the profile's default, otherwise of the work item's last entry.

    None when no service is known: services of other work items do not count. Raises NeedsService if the server is
    known to need a service, and NotFound or UsageError for a name.
    """
    if wanted := typed or default:
        return named(wanted, client, cache)
    if not cache.deployed:
        return cache.service_of(work_item_id)
    if known := _used_on(work_item_id, client, cache):
        return known
    raise NeedsService("AlgaPSA needs a service for every entry.", CHOOSE_SERVICE)


def _used_on(work_item_id: str | None, client: Client, cache: ServerCache) -> str | None:
    """The service last used on a work item, as the server has it; without a connection as this computer saw it last."""
    user_id = work_items.asked_user(client, cache)
    if not user_id or not work_item_id:
        return None
    newest = {"sort": "start_time", "order": "desc", "limit": "5"}
    query = {"user_id": user_id, "work_item_id": work_item_id, **newest}
    try:
        own = [entry for entry in client.list_entries(query).rows if entry.work_item_id == work_item_id]
    except Unreachable:
        if known := cache.service_of(work_item_id):
            return known
        raise
    return next((entry.service_id for entry in own if entry.service_id and entry.user_id == user_id), None)


def named(wanted: str, client: Client, cache: ServerCache) -> str:
    """The id of the service with that id, name or part of a name. Raises NotFound, or UsageError for several."""
    if work_items.UUID.fullmatch(wanted) or wanted in cache.services:
        return work_items.same_case(wanted)
    exact = _exactly(wanted, cache.services)
    if len(exact) == 1:
        return exact[0]
    known, whole = every(client, cache)  # part of a name may match services that are not known yet
    there = dict(known)
    if whole and not _exactly(wanted, known):  # the list has hourly services only; others may be used too
        there |= {each.service_id: each.service_name for each in client.services(hourly=False)}
    found = _exactly(wanted, there) or _partly(wanted, known) or _partly(wanted, there)
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(there[service_id] for service_id in found or there)) or "none known yet"
    if found:
        raise UsageError(f"'{wanted}' matches several services.", f"Choose a service: {names}")
    raise NotFound(f"Unknown service '{wanted}'.", f"Choose from: {names}")


def _exactly(wanted: str, known: dict[str, str]) -> list[str]:
    """The ids of the services with that name, upper and lower case alike."""
    return [service_id for service_id, name in known.items() if name.lower() == wanted.lower()]


def _partly(wanted: str, known: dict[str, str]) -> list[str]:
    """The ids of the services whose names contain the text."""
    return [service_id for service_id, name in known.items() if wanted.lower() in name.lower()]
