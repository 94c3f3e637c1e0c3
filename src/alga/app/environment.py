"""The outside world: the clock, the time zone, the network, the environment variables."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from time import sleep
from typing import TYPE_CHECKING

from alga.core.times import SystemZone, system_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    import httpx

    from alga.core.times import Clock


@dataclass(frozen=True, eq=False)
class Environment:
    """Everything outside alga except files; tests replace it."""

    clock: Clock = system_clock
    zone: tzinfo = field(default_factory=SystemZone)
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = sleep
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    computer: str = field(default_factory=lambda: _name_of_this_computer())


def _name_of_this_computer() -> str:
    return os.uname().nodename if os.name == "posix" else os.environ.get("COMPUTERNAME", "")
