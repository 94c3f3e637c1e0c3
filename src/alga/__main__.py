"""The entry point: `alga` and `python -m alga`."""

import gc
import sys

SELDOM = (
    200_000  # more objects than a start makes: before that many new ones live, looking for rings of dead ones is idle
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
    finally:
        gc.freeze()  # so that Python does not look through all that was loaded before it ends


if __name__ == "__main__":
    sys.exit(main())
