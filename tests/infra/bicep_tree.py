"""Bicep files as trees: pycep's, under a timeout, and what tree-sitter finds wrong with a text.

pycep 0.7.1 keeps a text in quotes and a name alike, as a plain `str`. So each text is marked before it is parsed:
a tree has `LITERAL + text` for a text and the bare name for a name. It once did not come back from a valid file, hence
the process of its own.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import tree_sitter
import tree_sitter_bicep

ROOT: Final = Path(__file__).parents[2]
INFRA: Final = ROOT / "infra"
LITERAL: Final = "§"

_SECONDS: Final = 120
_BICEP: Final = tree_sitter.Language(tree_sitter_bicep.language())
_TOKEN: Final = re.compile(r"//[^\n]*|'((?:[^'\\\n]|\\.)*)'")
_DECLARATION: Final = re.compile(r"\s*(resource|module|targetScope)\b")
_PARSER: Final = """
import json, sys
from pycep import BicepParser
texts, parser = json.load(sys.stdin), BicepParser()
json.dump({name: parser.parse(text=text) for name, text in texts.items()}, sys.stdout)
"""


class UnreadableError(Exception):
    """pycep cannot read a file, or did not come back."""


def bicep_files() -> dict[str, str]:
    """Every Bicep file's text, by its path from infra/."""
    return {str(path.relative_to(INFRA)): path.read_text(encoding="utf-8") for path in sorted(INFRA.rglob("*.bicep"))}


def trees(texts: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Pycep's tree of each text. Raises UnreadableError."""
    marked = {name: _marked(text) for name, text in texts.items()}
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-W", "ignore", "-c", _PARSER],
            input=json.dumps(marked),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired as late:
        raise UnreadableError(f"pycep did not come back in {_SECONDS} s: {', '.join(texts)}") from late
    except subprocess.CalledProcessError as failed:
        raise UnreadableError(failed.stderr[-2000:]) from failed
    read: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return read


def wrong_places(text: str) -> list[str]:
    """Where tree-sitter's grammar of Bicep does not fit: line, and what stands there."""
    source = text.encode()
    root = tree_sitter.Parser(_BICEP).parse(source).root_node
    return [
        f"{node.start_point.row + 1}: {source[node.start_byte : node.end_byte][:60]!r}"
        for node in _nodes(root)
        if node.type == "ERROR" or node.is_missing
    ]


def _nodes(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from _nodes(child)


def _marked(text: str) -> str:
    return "\n".join(line if _DECLARATION.match(line) else _TOKEN.sub(_mark, line) for line in text.split("\n"))


def _mark(found: re.Match[str]) -> str:
    return found[0] if found[1] is None else f"'{LITERAL}{found[1]}'"
