"""`invoice-access`, or `python -m cli`: runs one verb, tells what went wrong, and exits with its status."""

import gc
import os
import sys
from collections.abc import Sequence

from cli.faults import Fault, UsageError, fault_of
from cli.out import tell

_GARBAGE = 100_000
"""New objects between two looks for garbage. To import what a verb needs makes many, and none of them is any: at
Python's 2,000 a fifth of a short command is spent on looking."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its status (`cli.faults.Status`)."""
    given = [*(sys.argv[1:] if arguments is None else arguments)]
    try:
        return _run({(): ["--help"], ("--version",): ["version"]}.get((*given,), given))
    except Fault as fault:
        tell(fault, as_json=_asks_for_json(given))
        return fault.status


def script() -> None:
    """The console script: what is piped is UTF-8 on every system, as programs expect JSON and CSV to be."""
    gc.set_threshold(_GARBAGE)
    # pydantic would look through every installed package for a plugin of its own: we have none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for stream in (sys.stdout, sys.stderr):
        if not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())


def _run(given: list[str]) -> int:
    try:
        from typer.exceptions import Abort, TyperException  # noqa: PLC0415 - told below where it is missing

        from cli.command import COMPLETE  # noqa: PLC0415
        from cli.root import ROOT  # noqa: PLC0415 - it imports typer
    except ModuleNotFoundError as missing:
        fault = fault_of(missing, acts=False)
        if fault is None:
            raise
        raise fault from missing
    if COMPLETE in os.environ:
        _complete_quickly()
    try:
        return int(ROOT.main(args=given, prog_name="invoice-access", standalone_mode=False) or 0)
    except TyperException as wrong:
        raise _misuse(wrong) from wrong
    except Abort as aborted:
        raise UsageError("there is no terminal to ask at") from aborted


def _complete_quickly() -> None:
    """Has typer answer shells without rich, which it would import to take markup out of help: ours has none."""
    from typer import _completion_classes as classes  # noqa: PLC0415

    classes._sanitize_help_text = lambda text: text  # noqa: SLF001 - its version is pinned, and a test counts what is imported
    classes.completion_init()


def _misuse(wrong: Exception) -> UsageError:
    """What typer cannot read of the arguments, with where to look."""
    context = getattr(wrong, "ctx", None)
    said = wrong.format_message() if hasattr(wrong, "format_message") else f"{wrong}"
    if context is None:
        return UsageError(said)
    return UsageError(f"{context.command_path}: {said}", mend=f"`{context.command_path} --help` says how.")


def _asks_for_json(given: Sequence[str]) -> bool:
    """Whether JSON is asked for, also where nothing else of the arguments can be read."""
    words = "\n".join(given)
    forms = ("--json", "-o\njson", "-ojson", "--output\njson", "--output=json", "-o=json")
    return any(f"\n{form}\n" in f"\n{words}\n" for form in forms)


if __name__ == "__main__":
    script()
