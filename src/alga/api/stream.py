"""A long list, read row by row as it arrives."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ijson

from alga.core.safe_text import MOST_BRACKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alga.core.entry import Entry


class Broken(ValueError):
    """Invalid or truncated JSON, or JSON that is made to take memory."""


BESIDE = re.compile(rb'"pagination"\s*:\s*')  # inside text its quotes would be escaped
BESIDE_WITHIN = 64 * 1024  # bytes in which a pagination is looked for
BOM = b"\xef\xbb\xbf"
HALF = re.compile(rb"\\u[dD][89a-fA-F]")
FIRST_HALF = re.compile(rb"\\u[dD][89abAB]")
ESCAPES = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.", re.DOTALL
)
LONGEST_ESCAPE = 12  # bytes of an escaped character in two halves
HEAD = 1024 * 1024  # bytes of a row that is too large, to name it by its id
LEARNT_FROM = 100  # entries of a page from which the cache learns
DEEPEST = 5000  # most open brackets in a row: for the parser each costs as much memory as all before it


class RowReader:
    """Passes each row of `{"data": [...]}` to `take`. Raises Broken for invalid or truncated JSON.

    An answer without any row is kept instead, whatever it is: an error, an empty list, or not JSON at all.
    """

    def __init__(self, take: Callable[[Any], None]) -> None:
        self._take = take
        self.taken = 0
        self.unread = 0  # bytes since the last row
        self._open = self._brackets = 0  # since the last row
        self._head, self._begun, self._senseless = bytearray(), False, False
        self._held = b""  # an escape whose end may be in the next chunk
        self._tail: list[bytes] = []  # chunks since the last row, and the chunk with that row
        self._found = ijson.sendable_list()
        self._reader = ijson.items_coro(self._found, "data.item", use_float=True)

    def feed(self, chunk: bytes) -> None:
        """Parse the next bytes. Raises Broken."""
        self.unread += len(chunk)
        if not self.taken:
            self._head += chunk
        if not self._begun:
            if len(self._head) < len(BOM):
                return
            self._begun, chunk = True, bytes(self._head).removeprefix(BOM)
        if not self._senseless:
            self._parse(self._whole(chunk))

    def _whole(self, chunk: bytes) -> bytes:
        """The text up to an escape that may continue in the next chunk, with half characters replaced by �."""
        text = self._held + chunk
        end = text.find(b"\\", max(0, len(text) - LONGEST_ESCAPE))
        if end < 0:
            end = len(text)
        end = _escape_at(text, end)
        if end >= 6 and FIRST_HALF.match(text, end - 6):
            end = _escape_at(text, end - 6)
        self._held = text[end:]
        return _mended(text[:end])

    def _parse(self, chunk: bytes) -> None:
        if not chunk:  # an empty chunk would mean the end
            return
        opened = chunk.count(b"[") + chunk.count(b"{")
        self._brackets += opened
        self._open += opened - chunk.count(b"]") - chunk.count(b"}")
        try:
            if self._open > DEEPEST or self._brackets > MOST_BRACKETS:
                raise Broken("too deep, or too many")
            self._reader.send(chunk)
        except Exception as fault:  # of whatever kind: the parser has several
            self._senseless = not (self.taken or self._found)
            if not self._senseless:
                raise Broken(str(fault)) from fault
        self._tail.append(chunk)
        self._give(chunk)

    def _give(self, chunk: bytes) -> None:
        for row in self._found:
            self.taken += 1
            self._take(row)
        if self._found:
            self.unread = self._open = self._brackets = 0
            self._tail = [chunk]
        del self._found[:]

    def end(self) -> bytes:
        """Finish reading. Returns the whole answer if it had no rows, otherwise b''. Raises Broken."""
        if not self._senseless:
            self._parse(_mended(self._held))
        if not self.taken:
            return bytes(self._head)
        self._reader.close()
        return b""

    @property
    def head(self) -> bytes:
        """The beginning of the row that is being read, or the end of the row before it."""
        return b"".join(self._tail)[:HEAD]

    @property
    def pagination(self) -> Mapping[str, Any]:
        """The pagination after the rows, or before them. (A second parser would take a fifth more time.)"""
        for part in (b"".join(self._tail)[-BESIDE_WITHIN:], bytes(self._head[:BESIDE_WITHIN])):
            for match in reversed([*BESIDE.finditer(part)]):
                with suppress(ValueError, RecursionError):
                    found, _ = json.JSONDecoder().raw_decode(part[match.end() :].decode("utf-8", "replace"))
                    if isinstance(found, dict):
                        return found
        return {}


def _escape_at(text: bytes, at: int) -> int:
    """The start of the escape that a backslash belongs to: the backslash itself, or the one that escapes it."""
    before = text[:at]
    return at - (len(before) - len(before.rstrip(b"\\"))) % 2


def _mended(text: bytes) -> bytes:
    """JSON with half characters replaced by �."""
    if not HALF.search(text):
        return text
    return ESCAPES.sub(lambda match: b"\\ufffd" if match[2] else match[0], text)


class ExportPage:
    """Passes the entries of a page on, counts them, and computes a mark that recognises the same page again."""

    def __init__(
        self, read: Callable[..., Entry], begin: Callable[[int], Callable[[Entry], None]], number: int
    ) -> None:
        self._read, self._begin, self._number = read, begin, number
        self._take: Callable[[Entry], None] = begin(number)
        self.count = self._sum = 0

    def begin(self) -> Callable[[object], None]:
        """Start a try: rows of an earlier try do not count."""
        self._take, self.count, self._sum = self._begin(self._number), 0, 0
        return self

    @property
    def mark(self) -> tuple[int, int]:
        """The same value for the same entries in any order."""
        return self.count, self._sum

    def __call__(self, row: object) -> None:
        entry = self._read(row, learning=self.count < LEARNT_FROM)
        self.count += 1
        self._sum ^= hash(entry.id)
        self._take(entry)
