"""Files of ours: written whole or not at all, private, beside their target and moved into place."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace the file's content in one step, mode 0600 in a directory of mode 0700. A link stays a link.

    Raises OSError, with the old file intact.
    """
    target = path.resolve()
    make_private(target.parent)
    handle, beside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # created with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        os.unlink(beside)
        raise


def make_private(directory: Path) -> None:
    """Create a directory, and those above it, that only its owner may read; one that exists is left as it is."""
    if not directory.exists():
        make_private(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)
