"""A long list as it arrives: broken off anywhere, asked for again, without end, and in bounded memory."""

import json
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alga.api import http as wire
from alga.api.client import Client
from alga.api.http import Http, Target
from alga.api.lists import PAGE
from alga.api.stream import RowReader
from alga.core.entry import Entry
from alga.core.errors import Incomplete, Refused, TooLarge, Unreachable
from alga.core.safe_text import sound
from tests.support import Desk, answering

TARGET = Target("https://psa.example.test", "k", "acme", "AlgaPSA")
MONDAY = datetime(2026, 11, 23, 8, tzinfo=UTC)


def row(n: int, **more: object) -> dict[str, object]:
    """An entry as the deployed server has it."""
    start = MONDAY - timedelta(hours=n)
    times = {"start_time": start, "end_time": start + timedelta(minutes=30)}
    shown = {name: f"{instant:%Y-%m-%dT%H:%M:%S.000Z}" for name, instant in times.items()}
    return {"entry_id": f"e{n:06}", "user_id": "u", "work_item_type": "ticket", "notes": f"{n} é", **shown, **more}


class Sending(httpx.BaseTransport):
    """Sends each answer in pieces; the last one stays. An exception among the pieces breaks it off there."""

    def __init__(self, *answers: Sequence[bytes | Exception], status: int = 200) -> None:
        self.answers, self.asked, self.status = list(answers), list[httpx.Request](), status

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The next answer."""
        self.asked.append(request)
        pieces = self.answers[min(len(self.asked), len(self.answers)) - 1]

        def sent() -> Iterator[bytes]:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece

        return httpx.Response(self.status, content=sent())


def client(transport: httpx.BaseTransport) -> Client:
    return Client(Http(TARGET, transport, sleep=lambda seconds: None))


def exported(transport: httpx.BaseTransport) -> list[str]:
    """The ids in the order in which they came; what a try gave that was not the last of its page does not count."""
    pages: dict[int, list[str]] = {}

    def begin(page: int) -> Callable[[Entry], None]:
        if page == 1:
            pages.clear()
        pages[page] = []
        return lambda entry: pages[page].append(entry.id)

    client(transport).export({}, begin)
    return [each for page in pages.values() for each in page]


def answer(*rows: dict[str, object], **beside: object) -> bytes:
    return json.dumps({"data": rows, **beside}, ensure_ascii=False).encode()


def ids(*numbers: int) -> list[str]:
    return [f"e{n:06}" for n in numbers]


@given(st.lists(st.integers(1, 40), max_size=12), st.integers(0, 7), st.booleans())
def test_however_an_answer_is_cut_into_pieces_every_row_arrives_once(cuts: list[int], count: int, marked: bool) -> None:
    whole = (b"\xef\xbb\xbf" if marked else b"") + answer(*map(row, range(count)))
    pieces, left = [], whole
    for size in cuts:
        pieces.append(left[:size])
        left = left[size:]
    assert exported(Sending([*pieces, left])) == ids(*range(count))


@given(st.integers(0, 1200))
def test_an_answer_that_ends_too_early_is_never_taken_for_whole(length: int) -> None:
    whole = answer(*map(row, range(PAGE + 20)))
    with pytest.raises(Unreachable, match="cannot read"):
        exported(Sending([whole[: len(whole) * length // 1201]]))


def test_what_was_broken_off_is_asked_for_again_from_the_start() -> None:
    whole = answer(row(0), row(1), row(2))
    lost = httpx.ReadError("connection reset")
    transport = Sending([whole[:-150], lost], [whole[:5], lost], [whole])
    assert exported(transport) == ids(0, 1, 2)
    assert len(transport.asked) == 3
    with pytest.raises(Unreachable, match="did not answer"):
        exported(Sending([whole[:-150], lost]))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"data": null}', b'{"data": 7}', b'{"data": {}}', b"<html>", b'{"rows": []}', b"[1]"]
)
def test_an_answer_without_a_list_is_no_empty_export(body: bytes) -> None:
    with pytest.raises(Unreachable):
        exported(Sending([body]))


def test_a_row_without_sense_ends_the_export() -> None:
    rows = [*map(row, range(PAGE + 50)), row(0, start_time="yesterday")]
    with pytest.raises(Unreachable, match="makes no sense"):
        exported(Sending([answer(*rows)]))


def test_a_refusal_is_read_as_everywhere() -> None:
    told = {"error": {"code": "VALIDATION_ERROR", "message": "Invalid export parameters", "details": []}}
    with pytest.raises(Refused):
        exported(answering(400, told))
    busy = Sending([b"busy"], status=503)
    with pytest.raises(Unreachable):
        exported(busy)
    assert len(busy.asked) == 3


def test_a_list_or_a_row_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answer(*map(row, range(PAGE + 50)))
    monkeypatch.setattr(wire, "LIST", wire.LIST._replace(one_try=-1.0))
    with pytest.raises(Unreachable, match="timed out"):
        exported(Sending([whole]))
    monkeypatch.undo()
    endless = [whole[:-2], b',{"entry_id": "e9", "notes": "', *[b"x" * 65536] * 300]
    with pytest.raises(TooLarge, match="sent entry e9 with more than 16 MB"):
        exported(Sending(endless))
    monkeypatch.setattr(wire, "MOST_OF_A_LIST", 4 * wire.MEGABYTE)
    with pytest.raises(TooLarge, match="sent more than 4 MB"):
        exported(Sending([whole[:-2], *[b"," + json.dumps(row(0)).encode()] * 40_000]))


# --- pages ----------------------------------------------------------------------------------------


def paged(total: int, per_page: int = PAGE, says: Callable[[int, int], dict[str, object]] | None = None) -> Sending:
    """A server with pages, as published; `says` what stands beside a page."""
    pages = [range(n, min(n + per_page, total)) for n in range(0, max(total, 1), per_page)]
    told = says or (lambda page, count: {"pagination": {"total": total, "hasNext": page < count}})
    return Sending(*([answer(*map(row, page), **told(n, len(pages)))] for n, page in enumerate(pages, 1)))


@pytest.mark.parametrize("total", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 3 * PAGE + 7])
def test_pages_are_read_to_the_last(total: int) -> None:
    assert exported(paged(total)) == ids(*range(total))


def test_without_pagination_a_full_page_goes_on() -> None:
    server = paged(2 * PAGE, says=lambda page, count: {})
    server.answers.append([answer()])
    assert exported(server) == ids(*range(2 * PAGE))
    assert [request.url.params["page"] for request in server.asked] == ["1", "2", "3"]


@pytest.mark.parametrize("per_page", [25, PAGE + 1, 250])
def test_other_pages_than_were_asked_for_are_pages_too(per_page: int) -> None:
    assert exported(paged(600, per_page)) == ids(*range(600))


@pytest.mark.parametrize("first", [True, False], ids=["pagination first", "data first"])
def test_what_stands_beside_the_rows_is_read_wherever_it_stands(first: bool) -> None:
    beside = {"pagination": {"total": PAGE + 1, "hasNext": True}}
    rows = {"data": [row(n) for n in range(PAGE + 50)]}
    page = json.dumps(beside | rows if first else rows | beside).encode()
    server = Sending([page[n : n + 1000] for n in range(0, len(page), 1000)], [answer()])
    assert exported(server) == ids(*range(PAGE + 50))
    assert len(server.asked) == 2


def test_what_a_note_says_of_pages_is_a_note() -> None:
    server = Sending([answer(row(0), row(1, notes='"pagination": {"hasNext": true}'))], [answer(row(2))])
    assert exported(server) == ids(0, 1)


def test_an_id_that_is_there_twice_does_not_make_a_full_page_a_last_one() -> None:
    page = answer(row(0), *map(row, range(PAGE - 1)))
    assert len(exported(Sending([page], [answer(row(PAGE))]))) == PAGE + 1


def test_a_page_that_shifted_between_two_tries_is_still_a_page() -> None:
    broken, whole = answer(*map(row, range(PAGE)))[:-3], answer(*map(row, range(1, PAGE + 1)))
    server = Sending([broken, httpx.ReadError("reset")], [whole], [answer(row(PAGE + 1))])
    assert exported(server) == ids(*range(1, PAGE + 2))


def test_a_server_without_pages_gives_everything_at_once() -> None:
    server = Sending([answer(*map(row, range(3 * PAGE)))])
    assert exported(server) == ids(*range(3 * PAGE))
    assert len(server.asked) == 1


def test_the_same_page_again_ends_the_export() -> None:
    forever = Sending([answer(row(0), row(1), pagination={"total": 2, "hasNext": True})])
    assert sorted(set(exported(forever))) == ids(0, 1)
    assert len(forever.asked) == 2


def test_an_answer_that_is_shorter_than_the_server_counts_is_asked_for_once_more_afresh() -> None:
    short, whole = answer(row(0), pagination={"total": 2}), answer(row(1), row(0), pagination={"total": 2})
    assert exported(Sending([short], [whole])) == ids(1, 0), "what came before does not count"
    with pytest.raises(Incomplete, match="counts 2 entries and returned only 1"):
        exported(Sending([short]))


@pytest.mark.parametrize("status", [200, 201, 203, 206])
def test_any_success_is_read(status: int) -> None:
    assert exported(Sending([answer(row(0))], status=status)) == ids(0)


def test_an_answer_that_is_no_sense_is_asked_for_once() -> None:
    for body in (b"<html>" * 9999, answer(row(0, start_time="yesterday")), b'{"data": [' + b"[" * 100_000):
        server = Sending([body])
        with pytest.raises(Unreachable):
            exported(server)
        assert len(server.asked) == 1


def test_what_is_deeper_than_any_entry_is_no_sense() -> None:
    with pytest.raises(Unreachable, match="cannot read"):
        exported(Sending([answer(row(0))[:-2] + b', {"x": ' + b"[" * 100_000]))


def test_a_row_of_a_million_values_is_no_sense() -> None:
    many = b'{"entry_id": "e9", "x": [' + b"[]," * 1_000_001 + b"1]}"
    pieces = [many[at : at + 65536] for at in range(0, len(many), 65536)]
    with pytest.raises(Unreachable, match="cannot read"):
        exported(Sending([answer(row(0))[:-2] + b",", *pieces, b"]}"]))


halves = st.sampled_from(["\ud83d", "\ude00", "\ud83d\ude00", "\\", "\\ud83d", '"', "n", "u", "\U0001f600"])


@given(st.lists(halves, max_size=8).map("".join), st.integers(1, 40))
def test_half_a_character_is_read_as_one_that_nobody_knows_wherever_the_pieces_end(text: str, size: int) -> None:
    body = json.dumps({"data": [{"notes": text}, {"notes": "after"}]}).encode()
    taken: list[Any] = []
    reader = RowReader(taken.append)
    for start in range(0, len(body), size):
        reader.feed(body[start : start + size])
    reader.end()
    assert taken == sound(json.loads(body))["data"]
    assert "\ud83d" not in str(taken) and "\ude00" not in str(taken)


# --- memory ---------------------------------------------------------------------------------------


def peak(tmp_desk: Desk, count: int) -> int:
    """Bytes that Python held at most for an export of so many entries."""

    def pieces() -> Iterator[bytes]:
        yield b'{"data": ['
        for n in range(count):
            yield (b"," if n else b"") + json.dumps(row(n)).encode()
        yield b"]}"

    def answered(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=pieces()) if "export" in request.url.path else httpx.Response(404)

    tmp_desk.transport = httpx.MockTransport(answered)
    tmp_desk.env = {"ALGA_URL": TARGET.url, "ALGA_API_KEY": "k"}
    out = tmp_desk.home.parent / "out"
    tracemalloc.start()
    try:
        tmp_desk.ok("export", "--from", "2020-01-01", "-f", "jsonl", "-o", str(out))
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert out.read_bytes().count(b"\n") == count
    return held


def test_an_export_of_ten_times_as_much_takes_no_more_memory(desk: Desk) -> None:
    peak(desk, 500)
    peak(desk, 5_000)  # by now all is loaded, and all is learnt that these entries show
    assert peak(desk, 5_000) < 1.3 * peak(desk, 500)
