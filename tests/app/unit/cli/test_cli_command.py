"""What every verb has: its forms, its statuses, how it is asked wrongly, and what it imports before it runs."""

import io
import json
import os
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.answer import Answer, Part, Shade, Table
from cli.faults import Fault, Moved, Status, UsageError, fault_of
from cli.out import Color, Form, Out, tell
from shared.answers.documents import Rows
from shared.domain.reasons import Code
from shared.errors import (
    AccessLost,
    Conflict,
    FailedRead,
    Misconfigured,
    NotSignedIn,
    Permanent,
    StoreForbidden,
    StoreRefused,
)

ROOT = Path(__file__).parents[4]
HEAVY = {"shared.settings", "shared.bootstrap", "shared.domain", "pydantic", "azure", "msgraph", "rich", "asyncio"}
"""What a verb may need to answer, and nobody to be told how to ask."""

PEOPLE = Answer(
    "people",
    {"people": [{"id": "1", "name": "Zoë"}], "why": Code.SAID(said="so")},
    [("2 people: ", Part("one left", Shade.REMOVED)), Table(("PERSON", "HOLDS"), [("Zoë 李", 11), ("Jan\x1b[2J", 2)])],
    Rows.of(("id", "name"), [{"id": "1", "name": "=cmd()"}, {"id": "2", "name": None}]),
    as_of=datetime(2026, 3, 3, 8, 0, 2, tzinfo=UTC),
)


