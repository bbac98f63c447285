"""What a rule's `who` means, what it refuses, and what it asks of Graph."""

from urllib.parse import quote

import pytest

from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.filter_push_down import EVERYBODY, LONGEST_FILTER, push_down
from shared.domain.policy.filter_text import FilterError, parse_filter, read_filter
from shared.domain.policy.filter_tree import OneOf

FINANCE = "department eq 'Finance'"


def exactly(text: str) -> tuple[tuple[str, ...], ...]:
    """What Graph is asked for a filter, without those who just miss a text."""
    return push_down(read_filter(text))


def person(**attributes: str) -> Person:
    known: dict[str, str | None] = dict.fromkeys(TEXT_ATTRIBUTES)
    return Person("7c0f5a0e-0000-4000-8000-000000000001", True, "Member", None, None, known | attributes)


@pytest.mark.parametrize(
    ("text", "attributes", "truth"),
    [
        (FINANCE, {"department": "Finance"}, True),
        (FINANCE, {"department": "fINANCE"}, True),
        (FINANCE, {"department": "Legal"}, False),
        (FINANCE, {"department": "Finances"}, False),
        (FINANCE, {}, None),
        ("department ne 'Finance'", {"department": "Legal"}, True),
        ("department ne 'Finance'", {"department": "FINANCE"}, False),
        ("department ne 'Finance'", {}, None),
        ("not (department eq 'Finance')", {"department": "Legal"}, True),
        ("not (department eq 'Finance')", {}, None),
        ("not(department eq 'Finance')", {"department": "Legal"}, True),
        ("not not (department eq 'Finance')", {"department": "Finance"}, True),
        ("department in ('Legal','Finance')", {"department": "finance"}, True),
        ("department in ( 'Finance' )", {"department": "Finance"}, True),
        ("department in ('Finance')", {"department": "Legal"}, False),
        ("department in ('Finance')", {}, None),
        ("startsWith(department,'Fin')", {"department": "finance"}, True),
        ("startswith( department , 'Fin' )", {"department": "Legal"}, False),
        ("startsWith(department,'Fin')", {}, None),
        ("not startsWith(department,'Fin')", {"department": "Legal"}, True),
        ("department eq 'O''Neill & Sons'", {"department": "o'neill & sons"}, True),
        ("department eq 'a' and city eq 'b'", {"department": "a", "city": "b"}, True),
        ("department eq 'a' and city eq 'b'", {"department": "x"}, False),
        ("department eq 'a' and city eq 'b'", {"department": "a"}, None),
        ("department eq 'a' or city eq 'b'", {"city": "b"}, True),
        ("department eq 'a' or city eq 'b'", {"city": "x"}, None),
        ("department eq 'a' or city eq 'b'", {"city": "x", "department": "x"}, False),
        ("department eq 'a' or city eq 'b' and state eq 'c'", {"department": "a", "city": "x"}, True),
        ("(department eq 'a' or city eq 'b') and state eq 'c'", {"department": "a", "state": "x"}, False),
        (
            "onPremisesExtensionAttributes/extensionAttribute7 eq 'x'",
            {"onPremisesExtensionAttributes/extensionAttribute7": "X"},
            True,
        ),
        ("  department EQ 'Finance'\n", {"department": "Finance"}, True),
        ("NOT (department eq 'a') AND city eq 'b'", {"department": "x", "city": "b"}, True),
    ],
)
def test_a_filter_judges_in_three_values(text: str, attributes: dict[str, str], truth: bool | None) -> None:
    assert parse_filter(text).judge(person(**attributes)) is truth


@pytest.mark.parametrize(
    ("written", "value", "equal"),
    [
        ("Économie", "éCONOMIE", True),
        ("ΔΕΛΤΑ", "δελτα", True),
        ("Straße", "Strasse", False),
        ("Kontrolle", "\u212aontrolle", False),  # a Kelvin sign
        ("I", "\u0131", False),  # a dotless i
    ],
)
def test_case_is_ignored_only_where_every_comparison_agrees(written: str, value: str, equal: bool) -> None:
    assert parse_filter(f"department eq '{written}'").judge(person(department=value)) is equal


def test_words_of_the_language_inside_a_text_are_text() -> None:
    text = "startsWith(x) in (''a'') or not(b) eq null"
    meant = parse_filter(f"department eq '{text}'")
    assert meant.judge(person(department=text.replace("''", "'"))) is True
    assert exactly(meant.text)[0] == (f"department eq '{text}'",)


