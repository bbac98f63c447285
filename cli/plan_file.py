"""The file of a reviewed plan: JSON with ids, without names, whose digest shows whether somebody changed it.

Lives here: the format and nothing else. What is in it, `shared.domain.pinned` says.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from cli.faults import UsageError
from shared.domain.keys import NameKey, ProfileKey, parse_key
from shared.domain.misfits import misfits
from shared.domain.pinned import PinnedChange, PinnedPlan
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Reason

SCHEMA: Final = "invoice-access/reviewed-plan/1"

_MEND: Final = "Plan again with `invoice-access plan --out FILE`, and review it."


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    kind: ActionKind
    key: str
    profile: str
    basis: dict[str, Any] | None
    waits: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: AwareDatetime
    policy: str
    changes: list[_Change]


def write(path: Path, plan: PinnedPlan) -> None:
    """Writes a plan. Raises OSError where it cannot be written."""
    document = _document(plan)
    path.write_text(json.dumps({**document, "digest": _digest(document)}, indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> PinnedPlan:
    """Reads a plan. Raises `UsageError` for what is none, or was changed after it was made; OSError as `Path` does."""
    try:
        document = json.loads(path.read_bytes())
    except ValueError as wrong:
        raise UsageError(f"{path}: this is no plan: {wrong}", code="plan", mend=_MEND) from wrong
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
        raise UsageError(f"{path}: this is no plan: its schema is not {SCHEMA}", code="plan", mend=_MEND)
    digest = document.pop("digest", None)
    if digest != _digest({"schema": SCHEMA, **document}):
        raise UsageError(f"{path}: it was changed after it was made: its digest does not fit", code="plan", mend=_MEND)
    try:
        file = _File.model_validate(document)
        return PinnedPlan(as_of=file.as_of, policy=file.policy, changes=tuple(map(_change, file.changes)))
    except ValidationError as wrong:
        where, why = misfits(wrong)[0]
        raise UsageError(f"{path}: {where}: {why}", code="plan", mend=_MEND) from wrong
    except ValueError as wrong:
        raise UsageError(f"{path}: {wrong}", code="plan", mend=_MEND) from wrong


def _document(plan: PinnedPlan) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "as_of": plan.as_of.isoformat(),
        "policy": plan.policy,
        "changes": [
            {
                "id": one.id,
                "kind": one.kind.value,
                "key": f"profile:{one.key}" if isinstance(one.key, ProfileKey) else one.key.canonical,
                "profile": str(one.profile),
                "basis": None if one.basis is None else one.basis.as_json(),
                "waits": one.waits,
            }
            for one in plan.changes
        ],
    }


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _change(given: _Change) -> PinnedChange:
    key = parse_key(given.key)
    if isinstance(key, NameKey):
        raise ValueError(f"{given.key!r} is neither a person nor a profile")  # noqa: TRY004 - a value that does not fit
    basis = None if given.basis is None else Reason.read(given.basis)
    return PinnedChange(given.id, given.kind, key, ProfileKey.parse(given.profile), basis, given.waits)
