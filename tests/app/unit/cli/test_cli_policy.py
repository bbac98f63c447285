"""`policy check`: what a pipeline sees of a policy before it is deployed."""

from pathlib import Path

import pytest

from cli.__main__ import main
from tests.app.policy_texts import LEAST


def test_a_good_policy_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(LEAST)
    assert main(["policy", "check", str(file)]) == 0
    assert capsys.readouterr() == (f"{file}: no mistakes; 0 rules.\n", "")


def test_every_mistake_of_a_wrong_one_is_told_with_its_place_and_fails_the_pipeline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\nacounts: all\nprotected: [jane]\nrules: []\n")
    monkeypatch.setenv("INVOICE_ACCESS_POLICY", str(file))
    for arguments in (["policy", "check", str(file)], ["policy", "check"]):
        assert main(arguments) == 3
        out, err = capsys.readouterr()
        first, second, total = out.splitlines()
        assert first.startswith(f"{file}:2:1 acounts: there is no such key; did you mean 'accounts'?")
        assert second.startswith(f"{file}:3:13 protected[0]: 'jane' is not an object id")
        assert (total, err) == ("2 mistakes.", "")


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(tmp_path / "none.yaml")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none.yaml'}: there is no such file\n"
    assert main(["policy", "check", str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"version: \xff\n")
    assert main(["policy", "check", str(file)]) == 3
    assert capsys.readouterr().out.startswith(f"{file}: byte 9 is not UTF-8")