@pytest.mark.parametrize(
    ("text", "odata"),
    [
        (FINANCE, FINANCE),
        ("department in ('A')", "department eq 'A'"),
        ("department in ('A','B')", "department in ('A','B')"),
        ("employeeId in ('1','2')", "employeeId eq '1' or employeeId eq '2'"),
        ("startswith(department,'A''b')", "startsWith(department,'A''b')"),
        ("startsWith(jobTitle,'A')", "jobTitle ne null"),
        ("department ne 'A'", "department ne null"),
        ("not (department eq 'A' or city eq 'B')", "department ne null and city ne null"),
        (
            "not (department eq 'A' and not (city eq 'B'))",
            "department ne null or city eq 'B'",
        ),
        ("employeeType ne 'A'", EVERYBODY),
        ("department eq 'A' and employeeType ne 'B'", "department eq 'A'"),
        ("city eq 'A' and (mail ne 'B' or state eq 'C')", "city eq 'A'"),
        ("mail ne 'B' and employeeType ne 'C'", EVERYBODY),
        ("mail ne 'B' or state eq 'C'", EVERYBODY),
        ("not (mail in ('a@x','b@x'))", EVERYBODY),
        ("not startsWith(userPrincipalName,'a')", EVERYBODY),
        ("(department eq 'A' or city eq 'B') and state eq 'C'", "(department eq 'A' or city eq 'B') and state eq 'C'"),
        ("department eq 'é'", "department in ('é','É')"),
        ("startsWith(city,'é')", "startsWith(city,'é') or startsWith(city,'É')"),
        ("department eq 'éèêëà'", "department ne null"),
        ("employeeType eq 'éèêëà'", EVERYBODY),
    ],
)
def test_what_graph_is_asked(text: str, odata: str) -> None:
    assert exactly(text)[0] == (odata,)


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("Department eq 'a'", 1, "did you mean 'department'?"),
        ("extensionAttribute3 eq 'a'", 1, "did you mean 'onPremisesExtensionAttributes/extensionAttribute3'?"),
        ("shoeSize eq 'a'", 1, "allowed are department, jobTitle"),
        ("  city eq 'a' and Departmnt eq 'b'", 19, "did you mean 'department'?"),
        ("department equals 'a'", 12, "'equals' is no operator"),
        ("department nee 'a'", 12, "did you mean 'ne'?"),
        ("department gt 'a'", 12, "'gt' is not supported; allowed are eq, ne, in"),
        ("department eq null", 15, "unknown and never grants"),
        ("department ne null", 15, "unknown and never grants"),
        ("department eq ''", 15, "empty text"),
        ("startsWith(department,' ')", 23, "empty text"),
        ("department eq 5", 15, "'5' is not a text"),
        ("accountEnabled eq true", 19, "'true' is not a text"),
        ('department eq "a"', 15, "single quotes"),
        ("department eq 'O'Neill'", 23, "a quote inside is doubled"),
        ("department eq 'a", 15, "single quotes"),
        ("endsWith(mail,'a')", 1, "the function 'endsWith' is not supported"),
        ("contains(mail,'a')", 1, "allowed are"),
        ("startsWith(department)", 22, "an attribute and a text"),
        ("startsWith('a',department)", 1, "an attribute and a text"),
        ("startsWith(onPremisesExtensionAttributes/extensionAttribute1,'a')", 1, "Graph has no startsWith"),
        ("department in ()", 16, "does not fit"),
        ("department in ('a',)", 20, "last comma"),
        ("department in 'a'", 15, "does not fit"),
        ("department in (city,'a')", 16, "texts only"),
        ("department eq ('a','b')", 12, "one text"),
        ("department eq city", 12, "not with another attribute"),
        ("'a' eq department", 5, "on the left"),
        ("department", 1, "no test"),
        ("department eq 'a' and 'b'", 23, "no test"),
        ("not department eq 'a'", 1, "in parentheses"),
        ("city eq 'a' and not department in ('a') eq 'b'", 17, "in parentheses"),
        ("department eq 'a' and(city eq 'b')", 19, "needs a space"),
        ("department eq 'a' or", 19, "the filter ends after 'or'; a test is missing"),
        ("department eq 'a' and ", 19, "the filter ends after 'and'; a test is missing"),
        ("department eq 'a' and not", 23, "the filter ends after 'not'; a test is missing"),
        ("not", 1, "the filter ends after 'not'; a test is missing"),
        ("(department eq 'a' and) or city eq 'b'", 20, "the parenthesis ends after 'and'; a test is missing"),
        ("department eq", 12, "the filter ends after 'eq'; a text is missing"),
        ("(department eq 'a'", 19, "ends too early"),
        ("department eq 'a')", 18, "does not fit"),
        ("tags/any(t:t eq 'a')", 6, "not supported"),
    ],
)
def test_what_lies_outside_the_language_is_refused_where_it_stands(text: str, position: int, says: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse_filter(text)
    assert says in str(refused.value)
    assert refused.value.position == position


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + FINANCE + ")" * 500,
        "not " * 500 + f"({FINANCE})",
        "not(" * 500 + FINANCE + ")" * 500,
        "(" * 3000,
        "not " * 900,
    ],
)
def test_deep_nesting_is_an_error_like_others(text: str) -> None:
    with pytest.raises(FilterError):
        parse_filter(text)


def as_sent(odata: str) -> int:
    return len(quote(odata, safe=""))


