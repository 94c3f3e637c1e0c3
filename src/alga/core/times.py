"""Instants, spans and local dates: as typed by a person, as stored (UTC, whole minutes) and as shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache

from alga.core.errors import UsageError

Clock = Callable[[], datetime]

ACCEPTED_SPANS = "Accepted: 90m, 1h, 1h30m, 1.5h."
ACCEPTED_TIMES = "Accepted: 9:05, 2026-06-02T14:00, 'yesterday 9:05', or with an offset 2026-06-02T14:00+02:00."
LONGEST_SPAN = 31 * 24 * 60
LAST_YEAR = 9000
AHEAD = timedelta(minutes=15)
EPOCH, MINUTE = datetime(1970, 1, 1, tzinfo=UTC), timedelta(minutes=1)

# Patterns are compiled on first use: most commands need none of them.
_CLOCK = r"[0-9]{1,2}:[0-9]{2}"
_OFFSET = r"Z|[+-][0-9]{2}:[0-9]{2}"
_SPAN_TEXT = r"[0-9hm. ]+"
_SPAN = r"(?:([0-9]{1,5})h)?\s*(?:([0-9]{1,5})m)?"
_HOURS = r"([0-9]{1,4})\.([0-9]{1,3})h"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INSTANT = (
    rf"(?:(?P<day>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|today|yesterday)[T ]\s*)?"
    rf"(?P<clock>{_CLOCK})(?::(?P<second>[0-9]{{2}})(?:\.[0-9]+)?)?(?P<offset>{_OFFSET})?"
)
_PLUS = rf"(?P<start>{_CLOCK}(?:{_OFFSET})?)\+(?P<span>{_SPAN_TEXT})"
_CLOCK_TEXT = rf"{_CLOCK}(?:{_OFFSET})?"


class SystemZone(tzinfo):
    """The computer's own time zone, DST included, as the operating system knows it (TZ is obeyed).

    A day whose neighbours have the same offset has it all day long: the system is asked for other days only.
    """

    def __init__(self) -> None:
        self._days: dict[int, timedelta | None] = {}

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        if when is None:
            return None
        offset = self._all_day(when)
        return when.replace(tzinfo=None).astimezone().utcoffset() if offset is None else offset

    def dst(self, when: datetime | None) -> timedelta | None:
        return None

    def tzname(self, when: datetime | None) -> str | None:
        return None if when is None else when.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, when: datetime) -> datetime:
        if (offset := self._all_day(when)) is not None:
            return when + offset
        # fromtimestamp sets fold, which tells the two readings of an ambiguous hour apart.
        return datetime.fromtimestamp(when.replace(tzinfo=UTC).timestamp()).replace(tzinfo=self)

    def _all_day(self, when: datetime) -> timedelta | None:
        """The offset around a day, in UTC or local; None if it changes near it, or at the ends of time."""
        day = when.toordinal()
        if day not in self._days:
            noon = datetime.combine(when.date(), time(12), UTC)
            try:
                offsets = {_offset(noon + timedelta(days=near)) for near in (-2, -1, 0, 1, 2)}
            except (OverflowError, OSError, ValueError):
                offsets = set()
            self._days[day] = offsets.pop() if len(offsets) == 1 else None
        return self._days[day]


def _offset(instant: datetime) -> timedelta:
    """The system's offset at an instant."""
    return datetime.fromtimestamp(instant.timestamp()) - instant.replace(tzinfo=None)


@cache
def zone_named(name: str) -> tzinfo | None:
    """A zone by its name, `Europe/Berlin`; None for one that this computer does not know."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # no short command asks

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def system_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


# --- stored ---------------------------------------------------------------------------------------


def cut(instant: datetime) -> datetime:
    """The instant in UTC without its seconds, as the deployed server stores both ends (section 2)."""
    if instant.tzinfo is UTC and not (instant.second or instant.microsecond):
        return instant
    return instant.astimezone(UTC).replace(second=0, microsecond=0)


def minutes_between(start: datetime, end: datetime) -> int:
    """Whole minutes worked from start to end; negative when they are reversed."""
    return (end - EPOCH) // MINUTE - (start - EPOCH) // MINUTE


def to_wire(instant: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`: the only form every server accepts, since offsets are refused (section 2)."""
    there = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return f"{there.isoformat(timespec='seconds')[:19]}Z"


def from_wire(text: str) -> datetime:
    """The instant in UTC. Raises ValueError for text that is not an ISO date and time of the years 1970 to 9000: near
    the ends of what Python can hold, no local time could be computed.
    """
    instant = datetime.fromisoformat(text)
    if not 1970 <= instant.year <= LAST_YEAR:
        raise ValueError(f"the year {instant.year} is out of range")
    if instant.tzinfo is UTC:
        return instant
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


