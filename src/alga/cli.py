"""The command line: finds a command's file, runs it, and prints every error in one place."""

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from itertools import takewhile
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperCommand, TyperGroup

from alga import __version__
from alga.app.environment import Environment
from alga.core import safe_text
from alga.core.errors import AlgaError, ConfigError, Interrupted, UsageError
from alga.ui import completion, output
from alga.ui.command_line import TAB, CommandLine
from alga.ui.options import ProfileName

PANELS = {  # each command's file is commands/NAME.py, imported when it is typed
    "Track": {
        "start": "Start the clock on a work item.",
        "stop": "Stop the running timer and record its time.",
        "switch": "Stop one timer and start another at the same minute.",
        "resume": "Start the last work item again.",
        "cancel": "Discard the running timer: nothing is recorded.",
        "log": "Record work already done.",
        "fill": "Ask what the free time of a day was, and record it.",
        "status": "Show the running timer and today's sum.",
    },
    "Look": {
        "list": "List time entries by day (default: yours, this week).",
        "show": "Show one entry.",
        "day": "Show the sheet of a day (default: yours, today).",
        "week": "Show the days of a week: work, missing and free time.",
        "search": "Find entries by their notes.",
        "stats": "Show totals (default: yours, this week).",
        "templates": "List the server's templates for time entries.",
    },
    "Change": {
        "edit": "Change an entry.",
        "split": "Divide an entry at times within it.",
        "delete": "Delete entries.",
        "undo": "Take back what you did last.",
        "bulk": "Create, change or delete many entries at once, from files.",
    },
    "Review": {
        "approve": "Approve entries; without ids, shows what waits and asks.",
        "request-changes": "Send submitted entries back, with a reason.",
        "export": "Export entries as CSV, JSON, JSON lines or xlsx.",
    },
    "Set up": {
        "login": "Connect to an AlgaPSA server.",
        "logout": "Forget a login and its key.",
        "whoami": "Show the login in use and whose it is.",
        "config": "Show the settings, and change them.",
        "alias": "Name work that you do often: alga start printer.",
        "services": "List the services that time can be billed as.",
        "tickets": "Find tickets; without words, those assigned to you.",
        "doctor": "Check the setup: files, server, key, clock, role.",
        "queue": "Show what waits on this computer; fix it or drop it.",
        "sync": "Deliver everything that waits, however long it takes.",
        "completion": "Set up TAB completion for bash, zsh, fish and PowerShell.",
    },
}
HELP_WIDTH = 52  # columns of a terminal below which click would let it break lines inside words
HIDDEN = ("serve",)
MEANT = {  # what other trackers call it
    "ls": "list", "rm": "delete", "remove": "delete", "add": "log", "pause": "stop", "continue": "resume",
    "in": "start", "out": "stop", "report": "stats",
}  # fmt: skip
NAMES = [*(name for panel in PANELS.values() for name in panel), *HIDDEN]


