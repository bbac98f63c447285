"""`$filter` of the Graph stand-in: whom it lists, and what it refuses as the directory does."""

from typing import Any

import pytest

from sandbox.graph.errors import GraphError
from sandbox.graph.filters import read_filter
from sandbox.graph.properties import GROUP, USER
from sandbox.graph.switches import Switches

FINANCE: dict[str, Any] = {
    "id": "b0000000-0000-4000-8000-000000000001",
    "accountEnabled": True,
    "displayName": "O'Brien and Sons in (not startsWith) Finance",
    "department": "Finance",
    "jobTitle": "Controller",
    "companyName": "Contoso Nederland",
    "employeeHireDate": "2024-02-01T00:00:00Z",
    "onPremisesExtensionAttributes": {"extensionAttribute1": "CC1"},
    "userPrincipalName": "femke@contoso.example",
}
BLANK: dict[str, Any] = {"id": "b0000000-0000-4000-8000-000000000002", "accountEnabled": False}


def lists(text: str, who: dict[str, Any], *, advanced: bool = True, **switched: Any) -> bool:
    switches = Switches(**switched)
    return read_filter(text, USER, advanced=advanced, switches=switches).matches(who)


@pytest.mark.parametrize(
    "text",
    [
        "department eq 'Finance'",
        "department eq 'fINANCE'",
        "Department EQ 'Finance'",
        "department in ('Finance')",
        "department in ( 'IT' , 'finance' )",
        "department eq 'Finance' and companyName eq 'Contoso Nederland'",
        "department eq 'IT' or jobTitle eq 'controller'",
        "department eq 'IT' and department eq 'IT' or jobTitle eq 'Controller'",
        "jobTitle eq 'Controller' or department eq 'IT' and department eq 'IT'",
        "startsWith(department,'fin')",
        "startswith(department, 'Fin')",
        "STARTSWITH(companyName,'contoso')",
        "endsWith(userPrincipalName,'@contoso.example')",
        "not(department eq 'IT')",
        "not (department eq 'IT')",
        "not startsWith(department,'I')",
        "NOT(startsWith(companyName,'Fabrikam'))",
        "department ne 'IT'",
        "department ne null",
        "department ge 'finance' and department le 'Finance'",
        "accountEnabled eq true",
        "accountEnabled ne false",
        "displayName eq 'O''Brien and Sons in (not startsWith) Finance'",
        "displayName in ('O''Brien and Sons in (not startsWith) Finance')",
        "employeeHireDate ge 2024-02-01T00:00:00Z",
        "employeeHireDate eq 2024-02-01T01:00:00.0000000+01:00",
        "employeeHireDate le 2030-01-01T00:00:00Z",
        "onPremisesExtensionAttributes/extensionAttribute1 eq 'cc1'",
        "onPremisesExtensionAttributes/extensionAttribute2 ne 'cc1'",
        "id eq 'B0000000-0000-4000-8000-000000000001'",
        "((department eq 'Finance'))",
    ],
)
def test_the_finance_person_is_listed(text: str) -> None:
    assert lists(text, FINANCE)


@pytest.mark.parametrize(
    "text",
    [
        "department eq 'Financ'",
        "department in ('IT')",
        "not(department eq 'Finance')",
        "not(not(department eq 'IT'))",
        "department eq null",
        "department ne 'FINANCE'",
        "startsWith(department,'inance')",
        "endsWith(userPrincipalName,'contoso')",
        "employeeHireDate ge 2024-02-01T00:00:01Z",
        "onPremisesExtensionAttributes/extensionAttribute2 eq 'cc1'",
        "accountEnabled eq false",
        "department eq 'Finance' and (jobTitle eq 'x' or companyName eq 'y')",
    ],
)
def test_the_finance_person_is_not_listed(text: str) -> None:
    assert not lists(text, FINANCE)


