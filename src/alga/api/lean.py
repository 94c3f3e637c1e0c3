"""httpx, without the parts that alga does not use: its command line, with all of rich."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without(*names: str) -> Iterator[None]:
    """A block in which the named packages cannot be imported, so that features alga does not use are not loaded."""
    hidden = set(names) - set(sys.modules)
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with without("click"):
    import httpx as httpx
