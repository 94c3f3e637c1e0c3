"""Files written whole or not at all: written next to their target and moved into place."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_whole(path: Path, text: str, cache: bool = False) -> None:
    """Replace one of alga's files in one step, mode 0600 in a directory of mode 0700. A link stays a link.

    A `cache` may be lost in a power failure. Raises OSError, with the old file intact.
    """
    make_private(path.resolve().parent)
    with replacing(path, mode=0o600, durable=not cache) as file:
        file.write(text.encode("utf-8", "replace"))  # half a character must not cost the whole file


@contextmanager
def replacing(path: Path, mode: int | None = None, durable: bool = True) -> Iterator[BinaryIO]:
    """A file that replaces another when it is complete. Without a mode it keeps the old file's mode, or the umask's.

    Raises OSError, with the old file intact. A terminal or /dev/null is written to directly.
    """
    if path.exists() and (not path.is_file() or path.is_relative_to("/dev/fd") or path == Path("/dev/stderr")):
        with path.open("ab") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    handle, beside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # created with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.chmod(beside, _usual_mode(target) if mode is None else mode)
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise


def _usual_mode(target: Path) -> int:
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def make_private(directory: Path) -> None:
    """Create a directory and its parents, readable by their owner only; an existing directory is left unchanged."""
    if not directory.exists():
        make_private(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)
