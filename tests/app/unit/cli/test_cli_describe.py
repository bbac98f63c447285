"""`make describe` writes this project's documents, and nobody's else by mistake."""

from pathlib import Path

import pytest

from cli.__main__ import main
from cli.describe import DOCS, describe


def test_called_from_elsewhere_it_writes_nothing_and_says_where_to_call_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in DOCS.iterdir()}
    monkeypatch.chdir(tmp_path)
    assert describe() == 2
    assert f"Nothing was written: this writes {DOCS}" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in DOCS.iterdir()} == before


def test_it_is_no_operators_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["describe"]) == 2
    assert "there is no 'describe'" in capsys.readouterr().err
