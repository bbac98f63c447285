#!/usr/bin/env bash
# typer 0.29.2: what does `app sub --help` import?
#
# A command line of two verbs, whose arguments are a text and a flag, prints help: one would guess that typer needs itself
# and its parser for that, as it did for years. But this release makes values of arguments with pydantic, and prepares
# that for every parameter of the group and of the verb that is named, also where only help is asked for. A program that
# never uses pydantic waits for all of it.
# So: count what `--help` imports, before a lazy command line is called quick.
#
# Seen:
#   importing typer loads pydantic: no
#   `app one --help` loads pydantic: yes
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check typer==0.29.2
cat >"$folder/app.py" <<'PYTHON'
import sys

import typer

print("importing typer loads pydantic:", "yes" if "pydantic" in sys.modules else "no")
app = typer.Typer(add_completion=False)


@app.command()
def one(name: str, loud: bool = False) -> None:
    """Says one."""


@app.command()
def two(name: str) -> None:
    """Says two."""


try:
    app(["one", "--help"])
except SystemExit:
    pass
print("`app one --help` loads pydantic:", "yes" if "pydantic" in sys.modules else "no")
PYTHON
seen=$("$folder/venv/bin/python" "$folder/app.py" | grep "loads pydantic")
printf '%s\n' "$seen"
[ "$seen" = "importing typer loads pydantic: no
\`app one --help\` loads pydantic: yes" ]
