"""Who asks the page: only whom the platform says to have signed in, of our tenant and for our page."""

import json
from base64 import b64encode
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.desk.visitor import Role, Stranger, Visitor, visitor_of
from shared.settings import SignInSettings

TENANT: Final = "7c0f5a0e-0000-4000-8000-0000000000ff"
AUDIENCE: Final = "7c0f5a0e-0000-4000-8000-0000000000aa"
OLGA: Final = "7c0f5a0e-0000-4000-8000-0000000001a1"
SETTINGS: Final = SignInSettings.read(
    {"INVOICE_ACCESS_DESK_TENANT": TENANT.upper(), "INVOICE_ACCESS_DESK_AUDIENCE": AUDIENCE}
)
ON: Final = {"WEBSITE_AUTH_ENABLED": "True"}
LONG: Final = "http://schemas.microsoft.com/identity/claims/"


def header(claims: list[tuple[str, str]], **otherwise: Any) -> dict[str, str]:
    told = {"auth_typ": "aad", "claims": [{"typ": typ, "val": val} for typ, val in claims], **otherwise}
    return {"x-ms-client-principal": b64encode(json.dumps(told).encode()).decode()}


def claims(*roles: str, **otherwise: str) -> list[tuple[str, str]]:
    given = {"oid": OLGA, "tid": TENANT, "aud": AUDIENCE, "name": "Olga Berg"} | otherwise
    return [*given.items(), *(("roles", role) for role in roles)]


def asks(headers: dict[str, str]) -> Visitor | Stranger:
    return visitor_of(headers, SETTINGS, ON)


@pytest.mark.parametrize(
    ("roles", "role"),
    [((), None), (("Reader",), Role.READER), (("Auditor", "Reader"), Role.AUDITOR), (("Operator",), Role.OPERATOR)],
)
def test_somebody_has_the_role_that_includes_the_others(roles: tuple[str, ...], role: Role | None) -> None:
    visitor = asks(header(claims(*roles)))
    assert isinstance(visitor, Visitor)
    assert (visitor.actor.object_id, visitor.actor.name, visitor.role) == (OLGA, "Olga Berg", role)


def test_each_role_may_what_those_before_it_may() -> None:
    visitor = asks(header(claims("Auditor")))
    assert isinstance(visitor, Visitor)
    assert [visitor.may(role) for role in Role] == [True, True, False]


def test_claims_under_the_platforms_long_names_are_the_same() -> None:
    said = [(f"{LONG}objectidentifier", OLGA), (f"{LONG}tenantid", TENANT), ("aud", f"api://{AUDIENCE}")]
    visitor = asks(header([*said, ("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", "Reader")]))
    assert isinstance(visitor, Visitor)
    assert (visitor.actor.object_id, visitor.role) == (OLGA, Role.READER)


@pytest.mark.parametrize("value", ["", "False", "0", None])
def test_without_the_platforms_authentication_a_principal_means_nothing(value: str | None) -> None:
    environment = {} if value is None else {"WEBSITE_AUTH_ENABLED": value}
    assert visitor_of(header(claims("Operator")), SETTINGS, environment) is Stranger.NO_SIGN_IN


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ms-client-principal": "no base64"},
        {"x-ms-client-principal": b64encode(b"\xff{").decode()},
        {"x-ms-client-principal": b64encode(b"[1]").decode()},
        {"x-ms-client-principal": "A" * 70_000},
        header(claims("Operator", tid=OLGA)),
        header(claims("Operator", aud=OLGA)),
        header(claims("Operator", oid="Olga")),
        header(claims("Operator"), auth_typ="google"),
        {"x-ms-client-principal-id": OLGA, "x-ms-client-principal-name": "olga@contoso.example"},
    ],
)
def test_whoever_is_not_ours_is_nobody(headers: dict[str, str]) -> None:
    assert asks(headers) is Stranger.UNKNOWN


@given(st.binary(max_size=300))
def test_no_header_is_an_error(header_bytes: bytes) -> None:
    encoded = {"x-ms-client-principal": b64encode(header_bytes).decode()}
    assert asks(encoded) is Stranger.UNKNOWN
    assert asks({"x-ms-client-principal": header_bytes.decode("latin-1")}) is Stranger.UNKNOWN


@given(
    st.recursive(
        st.none() | st.text(max_size=5) | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["typ", "val", "claims"]), inner),
    )
)
def test_no_odd_claims_are_an_error(odd: Any) -> None:
    told = {"auth_typ": "aad", "claims": odd}
    assert asks({"x-ms-client-principal": b64encode(json.dumps(told).encode()).decode()}) is Stranger.UNKNOWN
