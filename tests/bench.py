"""make bench: how long a command takes as a whole process, as a ratio to `python -c pass`, runs interleaved."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
ALGA = str(Path(sys.executable).parent / "alga")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "alga --version": [ALGA, "--version"],
    "TAB (alga st)": [ALGA],
    "alga status --offline": [ALGA, "status", "--offline"],
    "alga config path": [ALGA, "config", "path"],
    "alga status": [ALGA, "status"],
    "alga list": [ALGA, "list"],
    "alga --help": [ALGA, "--help"],
}


def main() -> None:
    """Run every command in turn, ROUNDS times, and print medians."""
    with tempfile.TemporaryDirectory() as home:
        env = {key: value for key, value in os.environ.items() if not key.startswith(("ALGA_", "PYTHON"))}
        env |= {f"ALGA_{name}_DIR": f"{home}/{name}" for name in ("CONFIG", "DATA", "STATE")}
        tab = env | {"_ALGA_COMPLETE": "complete_bash", "COMP_WORDS": "alga st", "COMP_CWORD": "1"}
        taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(ROUNDS + 1):  # the first round warms up
            for name, command in COMMANDS.items():
                began = time.perf_counter()
                subprocess.run(command, env=tab if name.startswith("TAB") else env, capture_output=True, check=False)
                taken[name].append(time.perf_counter() - began)
        least = statistics.median(taken["python -c pass"][1:])
        for name, seconds in taken.items():
            median = statistics.median(seconds[1:])
            print(f"{name:24} {median * 1000:6.0f} ms  {median / least:5.1f}")


main()