def month_starts(after: datetime, until: datetime) -> list[datetime]:
    """The beginnings of the months (UTC) after an instant and not after another one."""
    numbers = range(after.year * 12 + after.month, until.year * 12 + until.month)
    return [datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in numbers]


# --- spans ----------------------------------------------------------------------------------------


def is_digits(text: str) -> bool:
    """Whether the text is a number in the digits 0 to 9; digits of other scripts do not count."""
    return text.isascii() and text.isdecimal()


def parse_span(text: str) -> int:
    """Minutes in `90m`, `1h`, `1h30m`, `1h 30m` or `1.5h`. Raises UsageError, also for a bare number."""
    typed = text.strip()
    if is_digits(typed):
        raise UsageError(f"{typed} what? {typed}m or {typed}h.")
    minutes = _minutes(typed)
    if minutes is None:
        raise UsageError(f"'{typed}' is not a length of time.", ACCEPTED_SPANS)
    if minutes > LONGEST_SPAN:
        raise UsageError(f"'{typed}' is longer than 31 days.", ACCEPTED_SPANS)
    return minutes


def _minutes(typed: str) -> int | None:
    if match := re.fullmatch(_HOURS, typed):
        sixty_thousandths = int(match[2].ljust(3, "0")) * 60
        return None if sixty_thousandths % 1000 else int(match[1]) * 60 + sixty_thousandths // 1000
    match = re.fullmatch(_SPAN, typed)
    if not match or not typed:
        return None
    hours, minutes = match[1], int(match[2] or 0)
    return None if hours and minutes >= 60 else int(hours or 0) * 60 + minutes


def format_minutes(minutes: int) -> str:
    """`48m`, `2h`, `1h 30m`: AlgaPSA's form of a duration, which parse_span() reads back."""
    sign, minutes = ("-", -minutes) if minutes < 0 else ("", minutes)
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours}h"] * bool(hours) + [f"{rest}m"] * bool(rest or not hours)
    return sign + " ".join(parts)


def counted(number: int, thing: str) -> str:
    """`1 entry`, `2 entries`, `3 people`, `4 rows`."""
    plural = {"entry": "entries", "person": "people"}.get(thing, f"{thing}s")
    return f"{number} {thing if number == 1 else plural}"


def format_elapsed(start: datetime, now: datetime) -> str:
    """`0:47:31`, the running clock from start to now."""
    seconds = max(0, int((now - start).total_seconds()))
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


# --- local dates ----------------------------------------------------------------------------------


def local_date(instant: datetime, zone: tzinfo) -> date:
    """The date of the instant in a time zone."""
    return instant.astimezone(zone).date()


def parse_date(text: str, today: date) -> date:
    """The date in `2026-06-02`, `today` or `yesterday`. Raises UsageError."""
    typed = text.strip().lower()
    if typed in ("today", "yesterday"):
        return today - timedelta(days=typed == "yesterday")
    try:
        if re.fullmatch(_DATE, typed) and typed[:2] in ("19", "20", "21"):
            return date.fromisoformat(typed)
    except ValueError as fault:
        raise UsageError(f"'{text}' is not a date: {fault}.", "Accepted: 2026-06-02, today, yesterday.") from fault
    raise UsageError(f"'{text}' is not a date.", "Accepted: 2026-06-02, today, yesterday.")


