"""Instants and lengths of time as they are shown, and as servers write them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alga.core.times import (
    SystemZone,
    cut,
    format_elapsed,
    format_interval,
    format_minutes,
    from_wire,
    minutes_between,
    month_starts,
    to_wire,
)
from tests.support import utc

ZONES = [
    ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
]
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 9, 5, 40, tzinfo=UTC)  # 10:05:40 in Berlin

instants = st.datetimes(datetime(2001, 1, 1), datetime(2037, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC))
zones = st.sampled_from(ZONES)


# --- shown ---


@pytest.mark.parametrize(("span", "shown"), [(0, "0m"), (48, "48m"), (60, "1h"), (90, "1h 30m"), (-105, "-1h 45m")])
def test_durations_read_as_elsewhere_in_algapsa(span: int, shown: str) -> None:
    assert format_minutes(span) == shown


def test_a_clock_reads_hours_minutes_seconds() -> None:
    assert format_elapsed(NOW, NOW + timedelta(hours=27, minutes=3, seconds=9)) == "27:03:09"
    assert format_elapsed(NOW, NOW - timedelta(seconds=5)) == "0:00:00", (
        "a clock that is set back shows no negative time"
    )


# --- stored ---


@given(instants)
def test_the_wire_form_is_utc_with_z_and_reads_back(instant: datetime) -> None:
    text = to_wire(instant)
    assert text.endswith("Z")
    assert from_wire(text) == instant.replace(microsecond=0)


@given(instants, instants)
def test_worked_minutes_are_whole_and_between_cut_ends(start: datetime, end: datetime) -> None:
    assert timedelta(minutes=minutes_between(start, end)) == cut(end) - cut(start)


@pytest.mark.parametrize("text", ["2026-01-05T00:00:00.000Z", "2026-01-05T01:00:00+01:00", "2026-01-05T00:00Z"])
def test_every_form_a_server_uses_is_read(text: str) -> None:
    assert from_wire(text) == utc("2026-01-05T00:00:00")


def test_intervals_across_midnight_and_to_midnight() -> None:
    def shown(start: str, end: str | None) -> str:
        return format_interval(utc(start), utc(end) if end else None, BERLIN)

    assert shown("2026-11-23T08:12", "2026-11-23T09:00") == "09:12-10:00"
    assert shown("2026-11-23T21:00", "2026-11-23T23:00") == "22:00-24:00"
    assert shown("2026-11-23T22:00", "2026-11-24T00:30") == "23:00+2h30m"
    assert shown("2026-11-23T08:12", None) == "09:12-"
    assert shown("2026-10-25T00:30", "2026-10-25T02:10") == "02:30+02:00-03:10+01:00"


# --- the computer's own zone ---


@given(instants)
def test_the_systems_zone_agrees_with_zoneinfo(instant: datetime) -> None:
    import os
    import time

    before = os.environ.get("TZ")
    try:
        for zone in ZONES:
            os.environ["TZ"] = zone.key
            time.tzset()
            system, known = instant.astimezone(SystemZone()), instant.astimezone(zone)
            assert (system.replace(tzinfo=None), system.fold) == (known.replace(tzinfo=None), known.fold)
            assert system.utcoffset() == known.utcoffset()
            assert system.astimezone(UTC) == instant
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.integers(0, 900))
def test_month_starts_are_all_first_days_between_two_instants(after: datetime, days: int) -> None:
    first = after.replace(tzinfo=UTC)
    until = first + timedelta(days=days)
    every = [first + timedelta(days=n) for n in range(days + 2)]
    wanted = {day.replace(day=1, hour=0, minute=0, second=0, microsecond=0) for day in every}
    assert month_starts(first, until) == sorted(day for day in wanted if first < day <= until)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59Z",
        "9001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_times_near_the_ends_of_time_are_no_times(text: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        from_wire(text)
    assert from_wire("1970-01-01T00:00:00Z") and from_wire("9000-12-31T23:59:59Z")
