"""times.tsv: what people type for times, from the tests of other tools, and what alga makes of it.

Each text is typed into a whole command, on Tuesday 24 November 2026 at 22:30 in Berlin.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from alga.core.errors import UsageError
from alga.core.grammar import parse_date, parse_instant, parse_interval, parse_period
from alga.core.times import local_date
from tests.support import BERLIN, Desk, Result

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)
TABLE = Path(__file__).parent.parent / "times.tsv"


class Case(NamedTuple):
    """A line of the table."""

    kind: str
    text: str
    expected: str
    source: str


CASES = [Case(*line.split("\t")) for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """On that evening."""
    desk.clock.now = NOW
    return desk


def typed(desk: Desk, case: Case) -> Result:
    """The command in which the text stands."""
    match case.kind:
        case "span" | "range":
            return desk("log", "tk_1", "--json", "--", case.text, tty=False)
        case "at":
            return desk("start", "tk_1", "--json", f"--at={case.text}", tty=False)
    return desk("day", "--json", "--", case.text, tty=False)


def clock(text: str) -> str:
    """`09:05` as it is in Berlin, `Y10:00` on the day before."""
    local = datetime.fromisoformat(text).astimezone(BERLIN)
    return f"{'' if local.date() == local_date(NOW, BERLIN) else 'Y'}{local:%H:%M}"


def understood(case: Case, result: Result) -> str:
    """What the command made of the text, in the table's words."""
    match case.kind:
        case "span":
            return str(result.json["duration_minutes"])
        case "at":
            return clock(result.json["started_at"])
        case "range":
            return " ".join(clock(result.json[end]) for end in ("started_at", "ended_at"))
    return str(result.json["date"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind} {case.text}")
def test_what_people_type_gives_what_they_mean(desk: Desk, case: Case) -> None:
    result = typed(desk, case)
    if case.expected in ("NO", "ASK"):
        assert result.code in (2, 5), result
        assert desk.ok("list", "--json", tty=False).json == []
    else:
        assert result.code == 0, result
        assert understood(case, result) == case.expected


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.expected == "ASK"], ids=lambda case: f"{case.kind} {case.text}"
)
def test_what_is_asked_back_can_be_typed(case: Case) -> None:
    today = local_date(NOW, BERLIN)
    parses: dict[str, Callable[[str], object]] = {
        "span": lambda text: parse_interval(text, NOW, None, BERLIN),
        "range": lambda text: parse_interval(text, NOW, None, BERLIN),
        "at": lambda text: parse_instant(text, NOW, BERLIN),
        "date": lambda text: parse_date(text, today),
    }
    parse = parses[case.kind]
    with pytest.raises(UsageError) as caught:
        parse(case.text)
    readings = getattr(caught.value, "readings", [])
    assert readings, caught.value.message
    for reading in readings:
        option, _, period = reading.partition(" ")
        if option == "--period":
            assert parse_period(period, today)
        elif not option.startswith("--"):
            assert parse(reading)
