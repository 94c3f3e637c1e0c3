"""Outside text made harmless, so that it cannot control a terminal."""

from __future__ import annotations

import json
import re
from typing import Any

# Characters that could move a cursor, change a colour, end a line or reverse the reading order: none is printable.
# Most texts are printable, so these patterns are compiled only when the first other text comes.
_CONTROL = "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
_BLANK = r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+"
MOST_BRACKETS = 1_000_000  # in JSON from outside: each makes an object of a hundred bytes
_RUNS = r"'*[=+\-@\t\r]"


def plain(text: str) -> str:
    """One line that cannot control a terminal: blanks for line ends and tabs, � for other control characters."""
    return text if text.isprintable() else re.sub(_CONTROL, "\ufffd", re.sub(_BLANK, " ", text))


def brief(text: str, most: int) -> str:
    """The text, or its first characters and an ellipsis: for screens, errors and caches, never for what is sent."""
    return text if len(text) <= most else f"{text[: most - 1]}\u2026"


def plain_lines(text: str) -> str:
    """The same with line ends and tabs kept; a carriage return alone would go back over what was printed."""
    if text.isprintable():
        return text
    ended = text.replace("\r\n", "\n")
    return re.sub(_CONTROL, lambda match: match[0] if match[0] in "\n\t" else "\ufffd", ended)


def sound(data: Any) -> Any:
    """Incoming data with half characters, which UTF-8 cannot encode, replaced by �.

    JavaScript sends such halves where it cuts an emoji in two.
    """
    if isinstance(data, str):
        return data if data.isascii() else data.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(data, list):
        return [sound(each) for each in data]
    if isinstance(data, dict):
        return {sound(key): sound(value) for key, value in data.items()}
    return data


def sound_text(text: str) -> bool:
    """Whether the text is valid: without half characters and without undecodable bytes."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def guarded(text: str) -> str:
    """The text with a leading ' where a spreadsheet would run it as a formula; unguarded() removes the '."""
    return f"'{text}" if re.match(_RUNS, text) else text


def unguarded(text: str) -> str:
    """The text as it was before guarded()."""
    return text[1:] if text.startswith("'") and re.match(_RUNS, text) else text


def as_json(data: object, indent: int | None = 2) -> str:
    """JSON that reads back the same, with characters that could control a terminal escaped.

    Of a list each row has a line of its own; an object is indented, unless it is to be on one line.
    """
    if indent is None:
        text = _one_line(data)
    elif isinstance(data, list) and data:
        text = "[\n " + ",\n ".join(map(_one_line, data)) + "\n]"
    else:
        text = json.dumps(data, ensure_ascii=False, indent=indent)
    if text.isprintable():
        return text
    return re.sub(_CONTROL, lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)


_one_line = json.JSONEncoder(ensure_ascii=False).encode  # made once: an export has a line for each entry