def day_start(day: date, zone: tzinfo) -> datetime:
    """The instant at which the local day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def format_day(day: date, today: date) -> str:
    """`Mon 23 Nov`, with the year unless it is the current year."""
    return f"{day:%a} {day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")


# --- instants typed by a person -------------------------------------------------------------------


def parse_instant(text: str, day: date, today: date, zone: tzinfo) -> datetime:
    """The instant a person typed, in UTC, with seconds; a time without a date is on `day`.

    Raises UsageError, with both readings, for a local time that is ambiguous or does not exist.
    """
    typed = text.strip()
    match = re.fullmatch(_INSTANT, typed)
    if not match:
        raise UsageError(f"'{typed}' is not a time.", ACCEPTED_TIMES)
    on = parse_date(match["day"], today) if match["day"] else day
    hour, minute = map(int, match["clock"].split(":"))
    second = int(match["second"] or 0)
    midnight_after = (hour, minute, second) == (24, 0, 0)
    try:
        clock = time(0 if midnight_after else hour, minute, second)
        naive = datetime.combine(on + timedelta(days=midnight_after), clock)
    except (ValueError, OverflowError) as fault:
        raise UsageError(f"'{typed}' is not a time: {fault}.", ACCEPTED_TIMES) from fault
    if match["offset"]:
        instant = _with_offset(naive, match["offset"], typed)
        if not match["day"] and match["offset"] != "Z":
            _check_offset(naive, instant, typed, zone)
        return instant
    return _in_zone(naive, zone, "%Y-%m-%dT%H:%M" if match["day"] else "%H:%M")


def _with_offset(naive: datetime, offset: str, typed: str) -> datetime:
    try:
        return datetime.fromisoformat(naive.isoformat() + offset.replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise UsageError(f"'{typed}' is not a time: {fault}.", ACCEPTED_TIMES) from fault


def _check_offset(naive: datetime, instant: datetime, typed: str, zone: tzinfo) -> None:
    """A time without a date accepts only this zone's own offset: 9:00-10:30 is not 9:00 at -10:30."""
    readings = [naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    if instant not in [reading.astimezone(UTC) for reading in readings]:
        here = _offset_text(readings[0])
        raise UsageError(
            f"'{typed}' is not a time: this computer's offset is {here}.", "With another offset, give the date too."
        )


def _in_zone(naive: datetime, zone: tzinfo, form: str) -> datetime:
    first, second = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    shown = f"{naive:%H:%M}"
    readings = [f"{naive:{form}}{_offset_text(reading)}" for reading in (first, second)]
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


def _offset_text(when: datetime) -> str:
    text = when.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def parse_interval(text: str, now: datetime, day: date | None, zone: tzinfo) -> tuple[datetime, datetime]:
    """Start and end in UTC of `90m` (ending now), `9:00-10:30` or `9:00+90m`, on `day` or else today.

    Raises UsageError. An end before the start is returned as it is: the caller knows which hint helps.
    """
    typed = text.strip()
    today = local_date(now, zone)
    on = day or today
    if ends := _ends(typed):
        return _range(ends, on, today, zone)
    if match := re.fullmatch(_PLUS, typed):
        start = parse_instant(match["start"], on, today, zone)
        return start, start + timedelta(minutes=parse_span(match["span"]))
    if ":" in typed or "-" in typed:
        raise UsageError(f"'{typed}' is not a span of time.", "Accepted: 90m (ending now), 9:00-10:30, 9:00+90m.")
    minutes = parse_span(typed)
    if day is not None and day != today:
        raise UsageError(f"{typed} from when, on {format_day(day, today)}?", f"Give the start too: 9:00+{typed}")
    return cut(now) - timedelta(minutes=minutes), cut(now)


def _ends(typed: str) -> list[tuple[str, str]]:
    """The ways to read a text as two times with a hyphen between; an offset west of Greenwich has a hyphen too."""
    cuts = [(typed[:at], typed[at + 1 :]) for at, char in enumerate(typed) if char == "-"]
    return [ends for ends in cuts if all(re.fullmatch(_CLOCK_TEXT, end) for end in ends)]


def _range(ends: list[tuple[str, str]], on: date, today: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The only reading whose offsets fit this zone. Raises the first reading's UsageError when no reading fits."""
    found, faults = [], []
    for start, end in ends:
        try:
            found.append((parse_instant(start, on, today, zone), parse_instant(end, on, today, zone)))
        except UsageError as fault:
            faults.append(fault)
    if not found:
        raise faults[0]
    if len(found) > 1:
        raise UsageError("These times can be read in two ways.", "Use --from and --to.")
    return found[0]


# --- shown, so that it can be typed back ----------------------------------------------------------


def format_time(instant: datetime, zone: tzinfo, offset: bool = False) -> str:
    """`09:12`; with its offset, `01:30+02:00`, on request or where the local clock shows that time twice."""
    local = instant.astimezone(zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M}" + (_offset_text(local) if twice or offset else "")


def format_interval(start: datetime, end: datetime | None, zone: tzinfo) -> str:
    """`09:12-10:00`; to midnight `22:00-24:00`; past it `23:00+2h30m`; running `09:12-`."""
    first = format_time(start, zone)
    if end is None:
        return f"{first}-"
    last = format_time(end, zone)
    days = (local_date(end, zone) - local_date(start, zone)).days
    if days == 0 and end >= start:
        offsets = len(first) != len(last)
        return f"{format_time(start, zone, True)}-{format_time(end, zone, True)}" if offsets else f"{first}-{last}"
    if days == 1 and last == "00:00" and len(first) == len(last):
        return f"{first}-24:00"
    return f"{first}+{format_minutes(minutes_between(start, end)).replace(' ', '')}"
