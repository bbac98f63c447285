"""A billing stand-in on a clock of its own, with the real client in front of it.

What lives here: the world, the callers and the clock that the contract tests of the billing stand-in share.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.mgmt.billing.aio import BillingManagementClient

from sandbox.billing import BillingModel, Contact, Switches, billing_handler
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Caller, Handler, Request, Response
from tests.published import PUBLISHED

CONFORMANCE = PUBLISHED / "billing"

TENANT = "76e9ab9c-0000-4000-8000-0000000000aa"
OTHER_TENANT = "76e9ab9c-0000-4000-8000-0000000000bb"
MCA = "10000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-0000000000aa_2019-05-31"
MPA = "20000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-0000000000aa_2019-05-31"
EA = "6575495"
NL = "HWEG-Q6HX-BG7-TGB"
DE = "B5LA-FLMV-BG7-M77W-SGB"

ACCOUNT_OWNER = "00000000-0000-4000-8000-000000000001"
PROFILE_OWNER = "00000000-0000-4000-8000-000000000002"
CONTRIBUTOR = "00000000-0000-4000-8000-000000000003"
READER = "00000000-0000-4000-8000-000000000004"
MANAGER = "00000000-0000-4000-8000-000000000005"
STRANGER = "00000000-0000-4000-8000-000000000006"
APP = "00000000-0000-4000-8000-000000000007"
ANNA = "00000000-0000-4000-8000-000000000008"
BEN = "00000000-0000-4000-8000-000000000009"
GROUP = "00000000-0000-4000-8000-00000000000a"
ENTERPRISE_ADMIN = "00000000-0000-4000-8000-00000000000b"
NOBODY = "00000000-0000-4000-8000-0000000000ff"

INVOICE_MANAGER = "40000000-aaaa-bbbb-cccc-100000000004"
PROFILE_READER_ROLE = "40000000-aaaa-bbbb-cccc-100000000002"
PROFILE_OWNER_ROLE = "40000000-aaaa-bbbb-cccc-100000000000"
ACCOUNT_OWNER_ROLE = "50000000-aaaa-bbbb-cccc-100000000000"

A = f"/providers/Microsoft.Billing/billingAccounts/{MCA}"
P = f"{A}/billingProfiles/{NL}"
START = datetime(2026, 3, 2, 9, 0, 0, 654321, tzinfo=UTC)

_USERS = {ACCOUNT_OWNER, PROFILE_OWNER, CONTRIBUTOR, READER, MANAGER, STRANGER, ANNA, BEN, ENTERPRISE_ADMIN}
_TYPES = dict.fromkeys(_USERS, "User") | {APP: "ServicePrincipal", GROUP: "Group"}

WORLD: list[dict[str, Any]] = [
    {
        "name": MCA,
        "properties": {
            "agreementType": "MicrosoftCustomerAgreement",
            "displayName": "Contoso",
            "primaryBillingTenantId": TENANT,
            "soldTo": {"addressLine1": "1 Main Street", "country": "NL"},
        },
        "billingRoleAssignments": [{"principalId": ACCOUNT_OWNER, "role": "Billing account owner"}],
        "associatedTenants": [
            {"properties": {"displayName": "Fabrikam", "tenantId": OTHER_TENANT}},
            {"properties": {"tenantId": NOBODY, "billingManagementState": "Revoked"}},
        ],
        "billingProfiles": [
            {
                "name": NL,
                "tags": {"company": "Contoso Nederland"},
                "properties": {
                    "displayName": "Contoso Nederland",
                    "invoiceEmailOptIn": False,
                    "invoiceRecipients": ["ap@contoso.nl"],
                    "poNumber": "PO-1",
                },
                "billingRoleAssignments": [
                    {"principalId": PROFILE_OWNER, "role": "Billing profile owner"},
                    {"principalId": CONTRIBUTOR, "role": "Billing profile contributor"},
                    {"principalId": READER, "role": "billing profile reader"},
                    {"principalId": MANAGER, "role": INVOICE_MANAGER, "createdByPrincipalId": PROFILE_OWNER},
                    {"principalId": APP, "role": "Billing profile owner"},
                ],
            },
            {"name": DE, "properties": {"displayName": "Contoso Deutschland"}},
            {"name": "GONE-BG7", "properties": {"displayName": "Gone", "status": "Deleted"}},
        ],
    },
    {
        "name": MPA,
        "properties": {
            "agreementType": "MicrosoftPartnerAgreement",
            "displayName": "Contoso Partners",
            "primaryBillingTenantId": TENANT,
            "accountStatus": "Deleted",
        },
        "billingRoleAssignments": [{"principalId": ACCOUNT_OWNER, "role": "Billing account owner"}],
    },
    {
        "name": EA,
        "properties": {"agreementType": "EnterpriseAgreement", "displayName": "Contoso Enrollment"},
        "billingRoleAssignments": [
            {"principalId": ENTERPRISE_ADMIN, "role": "Enterprise administrator"},
            {"principalId": ACCOUNT_OWNER, "role": "Enterprise administrator"},
        ],
        "billingProfiles": [{"name": "EA-BG7", "properties": {"displayName": "Enrollment"}}],
    },
]


@dataclass(slots=True)
class OwnClock:
    """A clock that moves only when somebody sleeps by it."""

    time: datetime = START
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, seconds: float) -> None:
        """Lets time pass."""
        self.time += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Sleeps without waiting."""
        self.slept.append(seconds)
        self.pass_by(seconds)


