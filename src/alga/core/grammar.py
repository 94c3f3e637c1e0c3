"""Lengths of time, times, days, periods and spans as people type them; docs/guide.md shows the same on one page.

The place decides: `9h30` is a length of 570 minutes, and no time. What can be read in one way is accepted; what could
mean something else is refused with its readings (Unclear), each of which can be typed; all other text is refused.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from alga.core.errors import Unclear, UsageError
from alga.core.times import cut, format_day, is_digits, local_date, offset_text

ACCEPTED_SPANS = "Accepted: 90m, 1h, 1h30m, 1.5h."
ACCEPTED_TIMES = "Accepted: 9:05, 9:05pm, 'yesterday 9:05', 2026-06-02T14:00, '2h ago', or with an offset 14:00+02:00."
ACCEPTED_DATES = "Accepted: 2026-06-02, 2.6.2026, 'Jun 2', today, yesterday, monday."
ACCEPTED_PERIODS = "Accepted: 2026-11, 2026-W48, 2026-Q4, 2026, 7d, or a date."
ACCEPTED_INTERVALS = "Accepted: 90m (ending now), 9:00-10:30, 9:00+90m."
LONGEST_SPAN = 31 * 24 * 60
LONGEST_TEXT = 100  # characters
MOST_WORDS = 12  # of one span
SHORTEST_WEEKDAY = 3  # letters of its name
Hours = Sequence[tuple[int, int]]  # the working hours, each from and to a minute of the day

# In lower case. Patterns are compiled on first use: most commands need none of them.
DASHES = "[\u2010-\u2015\u2212]"
_HOUR, _MINUTE = "(?:h|hrs?|hours?)", "(?:m|mins?|minutes?)"
_DECIMAL = rf"(\d{{0,4}})[.,](\d{{1,3}})\s*{_HOUR}"
_AS_MINUTES = "10|15|20|30|40|45"  # after a point: people write hours and minutes so, too
_SPAN = rf"(\d{{1,5}})\s*{_HOUR}(?:,?\s*(\d{{1,3}})\s*{_MINUTE}?)?|(\d{{1,5}})\s*{_MINUTE}"
_OFFSET = r"(?P<offset>z|[+-]\d\d(?::\d\d)?)"
_CLOCK = rf"(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?{_OFFSET}?"
_HALF_DAY = r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>[ap])\.?m\.?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEAR, _DAY_OF_MONTH = r"(?P<year>\d{4})", r"(?P<day>\d{1,2})"
_DATES = (
    rf"{_YEAR}(?P<mark>[-/])(?P<number>\d{{1,2}})(?P=mark){_DAY_OF_MONTH}",
    rf"{_YEAR}(?P<number>\d\d)(?P<day>\d\d)",
    rf"{_DAY_OF_MONTH}\.(?P<number>\d{{1,2}})\.{_YEAR}",
    rf"{_DAY_OF_MONTH}\.? {_MONTH}(?: {_YEAR})?",
    rf"{_MONTH} {_DAY_OF_MONTH}(?:,? {_YEAR})?",
)
_PERIOD = r"(?P<days>\d{1,4})d|(?P<year>(?:19|20|21)\d\d)(?:-(?P<month>\d\d)|-?w(?P<week>\d\d)|-?q(?P<quarter>[1-4]))?"
_BETWEEN = r"\s*-\s*|\s+(?:to|until)\s+"
Readings = Callable[[re.Match[str]], Iterable[str]]


def _matched(pattern: str, text: str) -> re.Match[str] | None:
    return re.fullmatch(pattern, text, re.ASCII)


def _refusal(typed: str, what: str, accepted: str, readings: Iterable[str] = ()) -> UsageError:
    """The error for a text that is no `what`: with what it could mean, or else with what is accepted."""
    told = f"'{typed}' is not {what}."
    if not (found := list(dict.fromkeys(readings))):
        return UsageError(told, accepted)
    shown = [f"'{each}'" if " " in each and not each.startswith("--") else each for each in found]
    return Unclear(told, f"Did you mean {' or '.join(shown)}?", found)


def _tidy(text: str) -> str:
    """The text with single blanks, and hyphens for the dashes of documents. Raises UsageError for a long one."""
    if len(text) > LONGEST_TEXT:
        raise UsageError(f"'{text[:20]}…' is too long for a time.", ACCEPTED_INTERVALS)
    return " ".join(re.sub(DASHES, "-", text).split())


def _meanings(table: Iterable[tuple[str, Readings]], text: str, parse: Callable[[str], object]) -> list[str]:
    """What a text could mean by a table of patterns, as far as that can be typed."""
    found = [
        reading for pattern, readings in table if (match := _matched(pattern, text)) for reading in readings(match)
    ]
    return [reading for reading in found if _accepts(parse, reading)]


def _accepts(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except UsageError:
        return False
    return True


# --- lengths of time ------------------------------------------------------------------------------

_UNCLEAR_SPANS: tuple[tuple[str, Readings], ...] = (
    (r"\d*[.,]\d+", lambda m: [f"{m[0]}h"]),
    (rf"(\d{{0,3}})[.,]({_AS_MINUTES})(?:\s*{_HOUR})?", lambda m: _decimal_or_minutes(int(m[1] or 0), int(m[2]))),
    (r"(\d{1,2}):(\d\d)(?::\d\d)?", lambda m: [f"{int(m[1])}h{m[2]}m"]),
    (r":(\d\d)", lambda m: [f"{m[1]}m"]),
    (r"(.+?),?\s*\d+\s*(?:s|secs?|seconds?)", lambda m: [m[1]]),
    (r"\+\s*(.+)", lambda m: [m[1]]),
    (r"(?:an?|one) hour", lambda m: ["1h"]),
    (r"half an hour", lambda m: ["30m"]),
    (rf"(?!\d*.(?:{_AS_MINUTES})\s*h)(\d{{0,3}}[.,]\d+)\s*({_HOUR}|{_MINUTE})", lambda m: _whole(m[1], m[2])),
)


def _decimal_or_minutes(hours: int, digits: int) -> list[str]:
    """`1h18m` and `1h30m`, of 1.30 hours."""
    both = ((hours * 100 + digits) * 60 // 100, hours * 60 + digits)
    return [f"{minutes // 60}h{minutes % 60}m" if minutes >= 60 else f"{minutes}m" for minutes in both]


def _whole(number: str, unit: str) -> list[str]:
    """The whole minutes below and above a length like `1.33h`."""
    minutes = int(float(number.replace(",", ".")) * (60 if unit[0] == "h" else 1))
    return [f"{minutes}m", f"{minutes + 1}m"]


def parse_span(text: str) -> int:
    """Minutes in `90m`, `1h`, `1h30m`, `1h30`, `1.5h`, `2,5 hours`, `90 minutes`. Raises UsageError, also for a bare
    number and for a length that is not in whole minutes.
    """
    typed = _tidy(text)
    minutes = _minutes(typed.lower())
    if minutes is None:
        if is_digits(typed):
            readings = [reading for reading in (f"{typed}m", f"{typed}h") if _accepts(parse_span, reading)]
            raise Unclear(f"{typed} what? {' or '.join(readings)}.", "", readings) if readings else _too_long(typed)
        raise _refusal(typed, "a length of time", ACCEPTED_SPANS, _lengths(typed))
    if minutes > LONGEST_SPAN:
        raise _too_long(typed)
    return minutes


def parse_minutes(text: str) -> int:
    """Minutes in a length, or in a number alone: `60`. Raises UsageError."""
    return int(text) if is_digits(text) and len(text) < 6 else parse_span(text)


def _too_long(typed: str) -> UsageError:
    return UsageError(f"'{typed}' is longer than 31 days.", ACCEPTED_SPANS)


def _lengths(typed: str) -> list[str]:
    """The lengths that a text could mean."""
    return [each for each in _meanings(_UNCLEAR_SPANS, typed.lower(), parse_span) if parse_span(each)]


def _minutes(low: str) -> int | None:
    """The minutes of a length in lower case; None for another text, and for a length that is not in whole minutes."""
    if match := _matched(_DECIMAL, low):
        if _matched(_AS_MINUTES, match[2]):
            return None
        sixty_thousandths = int(match[2].ljust(3, "0")) * 60
        return None if sixty_thousandths % 1000 else int(match[1] or 0) * 60 + sixty_thousandths // 1000
    if not (match := _matched(_SPAN, low)):
        return None
    hours, rest = int(match[1] or 0), int(match[2] or match[3] or 0)
    return None if match[1] and rest >= 60 else hours * 60 + rest


# --- days -----------------------------------------------------------------------------------------

_UNCLEAR_DATES: tuple[tuple[str, Callable[[re.Match[str], date], Iterable[str]]], ...] = (
    (r"tomorrow", lambda m, today: [str(today + timedelta(days=1))]),
    (r"(\d{4})-(\d{3})", lambda m, today: _date_text(lambda: _ordinal(int(m[1]), int(m[2])))),
    (
        r"(\d{4})-?w(\d\d)-?([1-7])",
        lambda m, today: _date_text(lambda: date.fromisocalendar(int(m[1]), int(m[2]), int(m[3]))),
    ),
    (_MONTH, lambda m, today: [f"--period {_this_or_last_year(_number_of(m['month']), today)}"]),
    (r"(s|e)o(d|w|m|q|y)", lambda m, today: [str(_edge(m[1], m[2], today))]),
    (r"(\d{1,2})(?:st|nd|rd|th)", lambda m, today: [f"{today:%Y-%m}-{int(m[1]):02}"]),
    (
        r"(\d{1,2})\.(\d{1,2})\.?",
        lambda m, today: [f"{year}-{int(m[2]):02}-{int(m[1]):02}" for year in _years(int(m[2]), int(m[1]), today)],
    ),
    (
        r"(\d{1,2})/(\d{1,2})/(\d{4})",
        lambda m, today: [f"{m[3]}-{int(m[2]):02}-{int(m[1]):02}", f"{m[3]}-{int(m[1]):02}-{int(m[2]):02}"],
    ),
    (r"(?:this )?(week|month)", lambda m, today: [f"--{m[1]}"]),
    (r"last (week|month)", lambda m, today: [f"--last-{m[1]}"]),
)


def parse_date(text: str, today: date, alone: bool = False) -> date:
    """The date in `2026-06-02`, `2.6.2026`, `Jun 2`, `today`, `yesterday`, `monday` (the latest before today).

    Raises UsageError, also for a period, whose days are several; `alone`: where no period and no day to come can be.
    """
    if alone:
        return _day_alone(text, today)
    low = _tidy(text.lower())
    if low in ("today", "yesterday"):
        return today - timedelta(days=low == "yesterday")
    if (named_day := weekday(low.removeprefix("last "))) is not None:
        return today - timedelta(days=(today.weekday() - named_day - 1) % 7 + 1)
    match = next((match for pattern in _DATES if (match := _matched(pattern, low))), None)
    if match is None:
        raise _refusal(text, "a date", ACCEPTED_DATES, _days_meant(low, today))
    named = match.groupdict()
    month = int(named.get("number") or _number_of(named.get("month") or ""))
    try:
        found = date(int(named.get("year") or today.year), month, int(named["day"]))
    except ValueError as fault:
        raise UsageError(f"'{text}' is not a date: {fault}.", ACCEPTED_DATES) from fault
    if not 1900 <= found.year < 2200:
        raise _refusal(text, "a date", ACCEPTED_DATES)
    if found > today and not named.get("year"):
        before = _date_text(lambda: found.replace(year=found.year - 1))
        raise _refusal(text, "a date before today", ACCEPTED_DATES, [*before, str(found)])
    return found


def _day_alone(text: str, today: date) -> date:
    try:
        return parse_date(text, today)
    except Unclear as error:
        days = [each for each in error.readings if not each.startswith("--") and parse_date(each, today) <= today]
        raise _refusal(text, "a date", ACCEPTED_DATES, days) from None


def _days_meant(low: str, today: date) -> list[str]:
    """The dates and periods that a text could mean."""
    table = [(pattern, lambda m, readings=readings: readings(m, today)) for pattern, readings in _UNCLEAR_DATES]
    found = _meanings(table, low, lambda each: each.startswith("--") or parse_date(each, today))
    return [*found, *([f"--period {low.upper()}"] if re.match(r"\d{4}", low) and _period(low, today) else [])]


def weekday(low: str) -> int | None:
    """0 for `mon`, `mond` and `monday`, 6 for `sunday`; None for a text that names no weekday."""
    return next((n for n, name in enumerate(WEEKDAYS) if len(low) >= SHORTEST_WEEKDAY and name.startswith(low)), None)


def _years(month: int, day: int, today: date) -> list[int]:
    """The years that a day without one may be in: this one, and the last one for a day to come."""
    return [today.year] if (month, day) <= (today.month, today.day) else [today.year - 1, today.year]


def _number_of(month: str) -> int:
    return _MONTHS.index(month[:3]) + 1


def _this_or_last_year(month: int, today: date) -> str:
    return f"{today.year - (month > today.month)}-{month:02}"


def _ordinal(year: int, day: int) -> date:
    """The day of a year by its number. Raises ValueError."""
    found = date(year, 1, 1) + timedelta(days=day - 1)
    if found.year != year:
        raise ValueError("no such day")
    return found


def _date_text(make: Callable[[], date]) -> list[str]:
    try:
        return [str(make())]
    except (ValueError, OverflowError):
        return []


def _edge(end: str, unit: str, today: date) -> date:
    """The first or last day of the day, week, month, quarter or year around today."""
    names = {
        "d": str(today), "w": f"{today:%G-w%V}", "m": f"{today:%Y-%m}", "q": f"{today.year}-q{(today.month + 2) // 3}",
        "y": str(today.year),
    }  # fmt: skip
    return (_period(names[unit], today) or (today, today))[end == "e"]


def parse_period(text: str, today: date) -> tuple[date, date]:
    """The first and the last day of `2026-11`, `2026-W48`, `2026-Q4`, `2026`, `7d` (up to today) or of a date.

    Raises UsageError.
    """
    low = _tidy(text.lower())
    if found := _period(low, today):
        return found
    try:
        day = parse_date(low, today)
    except UsageError as error:
        readings = [_as_period(each, today) for each in getattr(error, "readings", ())]
        raise _refusal(text, "a period", ACCEPTED_PERIODS, readings) from None
    return day, day


def _as_period(reading: str, today: date) -> str:
    """A reading of a date, to be typed as a period."""
    last_month = today.replace(day=1) - timedelta(days=1)
    named = {
        "--week": f"{today:%G-W%V}", "--last-week": f"{today - timedelta(days=7):%G-W%V}",
        "--month": f"{today:%Y-%m}", "--last-month": f"{last_month:%Y-%m}",
    }  # fmt: skip
    return named.get(reading) or reading.removeprefix("--period ")


def _period(low: str, today: date) -> tuple[date, date] | None:
    """The days of a period in lower case, which is no date."""
    match = _matched(_PERIOD, low)
    if match is None:
        return None
    if match["days"]:
        return (today - timedelta(days=int(match["days"]) - 1), today) if int(match["days"]) else None
    year, months = int(match["year"]), (1, 12)
    if match["week"]:
        try:
            monday = date.fromisocalendar(year, int(match["week"]), 1)
        except ValueError:
            return None
        return monday, monday + timedelta(days=6)
    if match["month"]:
        months = int(match["month"]), int(match["month"])
    if match["quarter"]:
        months = int(match["quarter"]) * 3 - 2, int(match["quarter"]) * 3
    if not 1 <= months[0] <= 12:
        return None
    return date(year, months[0], 1), date(year + months[1] // 12, months[1] % 12 + 1, 1) - timedelta(days=1)


# --- times ----------------------------------------------------------------------------------------

_UNCLEAR_TIMES: tuple[tuple[str, Readings], ...] = (
    (r"(\d{1,2})", lambda m: [f"{m[1]}:00", f"{(int(m[1]) + 12) % 24}:00"]),
    (r"12\s*a\.?m\.?", lambda m: ["0:00", "12:00"]),
    (r"(\d{1,2}):(\d)", lambda m: [f"{m[1]}:0{m[2]}", f"{m[1]}:{m[2]}0"]),
    (r"(\d{1,2})[.h](\d\d)", lambda m: [f"{m[1]}:{m[2]}"]),
    (r"(\d{1,2})(\d\d)", lambda m: [f"{m[1]}:{m[2]}"]),
    (r"(\d\d)(\d\d)(\d\d)", lambda m: [f"{m[1]}:{m[2]}:{m[3]}"]),
    (r"(\d{1,2}(?::\d\d)?)\s*([ap])", lambda m: [f"{m[1]}{m[2]}m"]),
    (r"midnight", lambda m: ["0:00", "24:00"]),
    (r"sod", lambda m: ["0:00"]),
    (r"eod", lambda m: ["24:00"]),
    (r"(.+) ago", lambda m: [f"{each} ago" for each in _lengths(m[1])]),
    (r"now\s*-\s*(.+)", lambda m: [f"{m[1]} ago"]),
    (r"<(.+?)>?", lambda m: [f"yesterday {m[1]}"]),
)


class TypedTime(NamedTuple):
    """A time as it was typed: a clock, perhaps with its day and its offset; or an instant (`2h ago`)."""

    typed: str
    clock: tuple[int, int, int] = (0, 0, 0)
    offset: str = ""
    day: date | None = None
    instant: datetime | None = None
    half: str = ""  # `a` or `p`, of the day
    anywhere: bool = False  # its day is in numbers, so that an offset may be that of any place

    @property
    def says_when(self) -> bool:
        """Whether it needs no other day."""
        return self.day is not None or self.instant is not None

    def on(self, day: date, zone: tzinfo) -> datetime:
        """The instant in UTC, on `day` unless the text has its own.

        Raises UsageError, with both readings, for a local time that is ambiguous or does not exist.
        """
        if self.instant:
            return self.instant
        after = self.clock == (24, 0, 0)
        try:
            naive = datetime.combine((self.day or day) + timedelta(days=after), time(*((0,) if after else self.clock)))
        except (ValueError, OverflowError) as fault:
            raise UsageError(f"'{self.typed}' is not a time: {fault}.", ACCEPTED_TIMES) from fault
        if not self.offset:
            return _in_zone(naive, zone, "%Y-%m-%dT%H:%M" if self.day else "%H:%M")
        instant = _with_offset(naive, self.offset, self.typed)
        if not self.anywhere and self.offset != "z":
            _check_offset(naive, instant, self.typed, zone)
        return instant


def read_time(text: str, now: datetime, zone: tzinfo) -> TypedTime:
    """The parts of a time that a person typed: `9:05`, `9:05pm`, `noon`, `now`, `2h ago`, and with its day.

    Raises UsageError.
    """
    typed = _tidy(text)
    low = re.sub(r"^(\d{4})(\d\d)(\d\d)t(\d\d)(\d\d)(\d\d)?", _spread, typed.lower(), flags=re.ASCII)
    if low == "now":
        return TypedTime(typed, instant=cut(now))
    if (match := _matched("(.+) ago", low)) and (minutes := _minutes(match[1])) is not None:
        return TypedTime(typed, instant=cut(now) - timedelta(minutes=parse_span(match[1]) if minutes else 0))
    if found := _clock(typed, low) or _clock_with_day(typed, low, local_date(now, zone)):
        return found
    ago = _matched(r"now\s*-\s*(\d{1,3})\s*d(?:ays?)?", low)
    meant = [f"{now.astimezone(zone) - timedelta(days=int(ago[1])):%Y-%m-%d %H:%M}"] if ago else []
    readings = _meanings(_UNCLEAR_TIMES, low, lambda each: read_time(each, now, zone))
    raise _refusal(typed, "a time", ACCEPTED_TIMES, [*meant, *readings])


def _spread(match: re.Match[str]) -> str:
    """`20261124t1234` as `2026-11-24t12:34`."""
    year, month, day, hour, minute, second = match.groups()
    return f"{year}-{month}-{day}t{hour}:{minute}" + (f":{second}" if second else "")


def _clock_with_day(typed: str, low: str, today: date) -> TypedTime | None:
    """A day and a clock, in either order; None for anything else. Raises UsageError."""
    pairs = [(low[: mark.start()], low[mark.end() :]) for mark in re.finditer(r"(?<=\d)t(?=\d)| (?:at |on )?", low)]
    clocks = [(day, clock) for day, clock in [*pairs, *(pair[::-1] for pair in pairs)] if _clock(typed, clock)]
    for day, clock in clocks:
        if _accepts(lambda text: parse_date(text, today), day) and (found := _clock(typed, clock)):
            return found._replace(day=parse_date(day, today), anywhere=day[:1].isdecimal())
    for day, clock in clocks:
        days = [each for each in _days_meant(day, today) if not each.startswith("--")]
        meant = [f"{each} {clock}" for each in days if parse_date(each, today) <= today]
        raise _refusal(typed, "a time", ACCEPTED_TIMES, meant)
    return None


def _clock(typed: str, low: str) -> TypedTime | None:
    """A clock alone; None for another text. Raises UsageError for hours and minutes that no clock shows."""
    if low == "noon":
        return TypedTime(typed, (12, 0, 0))
    if match := _matched(_CLOCK, low):
        clock = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
        if clock != (24, 0, 0):
            _checked(typed, clock)
        return TypedTime(typed, clock, match["offset"] or "")
    match = _matched(_HALF_DAY, low)
    if match is None or (match["minute"] is None and (match["hour"], match["half"]) == ("12", "a")):
        return None
    if not 1 <= int(match["hour"]) <= 12:
        raise _refusal(typed, "a time", ACCEPTED_TIMES)
    clock = int(match["hour"]) % 12 + 12 * (match["half"] == "p"), int(match["minute"] or 0), 0
    return TypedTime(typed, _checked(typed, clock), half=match["half"])


def _checked(typed: str, clock: tuple[int, int, int]) -> tuple[int, int, int]:
    try:
        time(*clock)
    except ValueError as fault:
        raise UsageError(f"'{typed}' is not a time: {fault}.", ACCEPTED_TIMES) from fault
    return clock


def parse_instant(text: str, now: datetime, zone: tzinfo, on: date | None = None) -> datetime:
    """The instant a person typed, in UTC, with seconds; a time without a date is on the day `on`, or else today.

    Raises UsageError, with both readings, for a local time that is ambiguous or does not exist.
    """
    return read_time(text, now, zone).on(on or local_date(now, zone), zone)


def _with_offset(naive: datetime, offset: str, typed: str) -> datetime:
    whole = f"{offset}:00" if len(offset) == 3 else offset.replace("z", "+00:00")
    try:
        return datetime.fromisoformat(naive.isoformat() + whole).astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise UsageError(f"'{typed}' is not a time: {fault}.", ACCEPTED_TIMES) from fault


def _check_offset(naive: datetime, instant: datetime, typed: str, zone: tzinfo) -> None:
    """A time without a date accepts only this zone's own offset: 9:00-10:30 is not 9:00 at -10:30."""
    readings = [naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    if instant not in [reading.astimezone(UTC) for reading in readings]:
        here = offset_text(readings[0])
        raise UsageError(f"'{typed}' is not a time: the offset here is {here}.", "With another one, give the date.")


def _in_zone(naive: datetime, zone: tzinfo, form: str) -> datetime:
    first, second = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    shown = f"{naive:%H:%M}"
    readings = [f"{naive:{form}}{offset_text(reading)}" for reading in (first, second)]
    real = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive
    on = format_day(naive.date(), naive.date())
    if real:
        raise UsageError(
            f"{shown} on {on} happens twice: the clocks go back.", f"Choose a time: {' or '.join(readings)}"
        )
    meant = [
        f"{text} ({reading.astimezone(UTC).astimezone(zone):%H:%M} local time)"
        for text, reading in zip(readings, (first, second), strict=True)
    ]
    raise UsageError(f"{shown} on {on} does not exist: the clocks go forward.", f"Choose a time: {' or '.join(meant)}")


# --- from when to when ----------------------------------------------------------------------------


class _Here(NamedTuple):
    """What a span of time is read with."""

    now: datetime
    on: date | None
    zone: tzinfo
    hours: Hours
    own_days: bool = False  # the text may name another day than `on`

    @property
    def today(self) -> date:
        return local_date(self.now, self.zone)

    def time(self, text: str) -> TypedTime:
        return read_time(text, self.now, self.zone)


class _Span(NamedTuple):
    """What a text says: start and end in UTC, and whether it names a day."""

    start: datetime
    end: datetime
    names_day: bool = False


def parse_interval(
    text: str, now: datetime, on: date | None, zone: tzinfo, hours: Hours = (), own_days: bool = False
) -> tuple[datetime, datetime]:
    """Start and end in UTC of `90m` (ending now), `9:00-10:30`, `9:00 to 10:30` or `9:00+90m`, on the day `on` or else
    today. Bare hours (`9-10`) are read within the working hours, if only one reading is over.

    Raises UsageError, also for a text that names another day than `on`, unless it may (`own_days`). An end before the
    start is returned as it is: the caller knows which hint helps.
    """
    return _read(text, _Here(now, on, zone, hours, own_days))[:2]


def _read(text: str, here: _Here) -> _Span:
    typed = _tidy(text)
    low = typed.lower().removeprefix("from ")
    if length := _length_to_now(low):
        return _Span(*_ending_now(length, here))
    if found := _start_and_length(low, here):
        start = _on_its_day(found[0], found[0].on(here.on or here.today, here.zone), here)
        return _Span(start, start + timedelta(minutes=parse_span(found[1])), found[0].day is not None)
    if ends := _ends(low, here):
        return _range(ends, here)
    bare = _bare_hours(low, here)
    over = [each for each in bare if _read(each, here).end <= here.now]
    if len(over) == 1 and here.hours:
        return _read(over[0], here)
    if is_digits(typed) or not re.search(r"[-:<+]", typed):
        return _Span(*_ending_now(f"{parse_span(typed)}m", here))
    meant = [*bare, *_meanings(_unclear_intervals(here), low, lambda each: _read(each, here))]
    raise _refusal(typed, "a span of time", ACCEPTED_INTERVALS, [*_lengths(typed), *meant])


def _on_its_day(typed: TypedTime, at: datetime, here: _Here) -> datetime:
    """The instant. Raises UsageError for a text that says another day than the one that is given beside it."""
    other = here.on is not None and local_date(at, here.zone) != here.on
    if other and (typed.instant or (typed.says_when and not here.own_days)):
        assert here.on
        on = format_day(here.on, here.today)
        raise UsageError(f"'{typed.typed}' is not on {on}.", "Give clock times of that day: 9:00-10:30")
    return at


def parse_intervals(
    words: Sequence[str], now: datetime, on: date | None, zone: tzinfo, hours: Hours = ()
) -> list[tuple[datetime, datetime]]:
    """Starts and ends in UTC of one or several spans, each of one or several words: `9:00+10m 10:05+10m`,
    `9:00 - 10:30`. As few spans as can be; a day before the first is the day of all. Raises UsageError.
    """
    here, found, rest = _Here(now, on, zone, hours), list[_Span](), list(words)
    while rest:
        size, span = _longest(rest, here)
        if size < len(rest) and span.names_day and any(_is_shorter(rest[:n], span, here) for n in range(1, size)):
            raise UsageError("These spans can be read in two ways.", "Log those of each day on their own.")
        if span.names_day and found and not any(each.names_day for each in found):
            raise UsageError("Some of these spans name a day, and some do not.", "For all of them: --date yesterday")
        found.append(span)
        if span.names_day and on is None:
            here = here._replace(on=local_date(span.start, zone), own_days=True)
        rest = rest[size:]
    return [(each.start, each.end) for each in found]


def _longest(words: Sequence[str], here: _Here) -> tuple[int, _Span]:
    """The first words that are a span, as many as can be, and how many they are. Raises UsageError."""
    fault: UsageError | None = None
    for size in range(min(len(words), MOST_WORDS), 0, -1):
        try:
            return size, _read(" ".join(words[:size]), here)
        except UsageError as error:
            fault = fault or error
    assert fault
    if not re.search(r"[0-9]", " ".join(words)):
        fault.hint = f"Are these the notes? -m {shlex.quote(' '.join(words))}"
    raise fault


def _is_shorter(words: Sequence[str], span: _Span, here: _Here) -> bool:
    """Whether the words are a span too, and another: `yesterday 9:00-10:00` and not `yesterday 9:00-10:00 today`."""
    return _accepts(lambda text: _read(text, here), " ".join(words)) and _read(" ".join(words), here)[:2] != span[:2]


def _length_to_now(low: str) -> str | None:
    """The length in `90m`, `for 90m` and `90m before now`; None for anything else."""
    match = _matched("(?:for )?(.+?)(?: before now)?", low)
    return match[1] if match and _minutes(match[1]) is not None else None


def is_length(text: str) -> bool:
    """Whether a span is only a length, `90m`, so that it ends now."""
    return _length_to_now(_tidy(text.lower())) is not None or is_digits(text.strip())


def length_of(text: str) -> int:
    """The minutes of a span that is only a length. Raises UsageError."""
    return parse_span(_length_to_now(_tidy(text.lower())) or text)


def names_times(text: str) -> bool:
    """Whether a span seems to say from when to when, rather than how long."""
    return bool(re.search(r":|\d\s*[ap]\.?m\b|\b(?:noon|now|ago)\b", text.lower()))


def _ending_now(length: str, here: _Here) -> tuple[datetime, datetime]:
    minutes = parse_span(length)
    if here.on is not None and here.on != here.today:
        raise UsageError(
            f"{length} from when, on {format_day(here.on, here.today)}?", f"Give the start too: 9:00+{length}"
        )
    return cut(here.now) - timedelta(minutes=minutes), cut(here.now)


def _start_and_length(low: str, here: _Here) -> tuple[TypedTime, str] | None:
    """The start and the length in `9:00+90m` and `9:00 for 90m`."""
    for mark in ("+", " for "):
        first, _, length = low.rpartition(mark)
        if first and _minutes(length.strip()) is not None and _accepts(here.time, first):
            return here.time(first), length.strip()
    return None


def _ends(low: str, here: _Here) -> list[tuple[TypedTime, TypedTime]]:
    """The ways to read a text as two times; a date and an offset west of Greenwich have hyphens too."""
    found = []
    for match in re.finditer(_BETWEEN, low):
        first, last = low[: match.start()], low[match.end() :]
        if all(_accepts(here.time, each) for each in (first, last)):
            found.append((here.time(first), here.time(last)))
    return found


def _range(ends: list[tuple[TypedTime, TypedTime]], here: _Here) -> _Span:
    """The only reading whose offsets fit this zone. Raises the first reading's UsageError when no reading fits."""
    found, faults = [], []
    for first, last in ends:
        try:
            _check_halves(first, last)
            start = first.on(last.day or here.on or here.today, here.zone)
            day = local_date(start, here.zone) if first.says_when else last.day or here.on or here.today
            end = last.on(day, here.zone)
            _on_its_day(first if first.says_when else last, start, here)
            if last.instant:
                _on_its_day(last, end, here)
            found.append(_Span(start, end, bool(first.day or last.day)))
        except UsageError as fault:
            faults.append(fault)
    if not found:
        raise faults[0]
    if len(found) > 1:
        raise UsageError("These times can be read in two ways.", "Use --from and --to.")
    return found[0]


def _check_halves(first: TypedTime, last: TypedTime) -> None:
    """Raise Unclear for `1:00-2:30pm`, where pm may be said of both ends, and for `1pm-2:30`."""
    if bool(first.half) == bool(last.half) or first.instant or last.instant:
        return
    half = first.half or last.half
    both = [_in_half(each.clock, half) for each in (first, last)]
    if both == [first.clock, last.clock] or both[0] >= both[1] or (first.half and first.clock < last.clock):
        return
    ends = (first.clock, last.clock)
    days = [f"{each.day} " if each.day else "" for each in (first, last)]
    if last.day and not first.day:  # said once, it is of both
        days = [days[1], ""]
    texts = [[_half_text(each) for each in both]]
    texts += [[f"{hour}:{minute:02}" for hour, minute, _ in ends]] if ends[0] < ends[1] else []
    meant = ["-".join(day + text for day, text in zip(days, each, strict=True)) for each in texts]
    raise _refusal(f"{first.typed}-{last.typed}", "clear", ACCEPTED_INTERVALS, meant)


def _in_half(clock: tuple[int, int, int], half: str) -> tuple[int, int, int]:
    """A clock as it would be with am or pm; one that has no such half is left as it is."""
    hour, minute, second = clock
    return (hour % 12 + 12 * (half == "p"), minute, second) if 1 <= hour <= 12 else clock


def _half_text(clock: tuple[int, int, int]) -> str:
    """`1:00pm`."""
    hour, minute, _ = clock
    return f"{(hour + 11) % 12 + 1}:{minute:02}{'pm' if hour >= 12 else 'am'}"


def _bare_hours(low: str, here: _Here) -> list[str]:
    """The readings of `9-10` and `9-10:30`, before and after noon; with working hours those within them."""
    match = _matched(r"(\d{1,2})(?::(\d\d))?\s*-\s*(\d{1,2})(?::(\d\d))?", low)
    if match is None:
        return []
    ends = [(int(match[n]), match[n + 1] or "00") for n in (1, 3)]
    readings = []
    for first in (0, 12):
        for last in (0, 12):
            (start, start_minute), (end, end_minute) = (ends[0][0] + first, ends[0][1]), (ends[1][0] + last, ends[1][1])
            minutes = [start * 60 + int(start_minute), end * 60 + int(end_minute)]
            within = all(any(a <= each <= b for a, b in here.hours) for each in minutes)
            if minutes[0] < minutes[1] <= 24 * 60 and (within or not here.hours) and (first == last or within):
                readings.append(f"{start}:{start_minute}-{end}:{end_minute}")
    return readings


def _unclear_intervals(here: _Here) -> tuple[tuple[str, Readings], ...]:
    now = f"{here.now.astimezone(here.zone):%H:%M}"
    return (
        (r"(\d\d)(\d\d)\s*-\s*(\d\d)(\d\d)", lambda m: [f"{m[1]}:{m[2]}-{m[3]}:{m[4]}"]),
        (r"(\d{1,2})\.(\d\d)\s*-\s*(\d{1,2})\.(\d\d)", lambda m: [f"{m[1]}:{m[2]}-{m[3]}:{m[4]}"]),
        (r"(.+?)\s*\+\s*(\d{1,3})", lambda m: [f"{m[1]}+{m[2]}m"]),
        (rf"(\d{{1,2}}:\d\d) ({_SPAN})", lambda m: [f"{m[1]}+{m[2].replace(' ', '')}"]),
        (r"(.+?)\s*-", lambda m: [f"{m[1]}-{now}"]),
        (r"\d{1,2}:\d\d", lambda m: [f"{m[0]}-{now}"]),
        (r"<(.+?)\s*-\s*<(.+)", lambda m: [f"yesterday {m[1]}-{m[2]}"]),
        (r"<(.+?)\s*-\s*([^<>]+)>?", lambda m: [f"yesterday {m[1]} - today {m[2]}"]),
    )
