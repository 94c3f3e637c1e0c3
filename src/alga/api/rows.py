"""A long list read as it arrives: a row at a time, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ijson

if TYPE_CHECKING:
    from collections.abc import Callable

Broken = ijson.JSONError
BOM = b"\xef\xbb\xbf"


class Rows:
    """Gives each row of `{"data": [...]}` to `take`. Raises Broken for what is no JSON, or ends too early.

    An answer of a `few` rows is kept whole as well: there may be something beside them, or no list at all.
    """

    def __init__(self, take: Callable[[Any], None], few: int) -> None:
        self._take, self._few = take, few
        self.taken = 0
        self.unread = 0  # bytes since the last row
        self._head, self._begun = bytearray(), False
        self._found = ijson.sendable_list()
        self._reader = ijson.items_coro(self._found, "data.item", use_float=True)

    def feed(self, chunk: bytes) -> None:
        """The next bytes."""
        if self.taken <= self._few:
            self._head += chunk
        if not self._begun:
            if len(self._head) < len(BOM):
                return
            self._begun, chunk = True, bytes(self._head).removeprefix(BOM)
        if not chunk:  # which would be the end
            return
        self._reader.send(chunk)
        self.unread = len(chunk) if self._found and self.taken > self._few else self.unread + len(chunk)
        for row in self._found:
            self.taken += 1
            self._take(row)
        del self._found[:]

    def end(self) -> bytes:
        """All was read: the answer, of a few rows; else nothing."""
        if self.taken <= self._few:
            return bytes(self._head)
        self._reader.close()
        return b""
