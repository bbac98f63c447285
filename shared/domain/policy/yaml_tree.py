"""YAML as plain values that know where they were written.

Lives here: turning a text into dictionaries, lists and scalars with the line and column of each, refusing
what a configuration file has no use for (anchors, aliases, tags, several documents, nesting without end).
Nothing here knows a policy.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

type Path = tuple[str | int, ...]

DEEPEST: Final = 20
"""How deep collections may nest."""

LONGEST: Final = 1_000_000
"""The longest text, in characters: hundreds of times what a large policy needs."""

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_REAL: Final = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something was written: line and column, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with the text as YAML, and where."""

    place: Place
    path: Path
    what: str


@dataclass(slots=True)
class Tree:
    """What a text says: `value`, the place of every value and key by its path, and every mistake found.

    Where there are mistakes, `value` is what could be read all the same: everything, when `complete`, but for
    what stands at the paths in `unread`.
    """

    value: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    unread: set[Path] = field(default_factory=set)
    complete: bool = True

    def stop(self, place: Place, path: Path, what: str) -> None:
        """Notes a mistake after which nothing more is read."""
        self.mistakes.append(Mistake(place, path, what))
        self.complete = False

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where a path was written, or the nearest thing around it; the key itself when asked for."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Place(1, 1))


def read_yaml(text: str) -> Tree:
    """Reads one YAML document. Raises nothing: what is wrong is in `mistakes`."""
    tree = Tree()
    if len(text) > LONGEST:
        tree.stop(Place(1, 1), (), f"the text is too long; at most {LONGEST} characters are read")
        return tree
    builder = _Builder(tree)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except _Refusal as refusal:
        tree.stop(refusal.place, refusal.path, refusal.what)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(1, 1) if mark is None else Place(mark.line + 1, mark.column + 1)
        context = f" {error.context}" if error.context else ""
        tree.stop(place, (), f"this is not YAML: {error.problem}{context}")
    except (YAMLError, ValueError, OverflowError) as error:
        # ruamel.yaml reports escapes beyond Unicode as ValueError or OverflowError, and control characters as
        # an error without a mark.
        tree.stop(Place(1, 1), (), f"this is not YAML: {' '.join(str(error).split())}")
    return tree


class _Refusal(Exception):  # noqa: N818 - it ends the reading, and is caught above
    def __init__(self, place: Place, path: Path, what: str) -> None:
        super().__init__(what)
        self.place, self.path, self.what = place, path, what


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet. `key` is the one whose value comes next; `skips`: not kept."""

    path: Path
    value: dict[str, Any] | list[Any]
    skips: bool
    key: str | None = None
    skips_next: bool = False


class _Builder:
    """Puts parse events together. Without recursion: no text can exhaust the stack."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._open: list[_Open] = []
        self._documents = 0

    def take(self, event: Event) -> None:
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _Refusal(place, (), "a second document begins here; one file holds one")
            case CollectionEndEvent():
                self._open.pop()
            case NodeEvent():
                inside = self._open[-1] if self._open else None
                if inside is not None and isinstance(inside.value, dict) and inside.key is None:
                    self._take_key(inside, event, place)
                else:
                    self._take_value(inside, event, place)

    def _take_key(self, inside: _Open, event: NodeEvent, place: Place) -> None:
        if not isinstance(event, ScalarEvent):
            raise _Refusal(place, inside.path, "a key is a plain word")
        key = str(event.value)
        path = (*inside.path, key)
        self._refuse_extras(event, place, path)
        inside.key = key
        inside.skips_next = inside.skips or key in inside.value
        if inside.skips_next and not inside.skips:
            first = self._tree.keys[path]
            self._tree.mistakes.append(
                Mistake(place, path, f"this key is given twice; the first is in line {first.line}")
            )
        elif not inside.skips:
            self._tree.keys[path] = place

    def _take_value(self, inside: _Open | None, event: NodeEvent, place: Place) -> None:
        path, skips = self._next(inside)
        if not skips:
            self._tree.values[path] = place
        self._refuse_extras(event, place, path)
        value: Any = None
        match event:
            case ScalarEvent():
                value = _scalar(event)
            case MappingStartEvent() | SequenceStartEvent():
                if len(self._open) >= DEEPEST:
                    raise _Refusal(place, path, f"this nests too deeply; at most {DEEPEST} levels are read")
                value = {} if isinstance(event, MappingStartEvent) else []
                self._open.append(_Open(path, value, skips))
        self._put(inside, value, skips=skips)

    def _next(self, inside: _Open | None) -> tuple[Path, bool]:
        """The path of the value that comes next, and whether it is left out."""
        if inside is None:
            return (), False
        if isinstance(inside.value, list):
            return (*inside.path, len(inside.value)), inside.skips
        return (*inside.path, inside.key or ""), inside.skips_next

    def _put(self, inside: _Open | None, value: Any, *, skips: bool) -> None:
        if inside is None:
            self._tree.value = value
        elif isinstance(inside.value, list):
            inside.value.append(value)
        else:
            if not skips:
                inside.value[inside.key or ""] = value
            inside.key = None

    def _refuse_extras(self, event: NodeEvent, place: Place, path: Path) -> None:
        if isinstance(event, AliasEvent):
            what = f"aliases (*{event.anchor}) are not read; write it out"
            self._tree.unread.add(path)
        elif event.anchor is not None:
            what = f"anchors (&{event.anchor}) are not read; take it out"
        elif isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            what = f"tags ({event.tag}) are not read; take it out"
            self._tree.unread.add(path)
        else:
            return
        self._tree.mistakes.append(Mistake(place, path, what))


def _scalar(event: ScalarEvent) -> str | int | float | bool | None:
    """What a scalar stands for: YAML's core schema, where a plain `no` is a text and so is a date."""
    text = str(event.value)
    if event.style is not None:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _REAL.fullmatch(text) else text
