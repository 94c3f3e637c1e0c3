"""The quick reader of entries is held to the published model: the same entry, or the same refusal."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from alga.api.models import TimeEntry
from alga.api.wire import DEPLOYED, NoEntry, names, read_entry
from alga.core.entry import Entry
from tests.contract.recordings import ALL

ENTRY_PATHS = ("/time-entries", "/time-entries/search", "/time-entries/export", "/time-entries/active-session")
PUBLISHED = {name: published for published, others in DEPLOYED.items() for name in (published, *others)}


def by_model(row: object) -> Entry | str:
    """What the model makes of an answer: the entry, or the first field that it refuses."""
    try:
        model = TimeEntry.model_validate(row)
    except ValidationError as refusal:
        places = {str(error["loc"][0]) if error["loc"] else "" for error in refusal.errors(include_input=False)}
        wrong = {PUBLISHED.get(place, place) for place in places}
        if isinstance(row, dict) and {"id", "entry_id"} & set(row):  # then a session's id is only that
            wrong |= {place for place in places if place == "session_id"}
            wrong -= {"id"} - {PUBLISHED.get(place) for place in places if place != "session_id"}
        return next(name for name in ("", *Entry._fields, "time_sheet") if name in wrong)
    values = {name: getattr(model, name) for name in TimeEntry.model_fields if name != "time_sheet"}
    status = str((model.time_sheet or {}).get("approval_status") or "") or None
    return Entry(**values, sheet_status=status, shows_sheet="time_sheet_id" in model.model_fields_set)


def by_reader(row: object) -> Entry | str:
    """The same of the reader."""
    try:
        return read_entry(row)
    except NoEntry as refusal:
        return refusal.field


def rows_of(body: object) -> list[Any]:
    """The entries of a recorded answer."""
    data = body.get("data") if isinstance(body, dict) else None
    rows = data if isinstance(data, list) else [data]
    return [row for row in rows if isinstance(row, dict) and "start_time" in row]


RECORDED = [row for exchange in ALL for row in rows_of(exchange.body)]


def test_every_recorded_entry_is_read_as_by_the_model() -> None:
    assert len(RECORDED) > 300
    for row in RECORDED:
        read = by_reader(row)
        assert isinstance(read, Entry) and read == by_model(row), row


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**398, 10**400),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["", "90", "1e400", "2026-06-02T14:00:00Z", "2026-06-02T14:00:00.123+02:00", "2026-06-02", "25:00"]
    ),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", " 90 ", "9\u0663", "nan", "-inf"]),
    st.lists(st.integers(), max_size=1),
    st.dictionaries(st.sampled_from(["approval_status", "id"]), st.none() | st.just("DRAFT") | st.just(3), max_size=1),
)
KEYS = sorted({key for name in Entry._fields for key in names(name)} | {"time_sheet", "is_billable", "minutes"})
GOOD = {"entry_id": "e1", "start_time": "2026-06-02T14:00:00.000Z"}


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6), st.booleans())
@example({"billable_minutes": True}, True)
@example({"billable_duration": "1e9"}, True)
@example({"id": 7, "session_id": None}, True)
@example({"id": None}, True)
@example({"ended_at": None, "end_time": "nonsense"}, True)
def test_whatever_comes_is_read_as_by_the_model(row: dict[str, Any], mended: bool) -> None:
    row = {**GOOD, **row} if mended else row
    assert by_reader(row) == by_model(row), row


@pytest.mark.parametrize("row", [None, [], "text", 3, True])
def test_what_is_no_object_is_no_entry(row: object) -> None:
    assert by_reader(row) == by_model(row) == ""
