"""What a command line runs in: the world outside, and what was said before the command's name."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from time import sleep
from typing import TYPE_CHECKING

from alga.core.times import SystemZone, system_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    import httpx

    from alga.core.times import Clock
    from alga.output import Format
    from alga.session import Session

TAB = "_ALGA_COMPLETE"  # set in the environment by a shell's script, where not a command but a TAB was typed


@dataclass(frozen=True, eq=False)
class Outside:
    """What alga touches of the world beyond files: replaced in tests."""

    clock: Clock = system_clock
    zone: tzinfo = field(default_factory=SystemZone)
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = sleep
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(eq=False)
class Context:
    """What the root command hands to the others; a command adds its format and its session."""

    outside: Outside
    args: Sequence[str] = ()  # as they were typed
    profile: str | None = None
    form: Format | None = None
    session: Session | None = None
