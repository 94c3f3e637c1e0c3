"""The command line: finds a command's file, runs it, and prints every error in one place."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from alga import __version__, output
from alga.command import Context
from alga.errors import AlgaError, ConfigError, Interrupted, UsageError
from alga.options import ProfileName
from alga.output import Bytes, Format, Shown
from alga.session import Outside

PANELS = {  # each command's file is commands/NAME.py, imported when it is typed
    "Track": ("start", "stop", "switch", "resume", "cancel", "log", "status"),
    "Look": ("list", "show", "day", "search", "stats", "templates"),
    "Change": ("edit", "delete", "bulk"),
    "Review": ("approve", "request-changes", "export"),
    "Set up": (
        "login",
        "logout",
        "whoami",
        "config",
        "services",
        "tickets",
        "doctor",
        "queue",
        "sync",
        "completion",
        "serve",
    ),
}
NAMES = [name for names in PANELS.values() for name in names]


class Commands(TyperGroup):
    """The commands of PANELS, each loaded when it is needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        return NAMES

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands and cmd_name in NAMES:
            self.commands[cmd_name] = load(cmd_name)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in NAMES and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = sorted(get_close_matches(args[0], NAMES, n=2))
            meant = f" Did you mean {' or '.join(near)}?" if near else ""
            raise UsageError(f"No such command '{args[0]}'.{meant}", "All commands: alga --help")
        return super().resolve_command(ctx, args)


def load(name: str) -> Any:
    """The command of a file, as Typer builds it: its function of the same name, or a group of its SUBCOMMANDS."""
    file = name.replace("-", "_")
    module = import_module(f"alga.commands.{file}")
    panel = next(panel for panel, names in PANELS.items() if name in names)
    made = typer.Typer(add_completion=False, rich_markup_mode="rich", no_args_is_help=True)
    if subcommands := getattr(module, "SUBCOMMANDS", None):
        for each, function in subcommands.items():
            made.command(each)(function)
        alone = getattr(module, file, None)  # what the group's name does by itself
        made.info.no_args_is_help = alone is None
        made.callback(help=_sentence(module.__doc__ or ""), invoke_without_command=bool(alone))(alone or (lambda: None))
    else:
        made.command(name)(getattr(module, file))
    command = typer.main.get_command(made)
    command.name, command.hidden = name, getattr(module, "HIDDEN", False)
    command.rich_help_panel = panel  # type: ignore[attr-defined]
    return command


def _sentence(doc: str) -> str:
    """What stands behind the colon of a command file's first line."""
    words = doc.partition(": ")[2].strip()
    return words[:1].upper() + words[1:]


root = typer.Typer(
    cls=Commands,
    add_completion=False,
    rich_markup_mode="rich",
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
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> Shown | None:
    """Track time in AlgaPSA: start, stop, log."""
    ctx.obj.profile = profile
    if ctx.invoked_subcommand is None:
        from alga.commands.home import home

        return home(ctx, profile=None, form=None, json=False, fields=None)
    return None


def run(args: Sequence[str], outside: Outside | None = None) -> int:
    """Run one command line and return its exit code. Nothing that goes wrong shows a traceback."""
    context = Context(outside or Outside())
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever called
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
    try:
        return _run(args, context)
    except AlgaError as error:
        output.error(error, context.form, context.warnings())
        return error.exit_code
    except KeyboardInterrupt:
        return _interrupted(context)
    except BrokenPipeError:
        _give_up_stdout()  # the reader had enough (| head)
        return 0
    except OSError as fault:
        place = f"{fault.filename}: " if fault.filename else ""
        output.error(
            ConfigError(f"{place}{fault.strerror or fault}.", "Is there room, and may you write there?"), context.form
        )
        return ConfigError.exit_code
    except Exception as fault:
        if os.environ.get("ALGA_DEBUG"):
            raise
        message = (
            f"A fault in alga: {type(fault).__name__}. Whether it was recorded is not known; alga list --today shows."
        )
        output.error(
            AlgaError(message, "ALGA_DEBUG=1 before the command shows where: please report that."), context.form
        )
        return AlgaError.exit_code
    finally:
        context.finish()


def _run(args: Sequence[str], context: Context) -> int:
    group = typer.main.get_command(root)
    _offer_completion()
    try:
        result = group.main(
            list(args), prog_name="alga", complete_var="_ALGA_COMPLETE", standalone_mode=False, obj=context
        )
    except typer.Abort:
        return _interrupted(context)
    except AlgaError:
        raise
    except Exception as fault:
        usage = getattr(fault, "format_message", None)
        if usage is None:
            raise
        return _usage(fault, context, args)
    if isinstance(result, Shown):
        _show(result, context)
        return result.exit_code
    return _interrupted(context) if result == Interrupted.exit_code else int(result or 0)


def _show(result: Shown, context: Context) -> None:
    try:
        output.show(result, context.form)
    except BrokenPipeError:
        raise
    except OSError as fault:
        _give_up_stdout()
        done = "" if isinstance(result.text, Bytes) else " The command itself was carried out."
        told = f"The output cannot be written: {fault.strerror}.{done}"
        raise ConfigError(told, "Is there room where it should go?") from fault


def _give_up_stdout() -> None:
    """What is still buffered goes nowhere, quietly; without a file behind it there is nothing to give up."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _offer_completion() -> None:
    if "_ALGA_COMPLETE" in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()


def _interrupted(context: Context) -> int:
    output.error(Interrupted("Interrupted."), context.form)
    return Interrupted.exit_code


def _usage(fault: Any, context: Context, args: Sequence[str]) -> int:
    """Click's own complaint, in our words: the usage, what is wrong, the nearest option."""
    if "--json" in args:
        context.form = Format("json")
    ctx = fault.ctx
    if type(fault).__name__ == "NoArgsIsHelpError":
        print(fault.format_message())
        return 2
    if ctx is not None and not context.form.machine:
        print(ctx.get_usage().replace("{", "").replace("}", ""), file=sys.stderr)
    near = getattr(fault, "possibilities", None)
    message = f"No such option '{fault.option_name}'." if near is not None else fault.format_message()
    meant = f" Did you mean {near[0]}?" if near else ""
    path = ctx.command_path if ctx is not None else "alga"
    output.error(UsageError(f"{message}{meant}", f"All options: {path} --help"), context.form)
    return 2
