"""Scripted answers for the billing adapter, and what it asks for and sends.

What lives here: the scripted service, the credential, and the rows and writes that the adapter's tests share.
"""

from collections.abc import Callable
from typing import Any, Self

import jwt
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Request, Response, as_json
from shared.adapters.billing.arm import ArmBilling
from shared.domain.access.ownership import ManagedAssignment, prove
from shared.domain.billing import INVOICE_MANAGER, Assignment, BillingProfile
from shared.domain.keys import ProfileKey
from shared.settings import Settings

OWN = "https://management.azure.com"
ACCOUNT = "11111111-2222-3333-4444-555555555555:66666666-7777-8888-9999-000000000000_2019-05-31"
KEY = ProfileKey(ACCOUNT, "AAAA-BBBB-BG7-CCC")
PROFILE_ID = f"/providers/Microsoft.Billing/billingAccounts/{ACCOUNT}/billingProfiles/{KEY.profile}"
PERSON = "7c0f5a0e-0000-4000-8000-000000000001"
MANAGED = "7c0f5a0e-0000-4000-8000-0000000000aa"
TENANT = "7c0f5a0e-0000-4000-8000-0000000000ff"
NAME = f"{INVOICE_MANAGER}_{PERSON}"


class Credential:
    """Gives out a token that speaks for us; `claims` replace its own."""

    def __init__(self, **claims: Any) -> None:
        self.claims = {"oid": MANAGED.upper(), "tid": TENANT, **claims}
        self.expires_on = 4_000_000_000

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(jwt.encode(self.claims, "k" * 32, algorithm="HS256"), self.expires_on)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""


class Tokenless(Credential):
    """Has no token to give."""

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        raise ClientAuthenticationError("the identity endpoint does not answer")


class Service:
    """Answers as scripted, the last answer for ever; keeps the requests and the seconds that were waited."""

    def __init__(self, *answers: Response | Callable[[Request], Response]) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.waits: list[float] = []

    def handle(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, Response) else answer(request)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    @property
    def verbs(self) -> list[str]:
        return [request.method for request in self.requests]

    def billing(self, credential: Credential | None = None, **settings: str) -> ArmBilling:
        environment = {
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            "INVOICE_ACCESS_ARM_URL": OWN,
            **settings,
        }
        return ArmBilling(
            Settings.read(environment),
            credential or Credential(),
            transport=HandlerTransport(self.handle, sleep=self.sleep),
        )


def assignment_row(name: str = NAME, scope: str = PROFILE_ID, **properties: Any) -> dict[str, Any]:
    given = {
        "createdOn": "2024-03-15T22:37:20.1234567Z",
        "createdByPrincipalId": MANAGED.upper(),
        "modifiedOn": "0001-01-01T00:00:00.0000000Z",
        "principalId": PERSON.upper(),
        "roleDefinitionId": f"{scope}/billingRoleDefinitions/{INVOICE_MANAGER.upper()}",
        "scope": scope,
        "principalType": "User",
        **properties,
    }
    kept = {key: value for key, value in given.items() if value is not ...}
    return {"id": f"{PROFILE_ID}/billingRoleAssignments/{name}", "name": name, "properties": kept}


def profile_row(**properties: Any) -> dict[str, Any]:
    given = {"displayName": "Contoso NL", "status": "Active", "invoiceEmailOptIn": False, **properties}
    kept = {key: value for key, value in given.items() if value is not ...}
    return {"id": PROFILE_ID, "name": KEY.profile, "properties": kept}


def account_row(name: str = ACCOUNT, **properties: Any) -> dict[str, Any]:
    given = {
        "agreementType": "MicrosoftCustomerAgreement",
        "accountStatus": "Active",
        "displayName": "Contoso",
        **properties,
    }
    kept = {key: value for key, value in given.items() if value is not ...}
    return {"id": f"/providers/Microsoft.Billing/billingAccounts/{name}", "name": name, "properties": kept}


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}


def page(*rows: Any, link: Any = None) -> Response:
    return as_json(200, {"value": list(rows)} | ({} if link is None else {"nextLink": link}))


SERVICES_OWN = {"x-ms-service-version": "10.6.2811.738"}
"""What the service says of itself on every answer, and nobody in between does."""


def arm(status: int, code: str, message: str, **headers: str) -> Response:
    """An error in Azure Resource Manager's shape."""
    return as_json(
        status,
        {"error": {"code": code, "message": message}},
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


def bare(status: int, code: str, message: str, **headers: str) -> Response:
    """An error in the shape that was recorded from the service."""
    wrapped = arm(status, code, message, **headers)
    return as_json(status, {"code": code, "message": message}, wrapped.headers)


def own_assignment() -> ManagedAssignment:
    row = Assignment(KEY, NAME, INVOICE_MANAGER, PERSON, created_by=MANAGED)
    proved = prove(row, identities={MANAGED})
    assert isinstance(proved, ManagedAssignment)
    return proved


PROFILE = BillingProfile(
    key=KEY,
    display_name="Contoso NL",
    status="Active",
    invoice_email_opt_in=False,
    tags={"company": "Contoso"},
    properties={
        "displayName": "Contoso NL",
        "invoiceEmailOptIn": False,
        "poNumber": None,
        "soldTo": {"city": "A"},
    },
)

WRITES: dict[str, Callable[[ArmBilling], Any]] = {
    "POST": lambda billing: billing.grant_invoice_manager(KEY, PERSON),
    "PUT": lambda billing: billing.opt_in(PROFILE),
    "DELETE": lambda billing: billing.revoke_invoice_manager(own_assignment()),
}

PROBLEM = {
    "errors": {"PrincipalId": ["The value 'x' is not valid."]},
    "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
    "title": "One or more validation errors occurred.",
    "status": 400,
    "traceId": "00-1-2-00",
}