@pytest.mark.parametrize(
    ("text", "comparable", "unknown"),
    [
        ("department eq 'IT'", False, False),
        ("department ne 'IT'", True, False),
        ("not(department eq 'IT')", True, False),
        ("not(department in ('IT'))", True, False),
        ("not(department ne 'IT')", False, False),
        ("not startsWith(department,'I')", False, False),
        ("startsWith(department,'I')", False, False),
        ("not(department ge 'A')", False, False),
        ("department eq null", True, True),
        ("not(department eq null)", False, False),
        ("department eq 'IT' or accountEnabled eq false", True, True),
        ("not(startsWith(department,'I') and accountEnabled eq true)", True, True),
        ("not(startsWith(department,'I') or accountEnabled eq false)", False, False),
    ],
)
def test_blanks_are_listed_as_the_switch_says(text: str, comparable: bool, unknown: bool) -> None:
    assert lists(text, BLANK, null_is_comparable=True) is comparable
    assert lists(text, BLANK, null_is_comparable=False) is unknown


@pytest.mark.parametrize(
    "text",
    [
        "companyName eq 'Contoso'",
        "companyName in ('Contoso')",
        "startsWith(companyName,'Con')",
        "employeeType eq 'Employee'",
        "employeeHireDate ge 2024-02-01T00:00:00Z",
        "onPremisesExtensionAttributes/extensionAttribute1 eq 'x'",
        "department ne 'IT'",
        "department eq null",
        "not(department eq 'IT')",
        "not startsWith(displayName,'x')",
        "endsWith(mail,'x')",
        "employeeId in ('E1')",
        "department eq 'IT' and (jobTitle eq 'x' or companyName eq 'y')",
        "employeeLeaveDateTime le 2024-02-01T00:00:00Z",
    ],
)
def test_advanced_filters_are_refused_in_a_plain_request(text: str) -> None:
    lists(text, FINANCE, advanced=True)
    with pytest.raises(GraphError) as refused:
        lists(text, FINANCE, advanced=False)
    assert (refused.value.status, refused.value.code) == (400, "Request_UnsupportedQuery")
    assert refused.value.message.startswith("Unsupported or invalid query filter clause specified for property")


@pytest.mark.parametrize(
    "text",
    [
        "accountEnabled eq true and department eq 'Finance' and jobTitle in ('Controller')",
        "startsWith(department,'Fin')",
        "employeeId eq 'E1'",
        "startsWith(employeeId,'E')",
        "department ge 'F'",
        "userType eq 'Guest'",
        "userPrincipalName eq 'femke@contoso.example'",
        "mail eq 'femke@contoso.example'",
    ],
)
def test_plain_filters_need_nothing(text: str) -> None:
    read_filter(text, USER, advanced=False, switches=Switches())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("department eq 'Finance", "BadRequest"),
        ("department eq Finance'", "BadRequest"),
        ("department = 'Finance'", "BadRequest"),
        ("department", "Request_UnsupportedQuery"),
        ("", "BadRequest"),
        ("departmnt eq 'Finance'", "BadRequest"),
        ("onPremisesExtensionAttributes/extensionAttribute16 eq 'x'", "BadRequest"),
        ("onPremisesExtensionAttributes eq 'x'", "Request_UnsupportedQuery"),
        ("department eq true", "BadRequest"),
        ("accountEnabled eq 'true'", "BadRequest"),
        ("employeeHireDate ge 2024-02-01", "BadRequest"),
        ("employeeHireDate ge 2024-02-01T00:00:00", "BadRequest"),
        ("employeeHireDate ge '2024-02-01T00:00:00Z'", "BadRequest"),
        ("department in ('a',)", "BadRequest"),
        ("department in ()", "BadRequest"),
        ("department in 'a'", "BadRequest"),
        ("department in ('a',null)", "BadRequest"),
        ("'Finance' eq department", "Request_UnsupportedQuery"),
        ("startsWith(department,'a','b')", "BadRequest"),
        ("startsWith(department,jobTitle)", "Request_UnsupportedQuery"),
        ("contains(department,'a')", "Request_UnsupportedQuery"),
        ("tolower(department) eq 'a'", "Request_UnsupportedQuery"),
        ("frobnicate(department)", "BadRequest"),
        ("department gt 'a'", "Request_UnsupportedQuery"),
        ("startsWith(accountEnabled,'t')", "Request_UnsupportedQuery"),
        ("employeeId ge 'E1'", "Request_UnsupportedQuery"),
        ("businessPhones eq '1'", "Request_UnsupportedQuery"),
        ("employeeOrgData/costCenter eq '1'", "Request_UnsupportedQuery"),
        ("department eq 'a' and", "BadRequest"),
        ("not not not department", "Request_UnsupportedQuery"),
        ("not(" * 500 + "department eq 'a'" + ")" * 500, "BadRequest"),
    ],
)
def test_what_the_directory_does_not_understand_is_400_even_when_advanced(text: str, code: str) -> None:
    with pytest.raises(GraphError) as refused:
        lists(text, FINANCE, advanced=True)
    assert (refused.value.status, refused.value.code) == (400, code)


