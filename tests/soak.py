"""make soak: machines, killed processes and the hostile world, with other dice each time, for as long as is said."""

import os
import re
import subprocess
import sys
import time

TESTS = (
    "tests/pure/test_outbox.py",
    "tests/cli/test_outbox_machine.py",
    "tests/cli/test_outbox_killed.py",
    "tests/hostile",
)
EXAMPLES, KILLS = 200, 20  # of a round, which takes a minute or two
SECONDS = {"m": 60, "h": 3600}


def main() -> int:
    """SOAK=20m, 2h, …: rounds until that time is over, or one fails."""
    typed = sys.argv[1] if len(sys.argv) > 1 else "20m"
    length = re.fullmatch(r"([0-9]+)([mh])", typed)
    if not length:
        print(f"How long? {typed} is no time: SOAK=20m or SOAK=2h.")
        return 2
    until = time.monotonic() + int(length[1]) * SECONDS[length[2]]
    rounds = 0
    env = {**os.environ, "ALGA_TEST_EXAMPLES": str(EXAMPLES), "ALGA_TEST_KILLS": str(KILLS)}
    while time.monotonic() < until:
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", *TESTS], env=env, check=False)
        if done.returncode:
            return done.returncode
        rounds += 1
    print(f"{rounds} rounds of {EXAMPLES} examples a machine and {KILLS} kills: all held.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