def run(*arguments: str, code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with a line of Python run before or instead."""
    start = [sys.executable, "-c", code] if code else [sys.executable, "-m", "cli"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INVOICE_ACCESS_")}
    return subprocess.run(  # noqa: S603 - this interpreter, on our own module
        [*start, *arguments], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False, timeout=60
    )


def imported(*arguments: str, **environment: str) -> set[str]:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr))\n"
        "from cli.__main__ import main\n"
        "sys.exit(main())"
    )
    return set(run(*arguments, code=code, **environment).stderr.splitlines())


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--help"], {}),
        (["version", "--help"], {}),
        (["completion", "--help"], {}),
        (["holds", "release", "--help"], {}),
        ([], {"_INVOICE_ACCESS_COMPLETE": "complete_bash", "COMP_WORDS": "invoice-access ", "COMP_CWORD": "1"}),
        (
            [],
            {"_INVOICE_ACCESS_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "invoice-access st"},
        ),
    ],
    ids=str,
)
def test_help_and_completion_import_nothing_but_declarations(arguments: list[str], environment: dict[str, str]) -> None:
    found = imported(*arguments, **environment)
    assert "typer" in found
    assert {module for module in found if module.startswith(tuple(HEAVY))} == set()


def test_json_imports_no_rich() -> None:
    found = imported("version", "--json")
    assert "cli.verbs.version" in found
    assert not [module for module in found if module.startswith(("rich", "pydantic"))]


def test_a_shell_completes_verbs_and_options() -> None:
    asked = {"_INVOICE_ACCESS_COMPLETE": "complete_zsh"}
    assert "version" in run(**asked, _TYPER_COMPLETE_ARGS="invoice-access ver").stdout
    assert "--json" in run(**asked, _TYPER_COMPLETE_ARGS="invoice-access version --j").stdout
    assert run("completion", "pwsh").stdout.count("Register-ArgumentCompleter") == 1


@pytest.mark.parametrize("package", ["typer", "shellingham"])
def test_a_missing_package_is_told_in_one_line_with_what_installs_it(package: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None\nfrom cli.__main__ import main\nsys.exit(main())"
    found = run("version", code=code)
    assert found.returncode == 1
    assert found.stderr == (
        f"{package} is not installed, which this command needs: pip install -r requirements.txt -e '.[cli]'\n"
    )


def test_the_extra_has_what_the_command_line_imports_pinned_as_it_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tested = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    pins = {line.partition(" ")[0] for line in tested}
    assert set(project["optional-dependencies"]["cli"]) <= pins
    module, _, name = project["scripts"]["invoice-access"].partition(":")
    assert callable(getattr(import_module(module), name))


# -- asking wrongly


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["versoin"], "invoice-access: there is no 'versoin'\n  version\n"),
        (["version", "--colour", "never"], "No such option: --colour (Possible options: --color)"),
        (["version", "-o", "xml"], "'xml' is none of table, json, csv, tsv"),
        (["version", "--json", "-o", "csv"], "--json and -o csv: give one of them"),
        (["completion"], "Missing argument 'shell'"),
        (["completion", "tcsh"], "'tcsh' is none of bash, zsh, fish"),
    ],
)
def test_misuse_is_2_and_says_what_is_wrong(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


@pytest.mark.parametrize("form", [["--json"], ["-o", "json"], ["-ojson"], ["--output=json"]], ids=" ".join)
def test_for_a_program_misuse_is_one_json_object(form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["versoin", *form]) == 2
    told = json.loads(capsys.readouterr().err)
    assert told["code"] == "misuse"
    assert told["nearest"] == ["version"]
    assert set(told) == {"code", "message", "mend", "nearest"}


def test_nothing_asked_is_answered_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "version" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("invoice-access ")


# -- statuses


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UsageError("x"), 2, "misuse"),
        (Misconfigured("x", ["y"]), 2, "settings"),
        (FileNotFoundError(2, "No such file", "x.csv"), 2, "file"),
        (Permanent("x"), 1, "refused"),
        (FailedRead("x"), 1, "try-again"),
        (StoreRefused("the disk is full"), 1, "try-again"),
        (StoreForbidden("403"), 4, "not-allowed"),
        (AccessLost("mca:1", "403"), 4, "not-allowed"),
        (NotSignedIn("no token"), 4, "not-signed-in"),
        (Conflict("x"), 5, "moved"),
        (Moved("x"), 5, "moved"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_an_error_has_its_status_whatever_the_verb(error: BaseException, status: int, code: str) -> None:
    fault = fault_of(error, acts=False)
    assert fault is not None
    assert (fault.status, fault.code) == (status, code)


def test_only_a_verb_that_acts_may_be_half_done() -> None:
    told = {acts: fault_of(Permanent("x"), acts=acts) for acts in (True, False)}
    assert [fault.mend for fault in told.values() if fault] == [
        "It may be half done; to give the same command again is safe.",
        "Nothing was changed; give the command again.",
    ]


def test_a_mistake_of_ours_is_no_fault() -> None:
    assert fault_of(ValueError("a bug"), acts=True) is None
    assert fault_of(ModuleNotFoundError("x", name="cli.verbs.gone"), acts=True) is None


# -- forms


def test_what_is_piped_is_neither_cut_nor_coloured(capsys: pytest.CaptureFixture[str]) -> None:
    long = Answer("x", {}, ["y" * 300, *PEOPLE.text], PEOPLE.rows)
    assert Out().answer(long) == Status.DONE
    assert capsys.readouterr().out.splitlines() == [
        "y" * 300,
        "2 people: one left",
        "PERSON      HOLDS",
        "Zoë 李         11",
        r"Jan\x1b[2J      2",
    ]


def test_colour_is_for_terminals_unless_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    Out(color=Color.ALWAYS).answer(PEOPLE)
    assert "\x1b[31mone left" in capsys.readouterr().out
    Out(color=Color.NEVER).answer(PEOPLE)
    assert "\x1b" not in capsys.readouterr().out


def test_json_says_its_schema_as_of_when_and_whether_it_is_all(capsys: pytest.CaptureFixture[str]) -> None:
    Out(Form.JSON).answer(PEOPLE)
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    found = json.loads(said)
    assert list(found)[:3] == ["schema", "as_of", "complete"]
    assert found["schema"] == "invoice-access/people/1"
    assert found["as_of"] == "2026-03-03T08:00:02Z"
    assert found["why"]["text"] == "so"


def test_a_spreadsheet_gets_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    Out(Form.CSV).answer(PEOPLE)
    assert capsys.readouterr().out == "id,name\n1,'=cmd()\n2,\n"
    cells = Answer(
        "x", {}, [], Rows(("a", "b", "c", "d"), [("@x", "\tx", "a\tb\nc", -3), (["+a", "b"], True, "-1", "")])
    )
    Out(Form.TSV).answer(cells)
    assert capsys.readouterr().out == "a\tb\tc\td\n'@x\t x\ta b c\t-3\n'+a b\ttrue\t'-1\t\n"


def test_what_acts_on_a_terminal_means_the_same_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x9bb\u202ec\ud83d"
    Out(Form.JSON).answer(Answer("x", {"name": name}, [], Rows((), [])))
    said = capsys.readouterr().out
    assert "\x9b" not in said
    assert "\u202e" not in said
    assert json.loads(said)["name"] == name
    tell(Fault("no \x1b[2J", nearest=["\x1b"]), as_json=False)
    assert "\x1b" not in capsys.readouterr().err


class Screen(io.StringIO):
    """A terminal that somebody reads."""

    def isatty(self) -> bool:
        return True


def on_screen(monkeypatch: pytest.MonkeyPatch, out: Out, answer: Answer = PEOPLE) -> str:
    """What a person sees."""
    screen = Screen()
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout", screen)
    out.answer(answer)
    return screen.getvalue()


def test_on_a_terminal_there_is_colour_and_json_is_pretty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31mone left" in on_screen(monkeypatch, Out())
    assert "\x1b" not in on_screen(monkeypatch, Out(color=Color.NEVER))
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_screen(monkeypatch, Out())
    said = on_screen(monkeypatch, Out(Form.JSON))
    assert said.startswith('{\n  "schema": "invoice-access/people/1",\n')
    assert json.loads(said)["people"][0]["name"] == "Zoë"


def test_on_a_terminal_a_table_is_folded_to_its_width_and_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    long = Answer("x", {}, [Table(("NAME", "BECAUSE"), [("Zoë", "word " * 30)])], Rows((), []))
    lines = on_screen(monkeypatch, Out(color=Color.NEVER), long).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= 60
    assert sum(line.count("word") for line in lines) == 30
