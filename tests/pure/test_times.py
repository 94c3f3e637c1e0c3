"""What a person types as a time or a span, and what is shown of it."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alga.core.errors import UsageError
from alga.core.times import (
    LONGEST_SPAN,
    SystemZone,
    cut,
    format_elapsed,
    format_interval,
    format_minutes,
    format_time,
    from_wire,
    local_date,
    minutes_between,
    month_starts,
    parse_date,
    parse_instant,
    parse_interval,
    parse_span,
    to_wire,
)

ZONES = [
    ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
]
BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 9, 5, 40, tzinfo=UTC)  # 10:05:40 in Berlin
FALL_BACK = date(2026, 10, 25)  # in Berlin 02:00-03:00 happens twice
SPRING = date(2026, 3, 29)  # in Berlin 02:00-03:00 does not happen

instants = st.datetimes(datetime(2001, 1, 1), datetime(2037, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC))
minutes = st.integers(1, LONGEST_SPAN)
zones = st.sampled_from(ZONES)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def refusal(action: object, *given: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        action(*given)  # type: ignore[operator]
    return caught.value


# --- spans ---


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("90m", 90),
        ("1h", 60),
        ("1h30m", 90),
        ("1h 30m", 90),
        ("1.5h", 90),
        ("0.25h", 15),
        ("120m", 120),
        (" 5m ", 5),
        ("0m", 0),
    ],
)
def test_a_span_is_hours_and_minutes(typed: str, expected: int) -> None:
    assert parse_span(typed) == expected


@pytest.mark.parametrize(
    "typed", ["", "1h90m", "1.33h", "m", "h", "1,5h", "90 min", "-5m", "1d", "1h30", "h30m", "9:00"]
)
def test_anything_else_is_refused_with_what_is_accepted(typed: str) -> None:
    error = refusal(parse_span, typed)
    assert error.exit_code == 2
    assert "Accepted: 90m, 1h, 1h30m, 1.5h." in error.hint


def test_a_bare_number_is_asked_back() -> None:
    assert refusal(parse_span, "90").message == "90 what? 90m or 90h."


def test_a_span_of_more_than_a_month_is_a_slip() -> None:
    assert "longer than 31 days" in refusal(parse_span, "9000h").message


@given(minutes)
def test_what_is_shown_of_a_span_can_be_typed_back(span: int) -> None:
    assert parse_span(format_minutes(span)) == span
    assert parse_span(format_minutes(span).replace(" ", "")) == span


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


# --- instants typed ---


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("9:05", "2026-11-23T08:05"),
        ("09:05", "2026-11-23T08:05"),
        ("9:05+01:00", "2026-11-23T08:05"),
        ("9:05Z", "2026-11-23T09:05"),
        ("yesterday 9:05", "2026-11-22T08:05"),
        ("today 9:05", "2026-11-23T08:05"),
        ("2026-06-02T14:00", "2026-06-02T12:00"),
        ("2026-06-02 14:00", "2026-06-02T12:00"),
        ("2026-06-02T14:00:00Z", "2026-06-02T14:00"),
        ("2026-06-02T14:00:00.123Z", "2026-06-02T14:00"),
        ("2026-06-02T14:00+05:45", "2026-06-02T08:15"),
        ("24:00", "2026-11-23T23:00"),
    ],
)
def test_a_time_is_local_unless_it_says_otherwise(typed: str, expected: str) -> None:
    assert parse_instant(typed, TODAY, TODAY, BERLIN) == utc(expected)


@pytest.mark.parametrize(
    "typed",
    ["", "9", "9am", "25:00", "9:60", "24:01", "9:05+2", "2026-02-30T09:00", "tomorrow 9:00", "9.05", "9:05+99:00"],
)
def test_an_unreadable_time_is_refused_with_what_is_accepted(typed: str) -> None:
    error = refusal(parse_instant, typed, TODAY, TODAY, BERLIN)
    assert re.search("is not a (time|date)", error.message)
    assert "Accepted:" in error.hint


@pytest.mark.parametrize("typed", ["9:00-10:30", "9:05+02:00", "8:00-10:00"])
def test_a_clock_takes_no_offset_but_the_one_that_is_used_here(typed: str) -> None:
    assert "this computer's offset is +01:00" in refusal(parse_instant, typed, TODAY, TODAY, BERLIN).message


def test_a_time_that_happens_twice_is_asked_back_with_both_readings() -> None:
    error = refusal(parse_instant, "2:30", FALL_BACK, TODAY, BERLIN)
    assert error.message == "02:30 on Sun 25 Oct happens twice: the clocks go back."
    assert error.hint == "Choose a time: 02:30+02:00 or 02:30+01:00"
    assert parse_instant("02:30+02:00", FALL_BACK, TODAY, BERLIN) == utc("2026-10-25T00:30")
    assert parse_instant("02:30+01:00", FALL_BACK, TODAY, BERLIN) == utc("2026-10-25T01:30")


def test_a_time_that_does_not_exist_is_asked_back_with_both_readings() -> None:
    error = refusal(parse_instant, "2:30", SPRING, TODAY, BERLIN)
    assert error.message == "02:30 on Sun 29 Mar does not exist: the clocks go forward."
    assert error.hint == "Choose a time: 02:30+01:00 (03:30 local time) or 02:30+02:00 (01:30 local time)"


@given(instants, zones)
def test_what_is_shown_of_a_time_can_be_typed_back(instant: datetime, zone: ZoneInfo) -> None:
    day = local_date(instant, zone)
    assert parse_instant(format_time(instant, zone), day, day, zone) == cut(instant)


# --- intervals ---


@pytest.mark.parametrize(
    ("typed", "start", "end"),
    [
        ("90m", "2026-11-23T07:35", "2026-11-23T09:05"),
        ("9:00-10:30", "2026-11-23T08:00", "2026-11-23T09:30"),
        ("9:00+90m", "2026-11-23T08:00", "2026-11-23T09:30"),
        ("9:00+1h30m", "2026-11-23T08:00", "2026-11-23T09:30"),
        ("9:00+01:00+30m", "2026-11-23T08:00", "2026-11-23T08:30"),
        ("9:00+01:00-10:00+01:00", "2026-11-23T08:00", "2026-11-23T09:00"),
        ("9:00+01:00-10:00", "2026-11-23T08:00", "2026-11-23T09:00"),
        ("9:00-10:00+01:00", "2026-11-23T08:00", "2026-11-23T09:00"),
        ("22:00-24:00", "2026-11-23T21:00", "2026-11-23T23:00"),
    ],
)
def test_the_three_forms_of_a_span_of_time(typed: str, start: str, end: str) -> None:
    assert parse_interval(typed, NOW, None, BERLIN) == (utc(start), utc(end))


def test_west_of_greenwich_an_offset_has_a_hyphen_too() -> None:
    new_york, day = ZoneInfo("America/New_York"), date(2026, 11, 1)  # 01:00-02:00 happens twice
    first, second = utc("2026-11-01T05:30"), utc("2026-11-01T06:30")
    assert parse_interval("01:30-04:00-2:15", NOW, day, new_york) == (first, utc("2026-11-01T07:15"))
    assert parse_interval("01:30-05:00-2:15", NOW, day, new_york) == (second, utc("2026-11-01T07:15"))
    assert "happens twice" in refusal(parse_interval, "01:30-02:15", NOW, day, new_york).message


def test_a_length_alone_says_nothing_about_another_day() -> None:
    error = refusal(parse_interval, "90m", NOW, TODAY - timedelta(days=1), BERLIN)
    assert error.message == "90m from when, on Sun 22 Nov?"
    assert error.hint == "Give the start too: 9:00+90m"


@pytest.mark.parametrize("typed", ["9:00", "9:00-", "9:00-10:30-11:00", "9:00+", "9:00+90", "-10:30"])
def test_half_an_interval_is_refused(typed: str) -> None:
    assert refusal(parse_interval, typed, NOW, None, BERLIN).exit_code == 2


@given(instants, st.integers(1, 30 * 24 * 60), zones)
def test_what_is_shown_of_an_interval_can_be_typed_back(start: datetime, length: int, zone: ZoneInfo) -> None:
    start = cut(start)
    end = start + timedelta(minutes=length)
    shown = format_interval(start, end, zone)
    assert parse_interval(shown, NOW, local_date(start, zone), zone) == (start, end)


def test_intervals_across_midnight_and_to_midnight() -> None:
    def shown(start: str, end: str | None) -> str:
        return format_interval(utc(start), utc(end) if end else None, BERLIN)

    assert shown("2026-11-23T08:12", "2026-11-23T09:00") == "09:12-10:00"
    assert shown("2026-11-23T21:00", "2026-11-23T23:00") == "22:00-24:00"
    assert shown("2026-11-23T22:00", "2026-11-24T00:30") == "23:00+2h30m"
    assert shown("2026-11-23T08:12", None) == "09:12-"
    assert shown("2026-10-25T00:30", "2026-10-25T02:10") == "02:30+02:00-03:10+01:00"


# --- dates ---


def test_dates() -> None:
    assert parse_date("2026-06-02", TODAY) == date(2026, 6, 2)
    assert parse_date("yesterday", TODAY) == date(2026, 11, 22)
    assert "2026-06-02, today, yesterday" in refusal(parse_date, "2.6.", TODAY).hint
    assert "is not a date" in refusal(parse_date, "2026-02-30", TODAY).message


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