def test_fifteen_values_are_the_most_of_a_plain_filter_and_not_of_an_advanced_one() -> None:
    values = [f"'v{n}'" for n in range(16)]
    for text in (
        f"department in ({','.join(values)})",
        " or ".join(f"department eq {value}" for value in values),
    ):
        with pytest.raises(GraphError, match=r"operators: 16\. Max allowed: 15\."):
            lists(text, FINANCE, advanced=False)
        assert not lists(text, FINANCE, advanced=False, most_or_clauses=None)
        assert not lists(text, FINANCE, advanced=True)
    assert not lists(f"department in ({','.join(values[:15])})", FINANCE, advanced=False)


@pytest.mark.parametrize(
    ("text", "height"),
    [
        ("city eq 'a'", 1),
        ("city eq 'a' and city eq 'b' and city eq 'c' and city eq 'd'", 2),
        ("(city eq 'a' or city eq 'b') and state eq 'c'", 3),
        ("((city eq 'a' or city eq 'b') and state eq 'c') or city eq 'd'", 4),
        ("((city eq 'a' and state eq 'b') or city eq 'c') and (state eq 'd' or city eq 'e')", 4),
    ],
)
def test_a_plain_filter_has_at_most_three_levels_and_an_advanced_one_any_number(text: str, height: int) -> None:
    lists(text, FINANCE, advanced=True)
    lists(text, FINANCE, advanced=False, highest_filter=None)
    if height <= 3:
        lists(text, FINANCE, advanced=False)
        return
    with pytest.raises(GraphError, match=f"excessive height: {height}. Max allowed: 3"):
        lists(text, FINANCE, advanced=False)


@pytest.mark.parametrize("text", ["startsWith(jobTitle,'Con')", "employeeId in ('E1')", "not(jobTitle eq 'x')"])
def test_what_only_the_resource_page_lists_can_be_switched_off(text: str) -> None:
    lists(text, FINANCE, page_only_filters=True)
    with pytest.raises(GraphError):
        lists(text, FINANCE, page_only_filters=False)


def test_groups_have_properties_of_their_own() -> None:
    found = read_filter("displayName eq 'treasury'", GROUP, advanced=False, switches=Switches())
    assert found.matches({"displayName": "Treasury"})
    with pytest.raises(GraphError, match=r"'department' on type 'microsoft\.graph\.group'"):
        read_filter("department eq 'x'", GROUP, advanced=True, switches=Switches())
    with pytest.raises(GraphError) as not_built:
        read_filter("groupTypes/all(c:c eq 'Unified')", GROUP, advanced=False, switches=Switches())
    assert not_built.value.status == 501


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("proxyAddresses/any(p:p eq 'SMTP:ANNA@x')", True),
        ("proxyAddresses/any(p:p eq 'anna@x')", False),
        ("otherMails/any(o:startsWith(o,'anna'))", True),
        ("department eq 'Finance' and otherMails/any(o:o eq 'b@y')", False),
    ],
)
def test_lists_of_texts_are_asked_by_any(text: str, listed: bool) -> None:
    person = {**FINANCE, "proxyAddresses": ["smtp:anna@x"], "otherMails": ["anna@home"]}
    assert lists(text, person, advanced=True) is listed
    assert not lists(text, {**FINANCE, "proxyAddresses": [], "otherMails": None}, advanced=True)


@pytest.mark.parametrize(
    "text",
    [
        "otherMails eq 'a'",
        "department/any(d:d eq 'a')",
        "otherMails/any(o:o ne 'a')",
        "otherMails/any(o:p eq 'a')",
        "proxyAddresses/any(p:endsWith(p,'a'))",
    ],
)
def test_other_questions_about_lists_of_texts_are_refused(text: str) -> None:
    with pytest.raises(GraphError):
        lists(text, FINANCE, advanced=False)
