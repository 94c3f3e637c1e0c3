"""Names for work that is done often: what they stand for, in every command that takes work."""

import pytest

from tests.conftest import Strict
from tests.support import MAILBOX, Desk, joined


def test_an_alias_stands_for_work_item_service_and_notes(strict: Strict) -> None:
    desk = strict.desk
    told = desk.ok("alias", "set", "printer", "1042", "-s", "Premium Support", "-m", "Toner")
    assert told.out == "printer is now TIC1042, Premium Support: Toner. For example: alga start printer\n"
    entry = desk.ok("log", "printer", "7:00-7:30", "--json").json
    assert (entry["work_item_number"], entry["service_name"], entry["notes"]) == ("TIC1042", "Premium Support", "Toner")
    other = desk.ok("log", "printer", "7:30-8:00", "-s", "basic", "-m", "Paper", "--json").json
    assert (other["service_name"], other["notes"]) == ("Basic Support", "Paper"), "what is typed counts more"
    assert joined(desk.ok("start", "printer").out) == f"Started {MAILBOX} at 09:12, Premium Support: Toner"
    desk.clock.pass_by(minutes=10)
    desk.ok("stop")
    assert len(desk.ok("list", "--work-item", "printer", "--json").json) == 3


def test_an_alias_may_hold_no_work_item(desk: Desk, strict: Strict) -> None:
    for person in (desk, strict.desk):
        person.ok("alias", "set", "meeting", "--type", "non_billable_category", "-m", "Team meeting", "-s", "basic")
        entry = person.ok("log", "meeting", "10m", "--json").json
        assert (entry["work_item_type"], entry["work_item_id"]) == ("non_billable_category", None)
        assert (entry["duration_minutes"], entry["billable_minutes"], entry["notes"]) == (10, 0, "Team meeting")
        assert person.ok("start", "meeting").out.startswith("Started non_billable_category at 09:12")
        person.clock.pass_by(minutes=20)
        stopped = person.ok("stop", "--json").json
        assert (stopped["work_item_type"], stopped["work_item_id"]) == ("non_billable_category", None)
        person.clock.pass_by(minutes=-20)


def test_aliases_are_listed_and_removed(desk: Desk) -> None:
    assert desk.ok("alias", "list").out == "Aliases\nNo aliases. For example: alga alias set printer TIC1042\n"
    desk.ok("alias", "set", "printer", "TIC1042", "-s", "Basic Support")
    assert desk.ok("alias", "list", "--json").json == [
        {"name": "printer", "work_item": "TIC1042", "type": None, "service": "Basic Support", "notes": None}
    ]
    desk.ok("alias", "remove", "printer")
    assert desk.ok("start", "printer").out.startswith("Started printer"), "a word of its own on practice data"
    missing = desk("alias", "remove", "printer")
    assert (missing.code, "There is no alias 'printer'." in missing.err) == (6, True)


@pytest.mark.parametrize("name", ["1042", "TIC1042", "vpn2", "", "-", "a b", "x" * 50])
def test_what_could_be_a_number_is_no_alias(desk: Desk, name: str) -> None:
    refused = desk("alias", "set", "--", name, "TIC1042")
    assert (refused.code, "cannot be an alias" in refused.err) == (2, True)


def test_what_an_alias_stands_for_is_looked_up_when_it_is_set(strict: Strict) -> None:
    for wrong in (["TIC9999"], ["TIC1042", "-s", "Gold"]):
        assert strict.desk("alias", "set", "printer", *wrong).code == 6
    assert strict.desk("alias", "set", "printer").code == 2
    assert strict.desk.ok("alias", "list", "--json").json == []


def test_aliases_are_of_a_profile_and_keep_the_files_comments(desk: Desk) -> None:
    desk.ok("config", "set", "target", "8h")
    path = desk.home / "config" / "config.toml"
    path.write_text("# mine\n" + path.read_text())
    desk.ok("alias", "set", "printer", "TIC1042")
    assert path.read_text().startswith("# mine\n")
    assert desk.ok("config", "get", "target").out == "8h\n"
    path.write_text(path.read_text() + "\n[profiles.local.aliases.bad]\nwork_item = 5\n")
    refused = desk("status")
    assert (refused.code, "aliases must be tables of work_item, type, service and notes" in joined(refused.err)) == (
        3,
        True,
    )


def test_fill_knows_aliases(desk: Desk) -> None:
    desk.ok("config", "set", "hours", "7:00-9:00")
    desk.ok("alias", "set", "meeting", "--type", "ad_hoc", "-m", "Team meeting")
    desk.ok("log", "TIC1011", "6:00-6:10", "-m", "x")
    desk.ok("alias", "set", "vpn", "TIC1011", "-s", "Premium Support")
    assert "(your alias vpn)" in desk.ok("fill", typed="q\n").err
    desk.ok("fill", typed="meeting 7:00-7:30\n\nvpn\nx\ny\n")
    rows = desk.ok("list", "--json").json
    assert [(row["work_item_type"], row["notes"], row["service_name"]) for row in rows[1:]] == [
        ("ad_hoc", "Team meeting", None), ("ticket", "x", "Premium Support"),
    ]  # fmt: skip
