"""Text from outside made harmless: nothing in it may drive a terminal."""

import json
import re

# What could move a cursor, change a colour, end a line or reverse the reading order.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BLANK = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")


def plain(text: str) -> str:
    """One line without anything that drives a terminal: blanks for line ends and tabs, � for other controls."""
    return CONTROL.sub("\ufffd", _BLANK.sub(" ", text))


def plain_lines(text: str) -> str:
    """The same with line ends and tabs kept."""
    return CONTROL.sub(lambda match: match[0] if match[0] in "\n\r\t" else "\ufffd", text)


def as_json(data: object, indent: int | None = 2) -> str:
    """JSON that reads back the same, with whatever could drive a terminal escaped."""
    text = json.dumps(data, ensure_ascii=False, indent=indent)
    return CONTROL.sub(lambda match: match[0] if match[0] == "\n" else f"\\u{ord(match[0]):04x}", text)
