"""`policy check`: whether a policy can be deployed, for people and pipelines.

Lives here: its answer, and reading the file. What a policy may say is known to `shared.domain.policy.load`, which the
app reads it with; what it names that does not exist, to `shared.domain.policy.unresolved`.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cli.answer import Answer, Line, Part, Shade, counted
from cli.faults import Status, UsageError, fault_of
from cli.meant_live import people_meant
from cli.operating import StoreDesk, on_store
from shared.answers.documents import Rows
from shared.bootstrap_policy import policy_path, read_policy_file
from shared.domain.access.rules import doubtful_grants
from shared.domain.catalogue import Catalogue
from shared.domain.history.findings import FindingKind
from shared.domain.people import Person
from shared.domain.policy.model import Policy, Rule
from shared.domain.policy.named_grants import bare_name
from shared.domain.policy.unresolved import names_nothing, no_such_person, unresolved
from shared.domain.policy.yaml_tree import Path as KeyPath
from shared.domain.policy.yaml_tree import Tree, read_yaml
from shared.domain.reasons import Code, Reason
from shared.errors import InvoiceAccessError, Misconfigured
from shared.wording.say import say

_PLACE: Final = re.compile(r"line (\d+), column (\d+): (?:([^:\s]+): )?")
_MISTAKES: Final = {Code.NOBODY_HAS_ADDRESS, Code.SEVERAL_HAVE_ADDRESS, Code.MEANS_A_GUEST}
"""What of the names in a policy is a mistake, and no mere warning: a named grant is for one person."""

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

    @property
    def is_mistake(self) -> bool:
        """Whether the policy cannot mean this: it is wrong in itself, or names nobody or several people."""
        return self.why is None or self.why.code in _MISTAKES

    def shown(self, path: Path) -> Line:
        place = f"{path}:{self.line}:{self.column}" if self.line else f"{path}:"
        key = f"{self.key}: " if self.key else ""
        if self.is_mistake:
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
    named, doubt = _warnings(found)
    warnings = [one for one in named if not one.is_mistake]
    mistakes = [one for one in named if one.is_mistake]
    told = [one.shown(path) for one in named]
    said = counted(len(mistakes), "mistake") if mistakes else "no mistakes"
    said += f", {counted(len(warnings), 'warning')}" if warnings else ""
    grants = len(found.policy.grants)
    rules = counted(len(found.policy.rules) - grants, "rule")
    rules += f", {counted(grants, 'named grant')}" if grants else ""
    text = [*told, *([] if doubt is None else [doubt]), f"{path}: {said}; {rules}."]
    status = Status.FOUND if mistakes else Status.DONE
    return _answer(path, text, mistakes=mistakes, warnings=warnings, policy=found.policy, status=status)


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
        "rules": None if policy is None else len(policy.rules) - len(policy.grants),
        "grants": None if policy is None else len(policy.grants),
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
    """What the last full check knew: profiles and accounts, people, and protected ids that are nobody's.

    `people` are the ids of everybody who has a name, `seen` the people of its view, and those whom the directory named
    when it was asked just now whom named grants mean: those called `asked`.
    """

    catalogue: Catalogue
    people: frozenset[str]
    nobody: Mapping[str, Reason]
    seen: tuple[Person, ...]
    now: datetime
    asked: frozenset[str] = frozenset()


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
    missing, doubt = list(_missing(found.policy, known)), None
    unsure = {path[1] for path, why in missing if why.code is Code.NOBODY_SEEN_IS_MEANT}
    if unsure:
        grants = [grant for number, grant in enumerate(found.policy.grants) if number in unsure]
        try:
            asked = people_meant(grants)
        except InvoiceAccessError as failure:
            doubt = f"The directory was not asked whom {_named(grants)} means: {_why_not(failure)}"
        else:
            known = replace(known, seen=(*known.seen, *asked), asked=frozenset(one.name for one in grants))
            missing = list(_missing(found.policy, known))
    return [_said(tree, path, why) for path, why in missing], doubt


def _named(grants: Sequence[Rule]) -> str:
    return f"{'named grant' if len(grants) == 1 else 'named grants'} {', '.join(map(bare_name, grants))}"


def _why_not(failure: InvoiceAccessError) -> str:
    fault = fault_of(failure, acts=False)
    return f"{failure}" if fault is None else fault.message


async def _known(desk: StoreDesk) -> _Known | None:
    catalogue = await desk.state.catalogue()
    if catalogue is None:
        return None
    reports = await desk.state.reports(1)
    named = [one for report in reports for one in report.findings if one.kind is FindingKind.POLICY_NAMES_NOTHING]
    nobody = {one.principal: one.why for one in named if one.key == "protected"}
    view = await desk.state.people_view()
    seen = () if view is None else tuple(one.person for one in view.people if one.person is not None)
    return _Known(catalogue, frozenset(await desk.state.names()), nobody, seen, desk.clock.now())


def _missing(policy: Policy, known: _Known) -> Iterator[tuple[KeyPath, Reason]]:
    rules = [rule for rule in policy.rules if rule.grant is None]
    for key, of_key in (("rules", rules), ("grants", policy.grants)):
        for number, rule in enumerate(of_key):
            for why in unresolved(rule.profiles, known.catalogue):
                yield (key, number, "profiles"), why
    for number, why in doubtful_grants(policy, known.catalogue, known.seen, known.now, known.asked):
        yield ("grants", number, "person"), why
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
