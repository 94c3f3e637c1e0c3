"""What people type as a time, a day, a length or a span: accepted, asked back, or refused."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alga.core.errors import UsageError
from alga.core.grammar import (
    LONGEST_SPAN,
    parse_date,
    parse_instant,
    parse_interval,
    parse_intervals,
    parse_minutes,
    parse_period,
    parse_span,
)
from alga.core.times import cut, format_interval, format_minutes, format_time, local_date
from tests.support import utc

if TYPE_CHECKING:
    from collections.abc import Callable

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


def refusal(action: object, *given: object) -> UsageError:
    """The error that an action raises."""
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
        ("90M", 90),
        ("2,5 hours", 150),
        (".5h", 30),
        ("1 hour, 5 minutes", 65),
        ("9h30", 570),
    ],
)
def test_a_span_is_hours_and_minutes(typed: str, expected: int) -> None:
    assert parse_span(typed) == expected


@pytest.mark.parametrize(
    "typed", ["", "1h90m", "m", "h", "-5m", "1d", "h30m", "90 m in", "1h 2h", "١h", "1,5,5h", "0:00"]
)
def test_anything_else_is_refused_with_what_is_accepted(typed: str) -> None:
    error = refusal(parse_span, typed)
    assert error.exit_code == 2
    assert "Accepted: 90m, 1h, 1h30m, 1.5h." in error.hint


def test_a_bare_number_is_asked_back() -> None:
    assert refusal(parse_span, "90").message == "90 what? 90m or 90h."


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("1.30h", "1h18m or 1h30m"), ("1,45 hours", "1h27m or 1h45m"), ("0.10h", "6m or 10m"), (".30h", "18m or 30m")],
)
def test_hours_with_a_point_that_may_be_minutes_are_asked_back(typed: str, hint: str) -> None:
    assert refusal(parse_span, typed).hint == f"Did you mean {hint}?"


def test_billable_minutes_are_a_number_or_a_length() -> None:
    assert [parse_minutes(typed) for typed in ("0", "8", "90", "8m", "1h")] == [0, 8, 90, 8, 60]


def test_a_span_of_more_than_a_month_is_a_slip() -> None:
    assert "longer than 31 days" in refusal(parse_span, "9000h").message


@given(minutes)
def test_what_is_shown_of_a_span_can_be_typed_back(span: int) -> None:
    assert parse_span(format_minutes(span)) == span
    assert parse_span(format_minutes(span).replace(" ", "")) == span


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
        ("9:05 p.m.", "2026-11-23T20:05"),
        ("12pm", "2026-11-23T11:00"),
        ("noon", "2026-11-23T11:00"),
        ("now", "2026-11-23T09:05"),
        ("2h ago", "2026-11-23T07:05"),
        ("monday 9:05", "2026-11-16T08:05"),
        ("9:05 am on 20 Nov", "2026-11-20T08:05"),
        ("9:05 am yesterday", "2026-11-22T08:05"),
        ("20261120T0905", "2026-11-20T08:05"),
        ("9:05+01", "2026-11-23T08:05"),
    ],
)
def test_a_time_is_local_unless_it_says_otherwise(typed: str, expected: str) -> None:
    assert parse_instant(typed, NOW, BERLIN) == utc(expected)


@pytest.mark.parametrize(
    "typed",
    ["", "25:00", "9:60", "24:01", "9:05+2", "2026-02-30T09:00", "tomorrow 9:00", "13pm", "0am", "9:05+99:00", "9,05"],
)
def test_an_unreadable_time_is_refused_with_what_is_accepted(typed: str) -> None:
    error = refusal(parse_instant, typed, NOW, BERLIN)
    assert re.search("is not a (time|date)", error.message)
    assert "Accepted:" in error.hint


@pytest.mark.parametrize("typed", ["9:00-10:30", "9:05+02:00", "8:00-10:00"])
def test_a_clock_takes_no_offset_but_the_one_that_is_used_here(typed: str) -> None:
    assert "the offset here is +01:00" in refusal(parse_instant, typed, NOW, BERLIN).message


def test_a_time_that_happens_twice_is_asked_back_with_both_readings() -> None:
    error = refusal(parse_instant, "2:30", NOW, BERLIN, FALL_BACK)
    assert error.message == "02:30 on Sun 25 Oct happens twice: the clocks go back."
    assert error.hint == "Choose a time: 02:30+02:00 or 02:30+01:00"
    assert parse_instant("02:30+02:00", NOW, BERLIN, FALL_BACK) == utc("2026-10-25T00:30")
    assert parse_instant("02:30+01:00", NOW, BERLIN, FALL_BACK) == utc("2026-10-25T01:30")


def test_a_time_that_does_not_exist_is_asked_back_with_both_readings() -> None:
    error = refusal(parse_instant, "2:30", NOW, BERLIN, SPRING)
    assert error.message == "02:30 on Sun 29 Mar does not exist: the clocks go forward."
    assert error.hint == "Choose a time: 02:30+01:00 (03:30 local time) or 02:30+02:00 (01:30 local time)"


@given(instants, zones)
def test_what_is_shown_of_a_time_can_be_typed_back(instant: datetime, zone: ZoneInfo) -> None:
    day = local_date(instant, zone)
    assert parse_instant(format_time(instant, zone), NOW, zone, day) == cut(instant)


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


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("9:00+5", "9:00+5m"), ("9:00 5m", "9:00+5m"), ("9:00 1h 5m", "9:00+1h5m"), ("8.30-8.45", "8:30-8:45")],
)
def test_what_is_nearly_a_span_is_told_as_one(typed: str, meant: str) -> None:
    assert refusal(parse_interval, typed, NOW, None, BERLIN).hint == f"Did you mean {meant}?"


def test_a_length_alone_says_nothing_about_another_day() -> None:
    error = refusal(parse_interval, "90m", NOW, TODAY - timedelta(days=1), BERLIN)
    assert error.message == "90m from when, on Sun 22 Nov?"
    assert error.hint == "Give the start too: 9:00+90m"


AFTERNOON = utc("2026-11-23T16:00")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("1:00-2:30pm", "Did you mean 1:00pm-2:30pm or 1:00-14:30?"),
        ("1pm-2:30", "Did you mean 1:00pm-2:30pm?"),
        (
            "yesterday 1:00-2:30pm",
            "Did you mean '2026-11-22 1:00pm-2:30pm' or '2026-11-22 1:00-14:30'?",
        ),
        ("1:00-2:30pm yesterday", "Did you mean '2026-11-22 1:00pm-2:30pm' or '2026-11-22 1:00-14:30'?"),
    ],
)
def test_am_or_pm_at_one_end_is_asked_back_where_it_could_be_of_both(typed: str, hint: str) -> None:
    assert refusal(parse_interval, typed, AFTERNOON, None, BERLIN).hint == hint


@pytest.mark.parametrize(
    ("typed", "start", "end"),
    [("11:00-1:00pm", "10:00", "12:00"), ("10am-11:30", "09:00", "10:30"), ("9:00-10:30am", "08:00", "09:30")],
)
def test_am_or_pm_at_one_end_that_can_be_of_that_end_only_is_read(typed: str, start: str, end: str) -> None:
    found = parse_interval(typed, AFTERNOON, None, BERLIN)
    assert found == (utc(f"2026-11-23T{start}"), utc(f"2026-11-23T{end}"))


@pytest.mark.parametrize("typed", ["9:00-now", "2h ago - now", "2026-11-21 9:00-10:00", "monday 9:00+1h"])
def test_a_span_of_another_day_than_the_one_beside_it_is_refused(typed: str) -> None:
    assert "is not on Sun 22 Nov" in refusal(parse_interval, typed, NOW, date(2026, 11, 22), BERLIN).message


def test_an_offset_is_that_of_the_zone_unless_the_date_is_written_out() -> None:
    assert "the offset here is +01:00" in refusal(parse_instant, "yesterday 9:05+02:00", NOW, BERLIN).message
    assert parse_instant("2026-11-22 9:05+02:00", NOW, BERLIN) == utc("2026-11-22T07:05")


def test_a_text_of_any_length_is_answered_at_once() -> None:
    assert "is too long for a time" in refusal(parse_interval, "1h " * 100_000, NOW, None, BERLIN).message
    assert len(parse_intervals(["7:00+5m"] * 500, NOW, None, BERLIN)) == 500


@pytest.mark.parametrize("typed", ["9:00", "9:00-", "9:00-10:30-11:00", "9:00+", "9:00+90", "-10:30"])
def test_half_an_interval_is_refused(typed: str) -> None:
    assert refusal(parse_interval, typed, NOW, None, BERLIN).exit_code == 2


@given(instants, st.integers(1, 30 * 24 * 60), zones)
def test_what_is_shown_of_an_interval_can_be_typed_back(start: datetime, length: int, zone: ZoneInfo) -> None:
    start = cut(start)
    end = start + timedelta(minutes=length)
    shown = format_interval(start, end, zone)
    assert parse_interval(shown, NOW, local_date(start, zone), zone) == (start, end)


# --- dates ---


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("2026-06-02", date(2026, 6, 2)),
        ("2026/6/2", date(2026, 6, 2)),
        ("20260602", date(2026, 6, 2)),
        ("2.6.2026", date(2026, 6, 2)),
        ("2 June 2025", date(2025, 6, 2)),
        ("June 2", date(2026, 6, 2)),
        ("2. Jun", date(2026, 6, 2)),
        ("yesterday", date(2026, 11, 22)),
        ("monday", date(2026, 11, 16)),  # TODAY is one
        ("last Sun", date(2026, 11, 22)),
    ],
)
def test_a_day_can_be_typed_in_the_ways_people_write_it(typed: str, expected: date) -> None:
    assert parse_date(typed, TODAY) == expected


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("2.6.", "Did you mean 2026-06-02?"),
        ("02/06/2026", "Did you mean 2026-06-02 or 2026-02-06?"),
        ("Dec 24", "Did you mean 2025-12-24 or 2026-12-24?"),
        ("2026-W48", "Did you mean --period 2026-W48?"),
        ("november", "Did you mean --period 2026-11?"),
        ("december", "Did you mean --period 2025-12?"),
        ("last week", "Did you mean --last-week?"),
        ("eow", "Did you mean 2026-11-29?"),
        ("2026-02-30", "Accepted: 2026-06-02, 2.6.2026, 'Jun 2', today, yesterday, monday."),
    ],
)
def test_what_is_no_clear_day_is_asked_back(typed: str, hint: str) -> None:
    assert refusal(parse_date, typed, TODAY).hint == hint


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2026-W48", date(2026, 11, 23), date(2026, 11, 29)),
        ("2026-q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("7d", date(2026, 11, 17), date(2026, 11, 23)),
        ("yesterday", date(2026, 11, 22), date(2026, 11, 22)),
    ],
)
def test_periods(typed: str, first: date, last: date) -> None:
    assert parse_period(typed, TODAY) == (first, last)


@pytest.mark.parametrize("typed", ["2026-13", "2026-W54", "2026-Q5", "0d", "1800", "week", "x"])
def test_what_is_no_period_is_refused(typed: str) -> None:
    assert "is not a period" in refusal(parse_period, typed, TODAY).message


@given(st.dates(date(1901, 1, 1), date(2199, 12, 31)))
def test_every_day_lies_in_its_month_week_quarter_and_year(day: date) -> None:
    quarter = (day.month + 2) // 3
    for typed in (f"{day:%Y-%m}", f"{day:%G-W%V}", f"{day.year}-Q{quarter}", str(day.year), str(day)):
        first, last = parse_period(typed, TODAY)
        assert first <= day <= last


# --- several words, several spans ---


@pytest.mark.parametrize(
    ("typed", "spans"),
    [
        ("9:00 - 10:00", [("2026-11-23T08:00", "2026-11-23T09:00")]),
        ("9:00 to 10:00", [("2026-11-23T08:00", "2026-11-23T09:00")]),
        ("1h 5m", [("2026-11-23T08:00", "2026-11-23T09:05")]),
        ("yesterday 9:00-10:00", [("2026-11-22T08:00", "2026-11-22T09:00")]),
        ("9:00-10:00 yesterday", [("2026-11-22T08:00", "2026-11-22T09:00")]),
        ("yesterday 23:00 - today 1:00", [("2026-11-22T22:00", "2026-11-23T00:00")]),
        (
            "7:00+10m 7:20+10m 8:05 - 9:00",
            [
                ("2026-11-23T06:00", "2026-11-23T06:10"),
                ("2026-11-23T06:20", "2026-11-23T06:30"),
                ("2026-11-23T07:05", "2026-11-23T08:00"),
            ],
        ),
    ],
)
def test_words_are_one_span_or_several(typed: str, spans: list[tuple[str, str]]) -> None:
    assert parse_intervals(typed.split(), NOW, None, BERLIN) == [(utc(start), utc(end)) for start, end in spans]


def test_the_day_of_the_first_span_is_the_day_of_all() -> None:
    spans = parse_intervals(["yesterday", "9:00-10:00", "11:00+30m"], NOW, None, BERLIN)
    assert [start for start, _ in spans] == [utc("2026-11-22T08:00"), utc("2026-11-22T10:00")]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("9:00-9:30 yesterday 10:00-10:30", "can be read in two ways"),
        ("yesterday 9:00-10:00 today 9:30-10:00", "can be read in two ways"),
        ("22 nov 9:00-10:00 23 nov 8:00-8:30", "can be read in two ways"),
        ("nov 20 23:00-0:30 nov 21 9:00-10:00", "can be read in two ways"),
        ("9:00-9:30 20 nov 11:00-12:00", "can be read in two ways"),
        ("9:00-9:30 9:40-9:45 yesterday", "Some of these spans name a day, and some do not."),
    ],
)
def test_spans_of_several_days_are_not_guessed(typed: str, told: str) -> None:
    assert told in refusal(parse_intervals, typed.split(), NOW, None, BERLIN).message


HOURS = ((480, 720), (780, 1020))  # 8:00-12:00 13:00-17:00


@pytest.mark.parametrize(
    ("typed", "now", "start", "end"),
    [
        ("9-10", "2026-11-23T09:05", "2026-11-23T08:00", "2026-11-23T09:00"),
        ("8-9:30", "2026-11-23T09:05", "2026-11-23T07:00", "2026-11-23T08:30"),
        ("1-2", "2026-11-23T16:00", "2026-11-23T12:00", "2026-11-23T13:00"),
        ("11-1", "2026-11-23T16:00", "2026-11-23T10:00", "2026-11-23T12:00"),
    ],
)
def test_bare_hours_are_read_within_the_working_hours(typed: str, now: str, start: str, end: str) -> None:
    assert parse_interval(typed, utc(now), None, BERLIN, HOURS) == (utc(start), utc(end))


@pytest.mark.parametrize("typed", ["9-10", "18-19", "9-11", "6-7"])
def test_bare_hours_that_are_not_over_or_outside_are_asked_back(typed: str) -> None:
    hours = () if typed == "9-10" else HOURS
    assert "is not a span of time" in refusal(parse_interval, typed, NOW, None, BERLIN, hours).message


# --- whatever is typed ---

texts = st.lists(
    st.sampled_from([
        *"0123456789:-+.,<>/ tTzZ", "h", "m", "am", "pm", "now", "ago", "yesterday", "today", "monday", "min", "hours",
        "2026", "11", "24", "W48", "Q4", "Nov", "to", "for", "from", "before", "tomorrow", "half an hour", "last",
    ]),
    max_size=8,
).map("".join)  # fmt: skip


@given(texts | st.text(max_size=12))
def test_every_text_is_read_or_refused_and_what_is_proposed_can_be_typed(text: str) -> None:
    parses: list[Callable[[str], object]] = [
        parse_span,
        lambda each: parse_date(each, TODAY),
        lambda each: parse_period(each, TODAY),
        lambda each: parse_instant(each, NOW, BERLIN),
        lambda each: parse_interval(each, NOW, None, BERLIN),
    ]
    for parse in parses:
        try:
            parse(text)
        except UsageError as error:
            for reading in getattr(error, "readings", ()):
                if not reading.startswith("--"):
                    assert parse(reading) is not None
                elif reading.startswith("--period "):
                    assert parse_period(reading.removeprefix("--period "), TODAY)


@given(
    st.integers(0, 99),
    st.integers(0, 59),
    st.sampled_from(["h", " h", "hr", " hours"]),
    st.sampled_from(["m", "min", " minutes"]),
)
def test_a_length_is_the_same_however_its_units_are_written(hours: int, rest: int, hour: str, minute: str) -> None:
    assert parse_span(f"{hours}{hour} {rest}{minute}") == hours * 60 + rest
    assert parse_span(f"{hours}{hour}{rest}{minute}".upper()) == hours * 60 + rest


@given(st.integers(0, 23), st.integers(0, 59))
def test_a_clock_of_twelve_hours_is_the_same_time(hour: int, minute: int) -> None:
    half = f"{(hour + 11) % 12 + 1}:{minute:02} {'pm' if hour >= 12 else 'am'}"
    assert parse_instant(half, NOW, BERLIN) == parse_instant(f"{hour}:{minute:02}", NOW, BERLIN)
