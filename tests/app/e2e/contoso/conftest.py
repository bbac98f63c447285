"""Contoso after two weeks, and an operator at a desk there: made once, and asked by every test of this folder.

Lives here: the fixtures, and the command line in this process.
"""

import io
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cli.__main__ import main
from sandbox.contoso.names import CAMILLE_CLIENT_ID, FELIX_CLIENT_ID, SANNE_CLIENT_ID
from sandbox.up import Sandbox
from tests.app.e2e.contoso_running import going_on, two_weeks
from tests.app.unit.cli_desk import Terminal
from tests.simulation.two_weeks import DAYS

FELIX, CAMILLE, SANNE = FELIX_CLIENT_ID, CAMILLE_CLIENT_ID, SANNE_CLIENT_ID
"""Who can sign in: two operators, and a reader."""

ZONE = ZoneInfo("Europe/Amsterdam")
"""The policy's time zone."""


@dataclass(frozen=True, slots=True)
class Contoso:
    """A running sandbox that has two weeks behind it: what a shell read in `app.env`, and the store as it was left."""

    sandbox: Sandbox
    environment: Mapping[str, str]
    store: Path
    ended: datetime


@pytest.fixture(scope="session")
def contoso(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contoso]:
    """One for the whole session. The app in it works on its own store, so that what is read stays as it was."""
    lived, state = tmp_path_factory.mktemp("lived"), tmp_path_factory.mktemp("running")
    ended = two_weeks(lived)
    shutil.copytree(lived, state, dirs_exist_ok=True)
    with going_on(state) as sandbox:
        assert sandbox.environment is not None
        yield Contoso(sandbox, _read(sandbox.environment), lived / "ledger.sqlite", ended)


def _read(file: Path) -> Mapping[str, str]:
    """The settings of `app.env`, but for the path."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        words = shlex.split(line, comments=True)
        if words and not words[0].startswith("PATH="):
            name, _, value = words[0].partition("=")
            found[name] = value
    return found


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def document(self) -> dict[str, Any]:
        """The answer in JSON."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


@dataclass
class Desk:
    """An operator's desk. Every command is the real command line, in this process."""

    contoso: Contoso
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    store: Path
    more: dict[str, str] = field(default_factory=dict)

    def says(self, *arguments: str, by: str = FELIX, typed: str | None = None) -> Said:
        """Gives a command as somebody who signed in; `typed` is what they answer at a terminal."""
        own = {
            "INVOICE_ACCESS_STORE": f"sqlite:{self.store}",
            "AZURE_CLIENT_ID": by,
            # Whoever runs the tests may be signed in themselves.
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            **self.more,
        }
        for name, value in {**self.contoso.environment, **own}.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
        status = main(arguments)
        said = self.capsys.readouterr()
        return Said(status, said.out, said.err)

    def asks(self, *arguments: str, by: str = FELIX) -> dict[str, Any]:
        """The answer of a question in JSON."""
        said = self.says(*arguments, "--json", by=by)
        assert (said.status, said.err) == (0, "")
        return said.document

    def day(self, ago: int, hours: int = 0) -> str:
        """A day of Contoso, so many days before the end of the two weeks, and hours behind that; as people write it."""
        at = self.contoso.ended - timedelta(days=ago) + timedelta(hours=hours)
        return f"{at.astimezone(ZONE):%Y-%m-%d}"

    @property
    def given(self) -> str:
        """The day on which the first grants were released, and given."""
        return self.day(DAYS, hours=1)

    def file(self, name: str, text: str) -> Path:
        """A file of the operator's, in the folder where the command is given."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def on_the_apps_store(self) -> None:
        """From now on this desk reads and writes what the running app does."""
        self.store = self.contoso.sandbox.ledger


@pytest.fixture
def desk(contoso: Contoso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A desk that only asks: the store is everybody's."""
    for name in [name for name in os.environ if name.startswith("INVOICE_ACCESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Desk(contoso, tmp_path, monkeypatch, capsys, contoso.store)


@pytest.fixture
def own_desk(desk: Desk, tmp_path: Path) -> Desk:
    """A desk whose store is its own: what is decided there, nobody else sees."""
    desk.store = tmp_path / "own.sqlite"
    shutil.copy(desk.contoso.store, desk.store)
    return desk
