"""`policy check`: whether a policy can be deployed, for people and pipelines.

Lives here: its answer, and reading the file. What a policy may say is known to `shared.domain.policy.load`, which the
app reads it with; what it names that does not exist, to `shared.domain.policy.unresolved`.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cli.answer import Answer, Line, Part, Rows, Shade, counted
from cli.faults import Status, UsageError
from cli.operating import StoreDesk, on_store
from shared.bootstrap_policy import policy_path, read_policy_file
from shared.domain.catalogue import Catalogue
from shared.domain.history.findings import FindingKind
from shared.domain.policy.model import Policy
from shared.domain.policy.unresolved import names_nothing, no_such_person, unresolved
from shared.domain.policy.yaml_tree import Path as KeyPath
from shared.domain.policy.yaml_tree import Tree, read_yaml
from shared.domain.reasons import Code, Reason
from shared.errors import InvoiceAccessError, Misconfigured
from shared.wording.say import say

_PLACE: Final = re.compile(r"line (\d+), column (\d+): (?:([^:\s]+): )?")
_COLUMNS: Final = ("file", "line", "column", "severity", "key", "what")


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy that was read, and where."""

    path: Path
    policy: Policy


@dataclass(frozen=True, slots=True)
class _Said:
    """A mistake, or with a reason a warning, and where it is written."""

    line: int
    column: int
    key: str
    what: str
    why: Reason | None = None

    def shown(self, path: Path) -> Line:
        place = f"{path}:{self.line}:{self.column}" if self.line else f"{path}:"
        key = f"{self.key}: " if self.key else ""
        if self.why is None:
            return f"{place} {key}{self.what}"
        return (f"{place} ", Part("warning", Shade.WAITS), f": {key}{self.what}")

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"line": self.line, "column": self.column, "key": self.key, "what": self.what}
        return found if self.why is None else found | {"why": self.why}


def path_of(file: Path | None) -> Path:
    """The file, or the one that the app of this environment reads."""
    return file if file is not None else policy_path(os.environ)


def read(file: Path | None) -> PolicyFile | None:
    """Reads a policy; None for one with mistakes. Raises `UsageError` where there is no such file."""
    path = path_of(file)
    try:
        return PolicyFile(path, read_policy_file(path))
    except Misconfigured:
        return None
    except FileNotFoundError as wrong:
        raise UsageError(f"{path}: there is no such file", code="file") from wrong
    except OSError as wrong:
        raise UsageError(f"{path}: it cannot be read: {wrong.strerror}", code="file") from wrong


def check_policy(file: Path | None) -> Answer:
    """The answer: every mistake, or what a good policy names that nothing has. Raises `UsageError` as `read` does."""
    found = read(file)
    path = path_of(file)
    if found is None:
        mistakes = list(_mistakes(path))
        text: list[Line] = [*(one.shown(path) for one in mistakes), f"{counted(len(mistakes), 'mistake')}."]
        return _answer(path, text, mistakes=mistakes, status=Status.FOUND)
    warnings, doubt = _warnings(found)
    told = [one.shown(path) for one in warnings]
    said = f"no mistakes, {counted(len(warnings), 'warning')}" if warnings else "no mistakes"
    rules = counted(len(found.policy.rules), "rule")
    text = [*told, *([] if doubt is None else [doubt]), f"{path}: {said}; {rules}."]
    return _answer(path, text, warnings=warnings, policy=found.policy)


def _answer(
    path: Path,
    text: Sequence[Line],
    *,
    mistakes: Sequence[_Said] = (),
    warnings: Sequence[_Said] = (),
    policy: Policy | None = None,
    status: Status = Status.DONE,
) -> Answer:
    body = {
        "file": str(path),
        "mistakes": [one.as_json() for one in mistakes],
        "warnings": [one.as_json() for one in warnings],
        "rules": None if policy is None else len(policy.rules),
        "digest": None if policy is None else policy.digest,
    }
    kinds = [*(("mistake", one) for one in mistakes), *(("warning", one) for one in warnings)]
    rows = [(str(path), one.line, one.column, kind, one.key, one.what) for kind, one in kinds]
    return Answer("policy-check", body, text, Rows(_COLUMNS, rows), status=status)


def _mistakes(path: Path) -> Iterator[_Said]:
    try:
        read_policy_file(path)
    except Misconfigured as wrong:
        for mistake in wrong.mistakes:
            place = _PLACE.match(mistake)
            if place is None:
                yield _Said(0, 0, "", mistake)
            else:
                yield _Said(int(place[1]), int(place[2]), place[3] or "", mistake[place.end() :])


# ----------------------------------------------------------------------------------------------- what it names


@dataclass(frozen=True, slots=True)
class _Known:
    """What the last full check knew: profiles and accounts, people, and protected ids that are nobody's."""

    catalogue: Catalogue
    people: frozenset[str]
    nobody: Mapping[str, Reason]


def _warnings(found: PolicyFile) -> tuple[list[_Said], str | None]:
    """What a policy names that nothing has, and why that could not be found out."""
    if not os.environ.get("INVOICE_ACCESS_STORE", "").strip():
        return [], None
    try:
        known = on_store(_known)
    except InvoiceAccessError as failure:
        return [], f"Names were not compared with what there is: {failure}"
    if known is None:
        return [], "Names were not compared with what there is: no full check has been stored yet."
    tree = read_yaml(found.path.read_text(encoding="utf-8"))
    return [_said(tree, path, why) for path, why in _missing(found.policy, known)], None


async def _known(desk: StoreDesk) -> _Known | None:
    catalogue = await desk.state.catalogue()
    if catalogue is None:
        return None
    reports = await desk.state.reports(1)
    named = [one for report in reports for one in report.findings if one.kind is FindingKind.POLICY_NAMES_NOTHING]
    nobody = {one.principal: one.why for one in named if one.key == "protected"}
    return _Known(catalogue, frozenset(await desk.state.names()), nobody)


def _missing(policy: Policy, known: _Known) -> Iterator[tuple[KeyPath, Reason]]:
    for number, rule in enumerate(policy.rules):
        for why in unresolved(rule.profiles, known.catalogue):
            yield ("rules", number, "profiles"), why
    for key, why in names_nothing(policy, known.catalogue, [one.name for one in known.catalogue.accounts]):
        yield tuple(key.split(".")), why
    for object_id in sorted(policy.protected - known.people):
        why = no_such_person(object_id, known.people)
        if why.code is Code.NO_SUCH_PERSON_BUT or object_id in known.nobody:
            yield ("protected",), why


def _said(tree: Tree, path: KeyPath, why: Reason) -> _Said:
    place = tree.place(path)
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    return _Said(place.line, place.column, key, say(why), why)
