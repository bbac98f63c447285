"""The Graph stand-in answers whatever it is sent: a refusal in Graph's form, never an exception."""

import json
import random
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from sandbox.graph import GraphModel, GraphService
from sandbox.identity import Identity
from sandbox.wire import Caller, Request, Response

ID = "b0000000-0000-4000-8000-000000000001"
GROUP = "b0000000-0000-4000-8000-000000000002"

PIECES = (
    *(
        "department",
        "companyName",
        "accountEnabled",
        "employeeHireDate",
        "onPremisesExtensionAttributes",
        "id",
    ),
    *("eq", "ne", "in", "and", "or", "not", "ge", "gt", "add", "-", "startsWith", "endswith", "any", "all"),
    *("'a'", "'it''s'", "'", "null", "true", "12", "1.5", "2026-01-01", "2026-01-01T00:00:00Z", ID),
    *("(", ")", ",", "/", ":", "=", "extensionAttribute1", "x.y", "duration'P1D'", "geography'x'", "$", "é"),
)

filters = st.lists(st.sampled_from(PIECES), max_size=12).flatmap(
    lambda pieces: st.sampled_from([" ".join(pieces), "".join(pieces), " ".join(pieces).replace("( ", "(")])
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
members = st.sampled_from(
    [
        *(
            "department",
            "accountEnabled",
            "employeeHireDate",
            "employeeOrgData",
            "businessPhones",
            "identities",
        ),
        *(
            "onPremisesExtensionAttributes",
            "passwordProfile",
            "userPrincipalName",
            "id",
            "members@odata.bind",
        ),
        *("groupIds", "@odata.id", "displayName", "groupTypes"),
    ]
)
targets = st.sampled_from(
    [
        f"users/{ID}",
        "users",
        "groups",
        f"groups/{GROUP}",
        f"groups/{GROUP}/members/$ref",
        f"users/{ID}/checkMemberGroups",
        f"directory/deletedItems/{ID}/restore",
    ]
)


def service() -> GraphService:
    model = GraphModel(
        tenant_id="t",
        identities=[Identity("portal", "c", "o", "t", default=True)],
        users=[{"id": ID, "userPrincipalName": "p@contoso.example", "department": "Finance"}],
        groups=[{"id": GROUP, "displayName": "G", "members": [ID]}],
        clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        random_source=random.Random(1),
    )
    return GraphService(model, lambda _: Caller("o", "t", "c"))


def is_graphs(response: Response) -> None:
    assert response.headers["request-id"]
    if response.status >= 400:
        error = json.loads(response.body)["error"]
        assert error["code"]
        assert error["message"]
        assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}


@given(text=filters)
def test_any_filter_is_answered(text: str) -> None:
    headers = {"consistencylevel": "eventual"}
    target = f"/v1.0/users?$count=true&$filter={quote(text)}"
    response = service().handle(Request("GET", target, headers, base="http://127.0.0.1"))
    is_graphs(response)
    assert response.status in {200, 400, 501}


@given(
    target=targets,
    method=st.sampled_from(["POST", "PATCH"]),
    body=st.dictionaries(members, values, max_size=4),
)
def test_any_body_is_answered(target: str, method: str, body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    is_graphs(service().handle(Request(method, f"/v1.0/{target}", headers, raw, "http://127.0.0.1")))


@given(target=st.text(alphabet="users/grop$%24?=&'()#@é0+ \x00", max_size=30))
def test_any_target_is_answered(target: str) -> None:
    is_graphs(service().handle(Request("GET", f"/v1.0/{target}", {}, b"", "http://127.0.0.1")))
