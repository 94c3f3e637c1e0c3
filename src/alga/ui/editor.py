"""The user's own editor, on a text."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from alga.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping


def edited(text: str, env: Mapping[str, str], suffix: str) -> str:
    """The text as the user left it in $VISUAL, $EDITOR or vi. Raises ConfigError when no editor can be run."""
    program = env.get("VISUAL") or env.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    with tempfile.TemporaryDirectory(prefix="alga-") as directory:
        path = Path(directory) / f"entry{suffix}"
        path.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*shlex.split(program), str(path)], check=False)
        except (OSError, ValueError) as fault:
            raise ConfigError(f"The editor '{program}' cannot be run.", "Set EDITOR, or give options.") from fault
        if done.returncode:
            raise ConfigError(f"The editor ended with {done.returncode}. Nothing was changed.")
        return path.read_text(encoding="utf-8", errors="replace")
