"""The entry point: `alga` and `python -m alga`."""

import gc
import sys

SELDOM = (
    50_000  # objects more before a collection: a command makes fewer that live, and starting is what it mostly does
)


def main() -> int:
    """Run the command line; Ctrl-C is one line from the first moment on."""
    gc.set_threshold(SELDOM)
    try:
        from alga.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        print("alga: Interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