class OwnCredential:
    """A credential whose tokens are the object id of their owner."""

    def __init__(self, object_id: str) -> None:
        self._object_id = object_id

    async def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        """The token."""
        return AccessToken(self._object_id, 4_000_000_000)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_args: object) -> None:
        return None


def authenticate(request: Request) -> Caller | None:
    """A token is the object id of its owner; whom the tenant does not know has none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    known = scheme == "Bearer" and token in _TYPES
    return Caller(token, TENANT, token) if known else None


class Standin:
    """The stand-in, its clock, and ways to call it."""

    def __init__(self, world: list[dict[str, Any]] | None = None, **switches: Any) -> None:
        self.clock = OwnClock()
        self.model = BillingModel(
            WORLD if world is None else world,
            clock=self.clock,
            rng=random.Random(7),
            principal_type=_TYPES.get,
            contact=lambda object_id: (
                Contact(f"{object_id[-2:]}@contoso.com", f"Person {object_id[-2:]}") if object_id in _USERS else None
            ),
            switches=Switches(**switches),
        )
        self.handle: Handler = billing_handler(self.model, authenticate)

    def turn(self, **switches: Any) -> None:
        """Turns switches while the stand-in runs."""
        self.model.switches = replace(self.model.switches, **switches)

    def call(
        self,
        method: str,
        path: str,
        *,
        by: str | None = ACCOUNT_OWNER,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        version: str | None = "2024-04-01",
    ) -> Response:
        """Sends one request as it is; a path without a query gets the api-version."""
        if version is not None and "api-version=" not in path:
            path += ("&" if "?" in path else "?") + f"api-version={version}"
        sent = {} if by is None else {"authorization": f"Bearer {by}"}
        if body is not None:
            sent["content-type"] = "application/json"
        encoded = b"" if body is None else json.dumps(body).encode()
        base = "https://management.azure.com"
        return self.handle(Request(method, path, {**sent, **(headers or {})}, encoded, base))

    def client(
        self, by: str = ACCOUNT_OWNER, handler: Handler | None = None, **options: Any
    ) -> BillingManagementClient:
        """The real client, whose bearer is `by`, over this stand-in or a handler around it."""
        transport: AsyncHttpTransport[Any, Any] = HandlerTransport(handler or self.handle, sleep=self.clock.sleep)
        return BillingManagementClient(
            OwnCredential(by),
            "00000000-0000-0000-0000-000000000000",
            base_url="https://management.azure.com",
            transport=transport,
            **options,
        )

    def create(self, principal: str, *, by: str = PROFILE_OWNER, role: str = INVOICE_MANAGER) -> Response:
        """Asks for a role on the Dutch profile."""
        body = {
            "principalId": principal,
            "principalTenantId": TENANT,
            "roleDefinitionId": f"{P}/billingRoleDefinitions/{role}",
        }
        return self.call("POST", f"{P}/createBillingRoleAssignment", by=by, body=body)


def json_of(response: Response) -> Any:
    """An answer's body."""
    return json.loads(response.body)


def error_of(response: Response) -> Any:
    """Code and message of an error, bare or wrapped."""
    body = json_of(response)
    return body.get("error", body)


def published(name: str) -> Any:
    """A published example."""
    return json.loads((CONFORMANCE / "examples" / "2024-04-01" / f"{name}.json").read_text())
