"""Files of rows: whatever a spreadsheet or a program writes is read back, and every fault has its line."""

import csv
import io
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alga.bulk.reading import read
from alga.bulk.rows import ids_in
from alga.core.errors import UsageError

cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
names = st.lists(st.sampled_from(["date", "start", "end", "item", "notes"]), min_size=2, max_size=5, unique=True)


def as_csv(columns: list[str], rows: list[list[str]], separator: str, ending: str) -> str:
    """As the csv module writes it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows([columns, *rows])
    return text.getvalue()


encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])


@given(names, st.data(), st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]), encodings)
def test_csv_of_every_make_is_read_back(
    columns: list[str], data: st.DataObject, separator: str, ending: str, encoding: str
) -> None:
    rows = data.draw(st.lists(st.lists(cells, min_size=len(columns), max_size=len(columns)), max_size=5))
    found = read("f", as_csv(columns, rows, separator, ending).encode(encoding))
    said = [{name: cell for name, cell in zip(columns, row, strict=True) if cell.strip()} for row in rows]
    assert [record.values for record in found.records] == [row for row in said if row]
    assert found.faults == []


@given(st.lists(st.dictionaries(st.sampled_from(["notes", "item"]), cells, min_size=1), max_size=5), st.booleans())
def test_json_and_json_lines_are_read_back(rows: list[dict[str, str]], lines: bool) -> None:
    text = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows, indent=1)
    found = read("f", text.encode())
    assert [record.values for record in found.records] == [{k: v for k, v in row.items() if v} for row in rows]


def test_rows_know_the_line_on_which_they_begin() -> None:
    text = 'notes,item\n"one\ntwo",a\n\nthree,b\nfour\n'
    found = read("f.csv", text.encode())
    assert [str(record.place) for record in found.records] == ["f.csv:2", "f.csv:5"]
    assert [str(fault) for fault in found.faults] == ["f.csv:6: the row has 1 cells, but the heading has 2."]
    listed = read("f.json", b'[\n {"item": "a"},\n\n {"item":\n "b"}]')
    assert [record.place.line for record in listed.records] == [2, 4]


def test_values_of_json_become_text() -> None:
    text = '{"Billable": true, "minutes": 60, "Started At": "x", "notes": null, "item": ""}'
    assert read("f", text.encode()).records[0].values == {"billable": "yes", "minutes": "60", "started_at": "x"}


@given(st.binary(max_size=200))
def test_anything_else_is_a_message_and_no_crash(content: bytes) -> None:
    with suppress(UsageError):
        assert all(record.place.line >= 1 for record in read("f", content).records)


@pytest.mark.parametrize(
    "text",
    ["a1 b2\n\n c3", "a1,b2,c3", "id\na1\nb2\nc3\n", "notes;ID\nx;a1\ny;b2\nz;c3", '["a1", "b2", "c3"]',
     '{"id": "a1"}\n{"id": "b2"}\n{"id": "c3"}'],
)  # fmt: skip
def test_ids_are_found_in_every_form(text: str) -> None:
    assert ids_in("f", text.encode()) == ["a1", "b2", "c3"]


def test_of_two_columns_with_ids_the_first_name_counts_always() -> None:
    assert ids_in("f", b"entry_id,id\nb2,a1\n") == ["a1"]


def test_a_row_without_an_id_is_told() -> None:
    with pytest.raises(UsageError) as caught:
        ids_in("f", b"id,notes\n,x\n")
    assert caught.value.details == ["f:2 id: the row has no id."]
