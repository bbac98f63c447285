"""`completion SHELL`."""

from enum import StrEnum
from typing import Annotated

import typer

from cli.command import COMPLETE, command, verbs
from cli.out import Out

app = verbs()


class Shell(StrEnum):
    """The shells that a script can be had for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"
    PWSH = "pwsh"


@command(app, "completion")
def completion(out: Out, shell: Annotated[Shell, typer.Argument(show_default=False)]) -> int:
    """Prints a script that completes verbs, options and names in a shell.

    bash: invoice-access completion bash > ~/.local/share/bash-completion/completions/invoice-access.
    zsh: the same as _invoice-access in a folder of $fpath.
    fish: ~/.config/fish/completions/invoice-access.fish.
    PowerShell: invoice-access completion pwsh >> $PROFILE.
    """
    from typer._completion_shared import get_completion_script

    from cli.answer import Answer
    from shared.answers.documents import Rows

    script = get_completion_script(prog_name="invoice-access", complete_var=COMPLETE, shell=shell.value)
    return out.answer(
        Answer("completion", {"shell": shell, "script": script}, [script], Rows(("script",), [(script,)]))
    )
