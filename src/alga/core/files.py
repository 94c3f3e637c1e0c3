"""Files: read up to a bound, written whole or not at all, and private where they are alga's own."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

MOST_OWN, MOST_INPUT = 8 * 1024**2, 64 * 1024**2  # bytes
PATIENCE = 5.0  # seconds for another alga that changes the same file
UNFINISHED = ".unfinished"  # the end of the name of a file that is being written


# --- reading: bounded, and without waiting for a pipe ---


def read_own(path: Path) -> str:
    """The text of one of alga's own small files. Raises OSError, also for a file that is larger, or no file at all
    (opening a pipe would wait for whoever writes into it), and UnicodeDecodeError.
    """
    with open(path, "rb", opener=_not_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        return bounded(file, MOST_OWN, str(path)).decode("utf-8")


def read_input(path: Path) -> bytes:
    """A user's file, or a pipe or device. Raises OSError, also for more than MOST_INPUT."""
    with path.open("rb") as file:
        return bounded(file, MOST_INPUT, str(path))


def bounded(file: BinaryIO, most: int, name: str) -> bytes:
    """All of a file. Raises OSError for more than `most` bytes."""
    content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // 1024**2} MB", name)
    return content


def _not_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


# --- writing: whole or not at all ---


def write_whole(path: Path, text: str, cache: bool = False) -> None:
    """Replace one of alga's files in one step, mode 0600 in a directory of mode 0700. A link stays a link.

    A `cache` may be lost in a power failure. Raises OSError, with the old file intact.
    """
    make_private(Path(os.path.realpath(path)).parent)
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
    _remove_stale(target)
    new, beside = _new_beside(target)
    try:
        with new:
            yield new
            new.flush()
            if durable:
                os.fsync(new.fileno())
            if fcntl is None:  # Windows, where an open file cannot be moved
                new.close()
            os.chmod(beside, _usual_mode(target) if mode is None else mode)
            _keep_owner(beside, target)
            os.replace(beside, target)  # while it is locked, or another alga would take it for stale
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(beside)
        raise


def _new_beside(target: Path) -> tuple[BinaryIO, Path]:
    """A new file of mode 0600 next to the target, locked as long as it is open."""
    while True:
        beside = target.with_name(f"{_beginning(target)}{os.urandom(4).hex()}{UNFINISHED}")
        file: BinaryIO = open(beside, "xb", opener=_private)  # noqa: SIM115  whoever asks closes it
        held = True
        with suppress(OSError):  # a file system without locks
            held = _hold(file)
        if held and os.fstat(file.fileno()).st_nlink:
            return file, beside
        file.close()  # another alga took it for stale before it was locked


def _beginning(target: Path) -> str:
    """How the name of an unfinished file begins; names have 255 bytes at most."""
    return f".{os.fsencode(target.name)[:200].decode(errors='replace')}."


def leftovers(target: Path) -> list[Path]:
    """Unfinished files of writers of a file, whether they live or were killed. They may hold keys."""
    name = re.compile(rf"{re.escape(_beginning(target))}[0-9a-f]{{8}}{re.escape(UNFINISHED)}")
    try:
        return [target.parent / each for each in os.listdir(target.parent) if name.fullmatch(each)]
    except OSError:
        return []


def _remove_stale(target: Path) -> None:
    """Remove what killed writers of the same file left. On Windows the file of a writer that lives stays by itself."""
    remove = Path.unlink if fcntl is None else _remove_unless_held
    for stale in leftovers(target):
        with suppress(OSError):
            remove(stale)


def _remove_unless_held(stale: Path) -> None:
    if stat.S_ISREG(stale.lstat().st_mode):
        with open(stale, "rb", opener=_not_waiting) as file:
            if _hold(file):
                stale.unlink()


def _hold(file: BinaryIO | int) -> bool:
    """Lock a file as long as it is open: its writer lives. Returns False if the file is locked already.

    Raises OSError where files cannot be locked.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _usual_mode(target: Path) -> int:
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _keep_owner(beside: Path, target: Path) -> None:
    """Give a new file the owner of the one that it replaces: root may change a file of somebody else's."""
    with suppress(OSError, AttributeError):  # Windows has no such owners
        owner = target.stat()
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(beside, owner.st_uid, owner.st_gid)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


# --- whose the files are ---


def open_to_others(path: Path) -> bool:
    """Whether other users of this computer may read a file; False without it."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False


def make_private_file(path: Path) -> None:
    """Create a file that only its owner may read, or take others' right to read it away. Raises OSError.

    A file that exists is not opened: closing it would take away the locks that SQLite has on it in this process. What
    is no file of one's own (a link, a directory, somebody else's) is left as it is.
    """
    make_private(path.parent)
    try:
        with open(path, "xb", opener=_private) as file:
            if os.name == "posix":
                os.fchmod(file.fileno(), 0o600)  # whatever the umask
    except FileExistsError:
        found = path.lstat()
        alone = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        if os.name == "posix" and alone and found.st_uid == os.geteuid() and found.st_mode & 0o077:
            path.chmod(0o600)


def make_private(directory: Path) -> None:
    """Create a directory and its parents, readable by their owner only; an existing directory is left unchanged."""
    if not directory.exists():
        make_private(directory.parent)
        directory.mkdir(exist_ok=True)
        directory.chmod(0o700)  # whatever the umask


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """A block that no other alga on this computer is in, for files that are read, changed and written.

    Raises OSError while another one is. Where a directory cannot be locked (Windows, some network drives) nobody waits.
    """
    handle = None
    try:
        with suppress(PermissionError):
            handle = os.open(directory, os.O_RDONLY)
        until = time.monotonic() + PATIENCE
        while handle is not None and not _locked(handle):
            if time.monotonic() > until:
                raise BlockingIOError(errno.EWOULDBLOCK, "another alga is changing it", str(directory))
            time.sleep(0.02)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _locked(handle: int) -> bool:
    """Lock a directory, where that is possible. False while another process has it locked."""
    try:
        return _hold(handle)
    except OSError:  # this file system knows no locks
        return True


def use_wal(db: sqlite3.Connection, busy: type[sqlite3.Error]) -> None:
    """Give a new database a write-ahead log, for good: a commit is one fsync, and readers do not wait.

    SQLite does not wait for others here, but raises `busy`: while many processes open the file for the first time,
    many tries may find it so. Without the log everything works, only slower.
    """
    for _ in range(50):
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except busy:
            time.sleep(0.02)
        else:
            return
