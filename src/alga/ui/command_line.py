"""The command line as a whole: what was typed, and what its command adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alga.app.environment import Environment
    from alga.app.session import Session
    from alga.ui.output import Format

TAB = "_ALGA_COMPLETE"  # set in the environment by a shell's script, where not a command but a TAB was typed


@dataclass(eq=False)
class CommandLine:
    """What the root command hands to the others; a command adds its format and its session."""

    environment: Environment
    args: Sequence[str] = ()  # as they were typed
    profile: str | None = None
    form: Format | None = None
    session: Session | None = None