class Command(TyperCommand):
    """A command whose usage has no braces."""

    def get_help(self, ctx: Any) -> str:
        return super().get_help(fitted(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def make_parser(self, ctx: Any) -> Any:
        parser = super().make_parser(ctx)
        return parser if ctx.resilient_parsing else once_each(parser)


def fitted(ctx: Any) -> Any:
    """The context, for a help text in a narrow terminal: click itself makes no line shorter than 50 characters."""
    from shutil import get_terminal_size

    if (columns := get_terminal_size().columns) < HELP_WIDTH:
        ctx.terminal_width = columns - 2
    return ctx


def once_each(parser: Any) -> Any:
    """A parser that accepts a repeated option only where repeating means any of them: else the last silently wins."""
    parse = parser.parse_args

    def parsed(args: list[str]) -> Any:
        options, rest, order = parse(args)
        twice = next((each for each in order if order.count(each) > 1 and not getattr(each, "multiple", False)), None)
        if twice is not None:
            raise UsageError(f"{max(twice.opts, key=len)} is given twice.", "Give each option once.")
        return options, rest, order

    parser.parse_args = parsed
    return parser


class Group(TyperGroup):
    """Commands by panel, each with its whole sentence."""

    def get_help(self, ctx: Any) -> str:
        return super().get_help(fitted(ctx))

    def make_parser(self, ctx: Any) -> Any:
        parser = super().make_parser(ctx)
        return parser if ctx.resilient_parsing else once_each(parser)

    def panels(self, ctx: Any) -> dict[str, dict[str, str]]:
        """The sentence of each command."""
        return {"Commands": {name: self.commands[name].help or "" for name in self.list_commands(ctx)}}

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        panels = self.panels(ctx)
        wide = max(len(name) for commands in panels.values() for name in commands)
        for panel, commands in panels.items():
            with formatter.section(panel):
                formatter.write_dl([(name.ljust(wide), sentence) for name, sentence in commands.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        commands = [pair for panel in self.panels(ctx).values() for pair in panel.items()]
        return [*completion.beginning(incomplete, commands), *super(TyperGroup, self).shell_complete(ctx, incomplete)]


class Commands(Group):
    """The commands of PANELS, each loaded when it is needed."""

    def panels(self, ctx: Any) -> dict[str, dict[str, str]]:
        return PANELS

    def list_commands(self, ctx: Any) -> list[str]:
        return NAMES

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands and cmd_name in NAMES:
            self.commands[cmd_name] = load(cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in NAMES and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise UsageError(f"No such command '{args[0]}'.{_meant(args[0])}", "All commands: alga --help")
        return super().resolve_command(ctx, args)


def _meant(typed: str) -> str:
    near = [MEANT[typed]] if typed in MEANT else sorted(_near(typed, NAMES, 2, 0.6))
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _near(typed: str, names: Sequence[str], most: int, alike: float) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(typed, names, most, alike)


@cache
def load(name: str) -> Any:
    """The command of a file, as Typer builds it: its function of the same name, or a group of its SUBCOMMANDS."""
    file = name.replace("-", "_")
    module = import_module(f"alga.commands.{file}")
    made = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
    if subcommands := getattr(module, "SUBCOMMANDS", None):
        for each, function in subcommands.items():
            made.command(each, cls=Command)(function)
        alone = getattr(module, file, None)  # what the group does without a subcommand
        made.info.no_args_is_help = alone is None
        made.callback(cls=Group, help=_sentence(module.__doc__ or ""), invoke_without_command=bool(alone))(
            alone or (lambda: None)
        )
    else:
        made.command(name, cls=Command)(getattr(module, file))
    command = typer.main.get_command(made)
    command.name = name
    return command


def _sentence(doc: str) -> str:
    """The text after the colon in the first line of a command file."""
    words = doc.partition(": ")[2].strip()
    return words[:1].upper() + words[1:]


root = typer.Typer(
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"alga {__version__}")
        raise typer.Exit


@root.callback(invoke_without_command=True)
def main(
    ctx: typer.Context,
    profile: ProfileName = None,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> Any:
    """Track time in AlgaPSA: start, stop, log."""
    ctx.obj.profile = profile
    if ctx.invoked_subcommand is None:
        from alga.commands.home import home

        return home(ctx, profile=None, form=None, json=False, fields=None)
    return None


def run(args: Sequence[str], environment: Environment | None = None) -> int:
    """Run one command line and return its exit code. Errors never show a traceback unless ALGA_DEBUG is set."""
    args = _spelled(args)
    context = CommandLine(environment or Environment(), args)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever called
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
    try:
        if not all(each.isascii() or safe_text.sound_text(each) for each in args):
            raise UsageError("An argument is not valid UTF-8 text.", "Type the command again in UTF-8.")
        return _run(args, context)
    except BrokenPipeError:
        _give_up(sys.stdout)  # the reader had enough (| head)
        return 0
    except (Exception, KeyboardInterrupt) as fault:
        error = _error_of(fault)
        if os.environ.get("ALGA_DEBUG") and error is not fault and not isinstance(fault, OSError | KeyboardInterrupt):
            raise
        return _told(error, context)
    finally:
        _afterwards(context)


def _spelled(args: Sequence[str]) -> Sequence[str]:
    """`alga help log` as `alga log --help`, and `alga version` as `alga --version`."""
    match list(args):
        case ["help", *rest]:  # of what follows only the command counts: an option might take --help for its value
            return [*takewhile(lambda word: not word.startswith("-"), rest), "--help"]
        case ["version"]:
            return ["--version"]
    return args


OUTSIDE = (UnicodeError, OverflowError, RecursionError, MemoryError)  # a value from outside that nobody thought of


def _error_of(fault: BaseException) -> AlgaError:
    """An exception as an error that can be told."""
    match fault:
        case AlgaError():
            return fault
        case KeyboardInterrupt():
            return Interrupted("Interrupted.")
        case OSError():
            place = f"{fault.filename}: " if fault.filename else ""
            return ConfigError(f"{place}{fault.strerror or fault}.", "Check the free disk space and the permissions.")
    name, saved = type(fault).__name__, "The entry may or may not have been saved: alga list --today shows."
    if isinstance(fault, OUTSIDE):
        told = f"A file, an argument or an answer holds a value that alga cannot use ({name}). {saved}"
        return ConfigError(told, "To see where, set ALGA_DEBUG=1.")
    told = f"Internal error ({name}). {saved}"
    return AlgaError(told, "To see where, set ALGA_DEBUG=1. Please report the error.")


def _afterwards(context: CommandLine) -> None:
    """Save the cache, and print warnings and notes after the result. A failure here does not change the exit code:
    the work is done, and a script that saw a failure would do the work again.
    """
    if context.session:
        with suppress(Exception):
            context.session.close()
        with _unheard():
            output.messages(context.session.warnings, context.session.notes)


@contextmanager
def _unheard() -> Iterator[None]:
    """Ignore text that cannot be written to stderr (a full disk, a closed terminal), also when Python exits."""
    try:
        yield
    except (OSError, ValueError):
        _give_up(sys.stderr)


@cache
def program() -> Any:
    """The command line, as Typer builds it."""
    return typer.main.get_command(root)


def _run(args: Sequence[str], context: CommandLine) -> int:
    group = program()
    if TAB in os.environ:
        completion.register()
    try:
        result = group.main(list(args), prog_name="alga", complete_var=TAB, standalone_mode=False, obj=context)
    except typer.Abort:
        return _told(Interrupted("Interrupted."), context)
    except AlgaError:
        raise
    except Exception as fault:
        usage = getattr(fault, "format_message", None)
        if usage is None:
            raise
        return _usage(fault, context, args)
    if isinstance(result, int | None):
        return _told(Interrupted("Interrupted."), context) if result == Interrupted.exit_code else result or 0
    return _show(result, context)


def _told(error: AlgaError, context: CommandLine) -> int:
    """Print an error; with JSON output the error contains the warnings, since stderr is then a single object."""
    asked = output.Format("json") if "--json" in context.args else output.Format()
    form, warnings = context.form or asked, []
    if context.session and form.machine:
        warnings, context.session.warnings = context.session.warnings, []
    with _unheard():
        output.error(error, form, warnings)
    return error.exit_code


def _show(result: "output.Output", context: CommandLine) -> int:
    """Print the result. If printing fails after a write, say that the write was done, so that no script repeats it."""
    try:
        output.show(result, context.form or output.Format())
    except BrokenPipeError:
        raise
    except OSError as fault:
        if fault.errno == errno.EINVAL:  # as Windows says that the reader had enough
            raise BrokenPipeError from fault
        _give_up(sys.stdout)
        told = ConfigError(f"The output cannot be written: {fault.strerror}.", "Check the free disk space.")
        if not output.is_write(result.data):
            raise told from fault
        _told(told.adding("The command itself was carried out."), context)
    return int(result.exit_code)


def _give_up(stream: TextIO) -> None:
    """Discard what is still buffered, quietly; a stream without a file behind it has nothing to discard."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _usage(fault: Any, context: CommandLine, args: Sequence[str]) -> int:
    """Click's usage error in alga's words: the usage, what is wrong and the nearest option."""
    ctx = fault.ctx
    if type(fault).__name__ == "NoArgsIsHelpError":
        print(fault.format_message())
        return 2
    if "--json" in args:
        context.form = output.Format("json")
    elif ctx is not None:
        with _unheard():
            print(ctx.get_usage(), file=sys.stderr)
    near = getattr(fault, "possibilities", None)
    if near is not None:  # click's guesses are far-fetched: --year is not --user
        near = _near(fault.option_name, near, 1, 0.75)
    message = f"No such option '{fault.option_name}'." if near is not None else fault.format_message()
    message = message if message.endswith((".", "?")) else f"{message}."
    meant = f" Did you mean {near[0]}?" if near else ""
    path = ctx.command_path if ctx is not None else "alga"
    quotes = "Words that belong together go in quotes. " if "extra argument" in message else ""
    return _told(UsageError(f"{message}{meant}", f"{quotes}All options: {path} --help"), context)
