"""Every Bicep file can be read, twice over, and nothing in it goes unseen; with a `bicep` command it is compiled."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.bicep_tree import INFRA, UnreadableError, bicep_files, trees, wrong_places

BICEP = shutil.which("bicep")
MODULE = re.compile(r"^module \w+ '(.+)'", re.MULTILINE)
NAMED = re.compile(r"^(?:param|var|resource(?= \w+ '[^']+' existing)) (\w+)", re.MULTILINE)
CODE_ALONE = re.compile(r"(?:^|(?<=\s))//.*|^@description\(.*\)$", re.MULTILINE)
FETCHED = re.compile(r"\bbr[:/]|\bts[:/]|^extension ", re.MULTILINE)
DECLARED = re.compile(r"^\s*(?:resource|module) \w+ '", re.MULTILINE)


def test_the_grammar_of_tree_sitter_fits_every_file() -> None:
    assert {name: places for name, text in bicep_files().items() if (places := wrong_places(text))} == {}


@pytest.mark.parametrize("text", ["param a string = \n", "resource b 'x@1' = {\n  name: 'b'\n", "var c = [ }\n"])
def test_what_is_no_bicep_is_noticed_by_both(text: str) -> None:
    assert wrong_places(text)
    with pytest.raises(UnreadableError):
        trees({"wrong.bicep": text})


def test_no_declaration_is_lost_by_the_reader() -> None:
    """Pycep 0.7.1 keeps one nested resource of each parent, and drops its siblings without a word."""
    texts = bicep_files()
    read = {name: len(tree.get("resources", {})) + len(tree.get("modules", {})) for name, tree in trees(texts).items()}
    assert read == {name: len(DECLARED.findall(text)) for name, text in texts.items()}


def test_every_file_is_part_of_a_layer() -> None:
    texts = bicep_files()
    named = {str(Path(name).parent / path) for name, text in texts.items() for path in MODULE.findall(text)}
    assert set(texts) - named == {"main.bicep", "kept/main.bicep"}


def test_nothing_is_declared_and_never_used() -> None:
    """The compiler fails on it: infra/bicepconfig.json."""
    unused = [
        f"{name}: {declared}"
        for name, text in bicep_files().items()
        for declared in NAMED.findall(text)
        if len(re.findall(rf"\b{declared}\b", CODE_ALONE.sub("", text))) == 1
    ]
    assert unused == []


def test_nothing_is_fetched_to_compile_them() -> None:
    """No registry's modules and no extensions: what is in this folder is all of it."""
    assert [name for name, text in bicep_files().items() if FETCHED.search(text)] == []


@pytest.mark.skipif(BICEP is None, reason="no `bicep` command on PATH: nothing here was compiled")
@pytest.mark.parametrize("layer", ["main.bicep", "kept/main.bicep"])
def test_a_layer_compiles_without_a_warning(layer: str) -> None:
    assert BICEP is not None
    for verb in (["build", "--stdout"], ["lint"]):
        done = subprocess.run(  # noqa: S603 - the compiler itself
            [BICEP, *verb, INFRA / layer], capture_output=True, text=True, timeout=300, check=False
        )
        # BCP318: what a module puts out is read where the module is there, on the same condition.
        warned = [line for line in done.stderr.splitlines() if line.strip() and "BCP318" not in line]
        assert (done.returncode, warned) == (0, [])
