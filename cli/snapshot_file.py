"""The file of a snapshot: JSON, with pseudonyms unless somebody asked for names.

Lives here: the format and nothing else. What is in a snapshot, `shared.domain.snapshot` says.
"""

import json
from pathlib import Path
from typing import Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from cli.faults import UsageError
from shared.domain.access.plan import Employment
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.keys import ProfileKey
from shared.domain.misfits import misfits
from shared.domain.reasons import Reason
from shared.domain.snapshot import Snapshot, SnapshotPerson, SnapshotRow

SCHEMA: Final = "invoice-access/snapshot/1"

_MEND: Final = "Take another with `invoice-access export view --out FILE`."


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Account(_Strict):
    name: str
    display_name: str
    agreement_type: str
    status: str


class _Profile(_Strict):
    id: str
    name: str
    status: str
    opted_in: bool | None
    tags: dict[str, str]


class _Row(_Strict):
    profile: str
    principal: str
    role: str
    principal_type: str | None
    managed: bool
    rules: list[str]


class _Person(_Strict):
    id: str
    name: str
    employment: Employment
    guest: bool
    member: bool
    attributes: dict[str, str]
    groups: list[str]
    protected: bool


class _File(_Strict):
    as_of: AwareDatetime
    complete: bool
    policy: str
    named: bool
    attributes: list[str]
    accounts: list[_Account]
    profiles: list[_Profile]
    rows: list[_Row]
    people: list[_Person]
    unknown_rules: dict[str, list[dict[str, Any]]]


def write(path: Path, snapshot: Snapshot) -> None:
    """Writes a snapshot, one person a line, so that two of them can be compared. Raises OSError."""
    document = {
        "schema": SCHEMA,
        "as_of": snapshot.as_of.isoformat(),
        "complete": snapshot.complete,
        "policy": snapshot.policy,
        "named": snapshot.named,
        "attributes": sorted(snapshot.attributes),
        "accounts": [
            {
                "name": one.name,
                "display_name": one.display_name,
                "agreement_type": one.agreement_type,
                "status": one.status,
            }
            for one in snapshot.accounts
        ],
        "profiles": [
            {
                "id": str(one.key),
                "name": one.display_name,
                "status": one.status,
                "opted_in": one.invoice_email_opt_in,
                "tags": dict(one.tags),
            }
            for one in snapshot.profiles
        ],
        "rows": [
            {
                "profile": str(one.profile),
                "principal": one.principal,
                "role": one.role,
                "principal_type": one.principal_type,
                "managed": one.managed,
                "rules": list(one.rules),
            }
            for one in snapshot.rows
        ],
        "people": [
            {
                "id": one.id,
                "name": one.name,
                "employment": one.employment.value,
                "guest": one.guest,
                "member": one.member,
                "attributes": dict(sorted(one.attributes.items())),
                "groups": sorted(one.groups),
                "protected": one.protected,
            }
            for one in snapshot.people
        ],
        "unknown_rules": {rule: [why.as_json() for why in reasons] for rule, reasons in snapshot.unknown_rules.items()},
    }
    lines = ",\n".join(f"{json.dumps(name)}: {_spelled(value)}" for name, value in document.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def _spelled(value: object) -> str:
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return json.dumps(value, ensure_ascii=False)
    rows = ",\n ".join(json.dumps(one, ensure_ascii=False) for one in value)
    return f"[\n {rows}\n]"


def read(path: Path) -> Snapshot:
    """Reads a snapshot. Raises `UsageError` for what is none; OSError as `Path` does."""
    try:
        document = json.loads(path.read_bytes())
    except ValueError as wrong:
        raise UsageError(f"{path}: this is no snapshot: {wrong}", code="snapshot", mend=_MEND) from wrong
    if not isinstance(document, dict) or document.pop("schema", None) != SCHEMA:
        raise UsageError(f"{path}: this is no snapshot: its schema is not {SCHEMA}", code="snapshot", mend=_MEND)
    try:
        return _snapshot(_File.model_validate(document))
    except ValidationError as wrong:
        where, why = misfits(wrong)[0]
        raise UsageError(f"{path}: {where}: {why}", code="snapshot", mend=_MEND) from wrong
    except ValueError as wrong:
        raise UsageError(f"{path}: {wrong}", code="snapshot", mend=_MEND) from wrong


def _snapshot(file: _File) -> Snapshot:
    return Snapshot(
        as_of=file.as_of,
        complete=file.complete,
        policy=file.policy,
        named=file.named,
        attributes=frozenset(file.attributes),
        accounts=tuple(
            BillingAccount(one.name, one.display_name, one.agreement_type, one.status) for one in file.accounts
        ),
        profiles=tuple(
            BillingProfile(ProfileKey.parse(one.id), one.name, one.status, one.opted_in, one.tags)
            for one in file.profiles
        ),
        rows=tuple(
            SnapshotRow(
                profile=ProfileKey.parse(one.profile),
                principal=one.principal,
                role=one.role,
                principal_type=one.principal_type,
                managed=one.managed,
                rules=tuple(one.rules),
            )
            for one in file.rows
        ),
        people=tuple(
            SnapshotPerson(
                id=one.id,
                name=one.name,
                employment=one.employment,
                guest=one.guest,
                member=one.member,
                attributes=one.attributes,
                groups=frozenset(one.groups),
                protected=one.protected,
            )
            for one in file.people
        ),
        unknown_rules={rule: tuple(map(Reason.read, reasons)) for rule, reasons in file.unknown_rules.items()},
    )
