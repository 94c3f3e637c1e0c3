"""The entry point: `alga` and `python -m alga`."""

import sys


def main() -> int:
    """Run the command line; Ctrl-C is one line from the first moment on."""
    try:
        from alga.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        print("alga: Interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
