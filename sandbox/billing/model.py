"""The state of the billing service: accounts, profiles, who holds which role, and what was changed by whom.

What lives here: the state, how it is built from a world, and the questions every operation asks of it. What
an operation does, and all HTTP, is elsewhere.
"""

import base64
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from sandbox.billing.holdings import Assignment, AssignmentTable
from sandbox.billing.long_running import Operations
from sandbox.billing.roles import ScopeKind, find_role
from sandbox.billing.switches import Switches
from sandbox.billing.throttle import Throttle
from sandbox.billing.world import (
    MANAGED_AGREEMENTS,
    AccountSeed,
    ProfileSeed,
    RoleAssignmentSeed,
    read_accounts,
)
from sandbox.wire import Clock

type PrincipalType = Callable[[str], str | None]
"""Object id to "User", "Group" or "ServicePrincipal"; None when the tenant does not know it."""

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_ROOT = "/providers/Microsoft.Billing/billingAccounts/"


@dataclass(frozen=True, slots=True)
class Contact:
    """What resolving an assignment tells about its principal; None where the directory has nothing."""

    email: str | None
    display_name: str | None


type ContactOf = Callable[[str], Contact | None]
"""Object id to e-mail address and display name; None when the tenant does not know it."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One accepted state-changing call. `changed` is False where the state already was as asked."""

    time: datetime
    caller: str
    operation: Literal[
        "create-role-assignment",
        "delete-role-assignment",
        "put-role-assignment",
        "put-profile",
        "delete-profile",
    ]
    scope: str
    principal: str | None
    role: str | None
    changed: bool


@dataclass(slots=True)
class Account:
    """A billing account; mutable state."""

    name: str
    properties: dict[str, Any]
    tags: dict[str, str]
    associated_tenants: dict[str, dict[str, Any]]
    assignments: AssignmentTable = field(default_factory=AssignmentTable)
    profiles: dict[str, "Profile"] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The account's resource id."""
        return f"{_ROOT}{self.name}"

    @property
    def type(self) -> str:
        """The account's resource type."""
        return "Microsoft.Billing/billingAccounts"

    @property
    def managed(self) -> bool:
        """Whether its agreement has billing profiles: customer and partner agreements."""
        return self.properties["agreementType"] in MANAGED_AGREEMENTS

    @property
    def kind(self) -> ScopeKind:
        """Which set of roles it offers."""
        return "account" if self.managed else "enterprise"

    @property
    def account(self) -> "Account":
        """Itself."""
        return self

    @property
    def tenant(self) -> str | None:
        """The tenant whose principals can get roles without further ado."""
        tenant: str | None = self.properties.get("primaryBillingTenantId")
        return tenant


@dataclass(slots=True)
class Profile:
    """A billing profile; mutable state."""

    name: str
    account: Account
    properties: dict[str, Any]
    tags: dict[str, str]
    assignments: AssignmentTable = field(default_factory=AssignmentTable)

    @property
    def id(self) -> str:
        """The profile's resource id."""
        return f"{self.account.id}/billingProfiles/{self.name}"

    @property
    def type(self) -> str:
        """The profile's resource type."""
        return "Microsoft.Billing/billingAccounts/billingProfiles"

    @property
    def kind(self) -> ScopeKind:
        """Which set of roles it offers."""
        return "profile"

    @property
    def deleted(self) -> bool:
        """Whether it is there only for those who ask for deleted profiles."""
        return bool(self.properties.get("status") == "Deleted")


type Scope = Account | Profile


