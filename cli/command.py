"""How a verb is declared: a function in `cli/verbs/`, whose parameters are its arguments.

Lives here: what every verb has without saying so (`-o`, `--json`, `--color`), and groups that import a verb's module
when it runs. `--help` and completion import nothing but typer and the declarations: what a verb does is in a module of
its own, which the declaration imports in its body.
"""

import inspect
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any, Concatenate, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from cli.faults import UsageError, fault_of
from cli.out import Color, Form, Out
from cli.plain_values import quicken

COMPLETE: Final = "_INVOICE_ACCESS_COMPLETE"
"""The variable by which a shell's script asks for what completes a word."""

HELP: Final = ("-h", "--help")

_Output = Annotated[
    Form, typer.Option("-o", "--output", show_default=False, help="Its form: table (default), json, csv or tsv.")
]
_Json = Annotated[bool, typer.Option("--json", help="The same as -o json.")]
_Color = Annotated[Color, typer.Option("--color", show_default=False, help="auto (default), always or never.")]

type Declared[**P] = Callable[Concatenate[Out, P], int]
"""A verb as it is written: where to speak, then its arguments; it returns the status to end with."""


def verbs() -> typer.Typer:
    """What a module of one verb declares."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def noun() -> typer.Typer:
    """What a module of a noun declares. A noun alone lists: it has a verb `list`, or asks for one."""
    return typer.Typer(cls=Noun, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def command[**P](app: typer.Typer, name: str, *, acts: bool = False) -> Callable[[Declared[P]], Declared[P]]:
    """Declares a verb. Its docstring is its help; `acts` says that it changes something, and may have half done so.

    Whatever error it raises becomes a `Fault`, which `cli.__main__` tells.
    """

    def declare(run: Declared[P]) -> Declared[P]:
        def called(*, output: Form, json: bool, color: Color, **arguments: Any) -> int:
            if json and output not in {Form.TABLE, Form.JSON}:
                raise UsageError(f"--json and -o {output}: give one of them")
            given: Any = run
            try:
                status: int = given(Out(Form.JSON if json else output, color), **arguments)
            except (Exception, KeyboardInterrupt) as error:
                fault = fault_of(error, acts=acts)
                if fault is None or fault is error:
                    raise
                raise fault from error
            return status

        own = [*inspect.signature(run).parameters.values()][1:]
        every = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + [
            inspect.Parameter("output", inspect.Parameter.KEYWORD_ONLY, default=Form.TABLE, annotation=_Output),
            inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Json),
            inspect.Parameter("color", inspect.Parameter.KEYWORD_ONLY, default=Color.AUTO, annotation=_Color),
        ]
        called.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined] # PEP 362: what typer asks for
        called.__annotations__ = {each.name: each.annotation for each in every}
        called.__doc__ = run.__doc__
        app.command(name, cls=Verb)(called)
        return run

    return declare


class Verb(TyperCommand):
    """A verb whose arguments are read without pydantic."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, and that of help."""
        found: list[Any] = super().get_params(ctx)
        quicken(found)
        return found


class Suggesting(TyperGroup):
    """A group that names what was perhaps meant."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, and that of help."""
        found: list[Any] = super().get_params(ctx)
        quicken(found)
        return found

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The verb that is asked for. Raises `UsageError` where there is none of that name."""
        names = self.list_commands(ctx)
        if args[0] not in names and not ctx.resilient_parsing:
            raise UsageError(
                f"{ctx.command_path}: there is no {args[0]!r}",
                mend=f"`{ctx.command_path} --help` lists what there is.",
                nearest=get_close_matches(args[0], names, n=3),
            )
        return super().resolve_command(ctx, args)


class Noun(Suggesting):
    """A group whose `list` runs where no verb is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts `list` where a verb is missing."""
        bare = not args or (args[0].startswith("-") and args[0] not in HELP)
        if bare and "list" in self.commands and not ctx.resilient_parsing:
            args = ["list", *args]
        return super().parse_args(ctx, args)


class Lazy(Suggesting):
    """The root: verbs and nouns whose modules are imported when they are named.

    `sections` are headings with lines of a name and what it does, in the order of `--help`.
    """

    def __init__(self, sections: Sequence[tuple[str, Sequence[tuple[str, str]]]], **attributes: Any) -> None:
        super().__init__(rich_markup_mode=None, **attributes)
        self._sections = sections

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click asks so
        """Every name, without importing one."""
        return [name for _, lines in self._sections for name, _ in lines]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Imports a verb or a noun; None where there is none of that name."""
        if cmd_name not in self.commands and cmd_name in self.list_commands(ctx):
            app: typer.Typer = import_module(f"cli.verbs.{cmd_name}").app
            made: Any = get_group(app) if app.info.cls is Noun else get_command(app)
            made.help = made.help or dict(line for _, lines in self._sections for line in lines)[cmd_name]
            self.add_command(made, cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - click asks so
        """Lists what there is by section."""
        for heading, lines in self._sections:
            with formatter.section(heading):
                formatter.write_dl(lines)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The names that begin so, without importing one."""
        item: Any = import_module("typer._click.shell_completion").CompletionItem
        lines = [line for _, section in self._sections for line in section]
        found = [item(name, help=told) for name, told in lines if name.startswith(incomplete)]
        return found or super().shell_complete(ctx, incomplete)
