"""`events send` where nobody is left to ask about: nothing is sent, and that is no success."""

from pathlib import Path

import pytest

from cli.__main__ import main

NOBODY_ANSWERS = "Endpoint=sb://127.0.0.1:9/;SharedAccessKeyName=x;SharedAccessKey=y"


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("employee-id,effective\n", (), "it names nobody. Nothing was sent."),
        ("employee-id\n\n \n", (), "it names nobody. Nothing was sent."),
        ("id\nAnna\nBen\n", ("--skip-bad",), "not one of its 2 lines can be used. Nothing was sent."),
        ("id\nAnna\n", ("--skip-bad",), "its 1 line cannot be used. Nothing was sent."),
    ],
)
def test_a_file_of_which_nothing_is_sent_is_1_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, options: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    assert main(["events", "send", str(file), *options, "--connection-string", NOBODY_ANSWERS]) == 1
    told = capsys.readouterr()
    assert told.err.splitlines()[-1] == f"{file}: {said}"
    assert told.out == ""
