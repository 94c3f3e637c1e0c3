"""The entry point: `alga` and `python -m alga`."""

import gc
import sys

SELDOM = 200_000  # above what start-up allocates, so the collector does not run


def main() -> int:
    """Run the command line. Ctrl-C prints one line, even during start-up. Returns the exit code."""
    gc.set_threshold(SELDOM)
    try:
        from alga.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        print("alga: Interrupted.", file=sys.stderr)
        return 130
    finally:
        gc.freeze()  # so that Python does not collect all loaded objects when it exits


if __name__ == "__main__":
    sys.exit(main())
