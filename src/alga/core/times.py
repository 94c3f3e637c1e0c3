"""Instants, lengths of time and local dates: as stored (UTC, whole minutes) and as shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache

Clock = Callable[[], datetime]

LAST_YEAR = 9000
AHEAD = timedelta(minutes=15)
EPOCH, MINUTE = datetime(1970, 1, 1, tzinfo=UTC), timedelta(minutes=1)


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
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: `Europe` alone is a directory
        return None


def city(zone: tzinfo) -> str:
    """`Berlin`, of `Europe/Berlin`; of a zone without a name its offset is all that is known, so ''."""
    return str(getattr(zone, "key", "")).rpartition("/")[2].replace("_", " ")


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


def format_minutes(minutes: int) -> str:
    """`48m`, `2h`, `1h 30m`: AlgaPSA's form of a duration, which parse_span() reads back."""
    sign, minutes = ("-", -minutes) if minutes < 0 else ("", minutes)
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours}h"] * bool(hours) + [f"{rest}m"] * bool(rest or not hours)
    return sign + " ".join(parts)


def beside(waiting: int, running: int) -> str:
    """`+ 20m waiting + 48m running`: minutes that are not recorded yet, beside a sum of those that are."""
    parts = [f"+ {format_minutes(waiting)} waiting"] * bool(waiting) + [f"+ {format_minutes(running)} running"] * bool(
        running
    )
    return " ".join(parts)


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


def day_start(day: date, zone: tzinfo) -> datetime:
    """The instant at which the local day begins, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def format_moment(instant: datetime, zone: tzinfo, now: datetime) -> str:
    """`17:04` for today, otherwise with the day: `Fri 27 Nov 17:04`."""
    day, today = local_date(instant, zone), local_date(now, zone)
    return ("" if day == today else f"{format_day(day, today)} ") + format_time(instant, zone)


def format_day(day: date, today: date) -> str:
    """`Mon 23 Nov`, with the year unless it is the current year."""
    return f"{day:%a} {day.day} {day:%b}" + (f" {day.year}" if day.year != today.year else "")


# --- shown, so that it can be typed back ----------------------------------------------------------


def offset_text(when: datetime) -> str:
    """`+01:00`."""
    text = when.strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def format_time(instant: datetime, zone: tzinfo, offset: bool = False) -> str:
    """`09:12`; with its offset, `01:30+02:00`, on request or where the local clock shows that time twice."""
    local = instant.astimezone(zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M}" + (offset_text(local) if twice or offset else "")


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