class BillingModel:
    """The billing service's state in one tenant.

    Args:
        accounts: the `billingAccounts` list of a world file.
        clock: tells the time.
        rng: where guids and signatures come from; seeded, a run repeats itself.
        principal_type: what kind of principal an object id is.
        contact: e-mail address and display name of a principal, for resolved assignments.
        switches: how the open questions are answered; assign another set at any time.

    Raises:
        pydantic.ValidationError: naming every mistake in `accounts`.
    """

    def __init__(
        self,
        accounts: Sequence[Any],
        *,
        clock: Clock,
        rng: random.Random,
        principal_type: PrincipalType,
        contact: ContactOf | None = None,
        switches: Switches | None = None,
    ) -> None:
        self.clock = clock
        self.rng = rng
        self.principal_type = principal_type
        self.contact: ContactOf = contact or (lambda _object_id: None)
        self.switches = switches or Switches()
        self.operations = Operations(rng)
        self.throttle = Throttle()
        self.audit: list[AuditEntry] = []
        self._accounts = {seed.name.casefold(): self._account(seed) for seed in read_accounts(accounts)}

    # -- looking things up

    @property
    def accounts(self) -> list[Account]:
        """Every account, in the order of the world."""
        return list(self._accounts.values())

    def account(self, name: str) -> Account | None:
        """The account of this name, case-insensitively."""
        return self._accounts.get(name.casefold())

    def now(self) -> datetime:
        """The time, after everything that fell due by then was done."""
        now = self.clock()
        self.operations.settle(now, self.switches.operation_kept_seconds)
        return now

    def permissions(self, object_id: str, scope: Scope) -> list[str]:
        """What a principal may do at a scope: its own roles there and those inherited from the account."""
        scopes: list[Scope] = [scope.account] if isinstance(scope, Account) else [scope.account, scope]
        actions: dict[str, None] = {}
        for each in scopes:
            for row in each.assignments.of_principal(object_id.casefold()):
                if not row.pending:
                    role = find_role(each.kind, row.role)
                    actions |= dict.fromkeys(role.actions if role else ())
        return list(actions)

    def stamp(self, moment: datetime) -> str:
        """A moment as the service writes it: UTC, seven fraction digits."""
        return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond * 10:07d}Z"

    # -- changing things

    def record(
        self,
        now: datetime,
        caller: str,
        operation: Any,
        scope: str,
        *,
        principal: str | None = None,
        role: str | None = None,
        changed: bool,
    ) -> None:
        """Appends one accepted state-changing call to the audit."""
        self.audit.append(AuditEntry(now, caller, operation, scope, principal, role, changed))

    def grant(self, scope: Scope, assignment: Assignment, at: datetime) -> None:
        """Adds an assignment, visible as late as the switches say."""
        scope.assignments.put(assignment, at + timedelta(seconds=self.switches.grants_visible_after_seconds))

    def revoke(self, scope: Scope, name: str, at: datetime) -> None:
        """Removes an assignment, hidden as late as the switches say."""
        scope.assignments.remove(name, at + timedelta(seconds=self.switches.revokes_visible_after_seconds))

    def decide_billing_request(self, billing_request_id: str, *, approve: bool) -> None:
        """Answers for another tenant's user, who accepts or declines a role by a link in an e-mail.

        Raises:
            LookupError: when no pending assignment carries this request.
        """
        now = self.now()
        scopes: list[Scope] = [
            *self.accounts,
            *(each for one in self.accounts for each in one.profiles.values()),
        ]
        for scope in scopes:
            for row in scope.assignments.every():
                if row.pending and row.billing_request_id == billing_request_id:
                    if approve:
                        scope.assignments.put(replace(row, pending=False), now)
                    else:
                        scope.assignments.remove(row.name, now)
                    return
        raise LookupError(f"no pending role assignment carries the billing request {billing_request_id}")

    # -- building

    def _account(self, seed: AccountSeed) -> Account:
        account = Account(
            name=seed.name,
            properties=seed.properties.wire(),
            tags=dict(seed.tags),
            associated_tenants={
                each.name or each.properties.tenant_id: each.properties.wire() for each in seed.associated_tenants
            },
        )
        self._seed_assignments(account, seed.billing_role_assignments, seed.founder)
        for profile in seed.billing_profiles:
            account.profiles[profile.name.casefold()] = self._profile(account, profile, seed.founder)
        return account

    def _profile(self, account: Account, seed: ProfileSeed, founder: str) -> Profile:
        profile = Profile(seed.name, account, seed.properties.wire(), dict(seed.tags))
        profile.properties.setdefault("systemId", system_id(profile.id))
        self._seed_assignments(profile, seed.billing_role_assignments, founder)
        return profile

    def _seed_assignments(self, scope: Scope, seeds: Sequence[RoleAssignmentSeed], founder: str) -> None:
        for seed in seeds:
            role = find_role(scope.kind, seed.role)
            assert role is not None, "the world was checked"
            given = seed.model_fields_set
            creator = seed.created_by_principal_id if "created_by_principal_id" in given else founder
            tenant = scope.account.tenant
            creators_tenant = seed.created_by_principal_tenant_id or (tenant if creator else creator)
            principal = seed.principal_id or ""
            name = seed.name or self.assignment_name(scope, role.guid, principal or str(UUID(int=0)))
            scope.assignments.put(
                Assignment(
                    name=name,
                    role=role.guid,
                    principal_id=principal,
                    principal_tenant_id=seed.principal_tenant_id or tenant,
                    principal_type=seed.principal_type or self.principal_type(principal) or "Unknown",
                    created_on=_seven_digits(seed.created_on),
                    created_by=creator,
                    created_by_tenant=creators_tenant,
                    principal_puid=seed.principal_puid,
                ),
                _BEGINNING,
            )

    def assignment_name(self, scope: Scope, role: str, principal_id: str) -> str:
        """An assignment's name: role and principal, or under an enterprise agreement a guid of its own."""
        if scope.kind == "enterprise":
            return str(uuid5(NAMESPACE_URL, f"{scope.id}/{role}_{principal_id}".casefold()))
        return f"{role}_{principal_id}".casefold()


def system_id(profile_id: str) -> str:
    """What the service itself calls a profile: its name may be its creator's own choice."""
    letters = base64.b32encode(uuid5(NAMESPACE_URL, profile_id.casefold()).bytes).decode()
    return f"{letters[:4]}-{letters[4:8]}-BG7-{letters[8:11]}"


def _seven_digits(timestamp: str) -> str:
    seconds, _, fraction = timestamp.removesuffix("Z").partition(".")
    return f"{seconds}.{fraction:0<7}Z"
