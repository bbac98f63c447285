"""The page of every verb: its arguments and options with their help, read from the declarations that typer reads.

What may live here: putting the tree of verbs into a page. What a verb says of itself is its own (`cli/verbs/`).
"""

import inspect
from collections.abc import Iterator
from typing import Any, Final

from cli.root import ROOT, SECTIONS

_HEAD: Final = """# Every verb

`make describe` writes this page from the command line's own help, and a test keeps it so. What all verbs have in
common, and what they end with, is in [the command line](command-line.md).

Every verb takes `-o`, `--output` (`table`, `json`, `csv` or `tsv`), `--json`, `--color` (`auto`, `always` or `never`)
and `-h`, `--help`; they are left out below. A noun alone lists: `holds` is `holds list`."""
_COMMON: Final = frozenset({"output", "json", "color", "help"})


def verbs_page() -> str:
    """The page as Markdown."""
    root: Any = ROOT.make_context("invoice-access", [], resilient_parsing=True)
    lines = [_HEAD]
    for heading, names in SECTIONS:
        lines += ["", f"## {heading}"]
        for name, _ in names:
            lines += _command(ROOT.get_command(root, name), root, name, level=3)
    return "\n".join([*lines, ""])


def _command(verb: Any, parent: Any, name: str, level: int) -> Iterator[str]:
    """A verb with its arguments and options; a noun with its verbs, one level down."""
    context = type(parent)(verb, info_name=name, parent=parent)
    path = context.command_path.removeprefix("invoice-access ")
    yield from ("", f"{'#' * level} {path}", "", inspect.cleandoc(verb.help or "").replace("<", "&lt;"))
    under = getattr(verb, "commands", None)
    if under is not None:
        for each in verb.list_commands(context):
            yield from _command(under[each], context, each, level + 1)
        return
    own = [each for each in verb.get_params(context) if each.name not in _COMMON]
    pieces = [piece for each in own for piece in each.get_usage_pieces(context)]
    has_options = any(each.param_type_name == "option" for each in own)
    yield from ("", "    " + " ".join(["invoice-access", path, *["[OPTIONS]"] * has_options, *pieces]))
    rows = [row for each in own if (row := _row(each.get_help_record(context))) is not None]
    if rows:
        yield from ("", "| | |", "|---|---|", *rows)


def _row(record: tuple[str, str] | None) -> str | None:
    """A line of the help as a row; None where the usage says it all."""
    names, told = record or ("", "")
    told = told.removesuffix("[required]").strip()
    return f"| `{_cell(names.partition(' <')[0])}` | {_cell(told)} |" if told else None


def _cell(text: str) -> str:
    """A text as a cell of a table holds it, on GitHub too."""
    return " ".join(text.split()).replace("|", r"\|")