def test_fifty_titles_are_asked_for_in_requests_that_fit_each_title_once() -> None:
    titles = [f"Accounts Receivable Specialist {number}" for number in range(50)]
    asked = exactly(f"jobTitle in ({','.join(f"'{title}'" for title in titles)})")[0]
    assert len(asked) == 2
    assert max(map(as_sent, asked)) <= LONGEST_FILTER
    assert [sum(f"'{title}'" in each for each in asked) for title in titles] == [1] * 50


def test_what_a_long_list_is_joined_with_stands_in_each_of_its_requests() -> None:
    titles = ",".join(f"'Accounts Receivable Specialist {number}'" for number in range(50))
    asked = exactly(f"jobTitle in ({titles}) and country eq 'NL' and (city eq 'A' or city eq 'B')")[0]
    assert len(asked) > 1
    assert all(each.startswith("country eq 'NL' and (city eq 'A' or city eq 'B') and jobTitle in (") for each in asked)
    assert max(map(as_sent, asked)) <= LONGEST_FILTER


def test_a_long_or_is_asked_for_in_parts_and_a_part_is_never_said_twice() -> None:
    text = " or ".join(f"(city eq '{number:020}' and state eq '{number:03}')" for number in range(50))
    asked = exactly(text)[0]
    assert len(asked) > 1
    assert max(map(as_sent, asked)) <= LONGEST_FILTER
    assert sum(each.count("city eq") for each in asked) == 50


@pytest.mark.parametrize(("attribute", "asked"), [("jobTitle", ("jobTitle ne null",)), ("employeeType", (EVERYBODY,))])
def test_a_text_too_long_for_any_request_asks_for_everybody_who_has_one(attribute: str, asked: tuple[str]) -> None:
    assert exactly(f"{attribute} eq '{'a' * 1500}'")[0] == asked
    assert exactly(f"city eq 'A' and {attribute} eq '{'Ω' * 250}'")[0][0].startswith("city eq 'A'")


def test_what_would_take_too_many_requests_asks_for_the_known() -> None:
    texts = ",".join(f"'éèêë{number:02}'" for number in range(45))  # sixteen spellings each
    assert exactly(f"city in ({texts}) or department eq 'A'")[0] == ("city ne null or department ne null",)


def test_a_filter_has_ever_wider_forms_and_the_last_asks_for_everybody() -> None:
    assert exactly("department in ('A','B') and mail eq 'c@x'") == (
        ("department in ('A','B') and mail eq 'c@x'",),
        ("department ne null",),
        (EVERYBODY,),
    )


def test_a_filter_too_long_for_a_url_is_refused() -> None:
    with pytest.raises(FilterError, match="at most 4000 fit"):
        parse_filter(" or ".join([FINANCE] * 200))


def test_a_long_run_of_or_is_no_nesting() -> None:
    meant = parse_filter(" or ".join(f"city eq '{n}'" for n in range(200)))
    assert meant.judge(person(city="199")) is True


@pytest.mark.parametrize("attribute", TEXT_ATTRIBUTES)
def test_every_attribute_can_be_compared(attribute: str) -> None:
    meant = parse_filter(f"{attribute} eq 'a' or {attribute} ne 'b'")
    assert meant.attributes == {attribute}
    assert meant.judge(person(**{attribute: "A"})) is True


def test_the_meaning_does_not_depend_on_spaces_and_case() -> None:
    one = parse_filter("department in ('B', 'a') and not (city ne 'C')")
    other = parse_filter("department  in  ('A','b')  AND  not(city ne 'c')")
    assert one.meaning == other.meaning
    assert one.meaning != parse_filter("department in ('B','a') and city ne 'C'").meaning


def test_the_texts_that_a_filter_asks_for_are_known() -> None:
    meant = parse_filter("companyName in ('A','B') and not (companyName eq 'C' or not (companyName eq 'D'))")
    assert [test.texts for test in meant.asked if isinstance(test, OneOf)] == [("A", "B"), ("D",)]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("department eq 'Finance'", "department in ('Finance','Finance ',' Finance')"),
        (
            "jobTitle eq 'Co-op Clerk'",
            (
                "jobTitle in ('Co-op Clerk','Co-op Clerk ',' Co-op Clerk','Co-op\u00a0Clerk','Co-op  Clerk',"
                "'Co\u2013op Clerk')"
            ),
        ),
        ("not (department ne 'A')", "department in ('A','A ',' A')"),
        ("mail eq 'a@b.example' and startsWith(city,'A')", "mail eq 'a@b.example' and startsWith(city,'A')"),
        ("city ne 'A'", "city ne null"),
    ],
)
def test_whoever_just_misses_a_text_is_listed_as_well_and_given_nothing(text: str, asked: str) -> None:
    meant = parse_filter(text)
    assert meant.requests[0] == (asked,)
    assert exactly(text)[0] in meant.requests
    assert meant.judge(person(department="Finance ")) is not True


def test_who_just_misses_a_text_is_not_listed_where_that_would_cost_a_request_more() -> None:
    titles = ",".join(f"'Clerk of the {number}th floor'" for number in range(20))
    meant = parse_filter(f"jobTitle in ({titles})")
    assert meant.requests == exactly(meant.text)
