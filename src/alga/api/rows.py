"""A long list read as it arrives: a row at a time, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ijson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Broken = ijson.JSONError
BOM = b"\xef\xbb\xbf"
DEEPEST = 5000  # brackets that a row may leave open: to the parser each costs as much memory as all before it


class Rows:
    """Gives each row of `{"data": [...]}` to `take`. Raises Broken for what is no JSON, or ends too early.

    What comes without any row is kept instead, whatever it is: an error, an empty list, no JSON at all.
    """

    def __init__(self, take: Callable[[Any], None]) -> None:
        self._take = take
        self.taken = 0
        self.unread = 0  # bytes since the last row
        self._open = 0  # brackets since the last row
        self._head, self._begun, self._senseless = bytearray(), False, False
        self._found, self._beside = ijson.sendable_list(), ijson.sendable_list()
        self._readers = [
            ijson.items_coro(found, prefix, use_float=True)
            for found, prefix in ((self._found, "data.item"), (self._beside, "pagination"))
        ]

    def feed(self, chunk: bytes) -> None:
        """The next bytes."""
        self.unread += len(chunk)
        if not self.taken:
            self._head += chunk
        if not self._begun:
            if len(self._head) < len(BOM):
                return
            self._begun, chunk = True, bytes(self._head).removeprefix(BOM)
        if not chunk or self._senseless:  # nothing would be the end
            return
        self._open += chunk.count(b"[") + chunk.count(b"{") - chunk.count(b"]") - chunk.count(b"}")
        try:
            if self._open > DEEPEST:
                raise Broken("too deep")
            for reader in self._readers:
                reader.send(chunk)
        except Broken:
            self._senseless = not (self.taken or self._found)
            if not self._senseless:
                raise
        self._give()

    def _give(self) -> None:
        for row in self._found:
            self.taken += 1
            self._take(row)
        if self._found:
            self.unread = self._open = 0
        del self._found[:]

    def end(self) -> bytes:
        """All was read: what came, where there was no row."""
        if not self.taken:
            return bytes(self._head)
        for reader in self._readers:
            reader.close()
        return b""

    @property
    def pagination(self) -> Mapping[str, Any]:
        """What stands beside the rows."""
        known = self._beside[0] if self._beside else None
        return known if isinstance(known, dict) else {}
