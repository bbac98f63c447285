"""docs/reference/policy.md is true: its examples load, give what they say, and fail as they say."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.domain.access.decide import decide
from shared.domain.access.employment import standing
from shared.domain.access.examples import described, judge_examples
from shared.domain.access.rules import addresses
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import DEFAULT_DAILY_LIMITS
from shared.domain.policy.schema import allowed_keys
from shared.errors import Misconfigured

PAGE = (Path(__file__).parents[5] / "docs" / "reference" / "policy.md").read_text("utf-8")
NOW = datetime(2026, 7, 15, tzinfo=UTC)

type Table = list[dict[str, str]]


def tables(text: str, first_column: str) -> list[Table]:
    """Every table of the page whose first column is called that, one mapping a row."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
        if head[0] == first_column:
            found.append([dict(zip(head, row, strict=True)) for row in rows])
    return found


def pairs(cell: str) -> dict[str, str]:
    return dict(part.split("=") for part in cell.split(", ")) if cell else {}


GROUPS = dict(re.findall(r"`(\w+)` is the group ([0-9a-f-]{36})", PAGE))
PEOPLE = {
    row["person"].removesuffix(" (guest)"): Person(
        f"00000000-0000-4000-8000-{number:012}",
        True,
        "Guest" if row["person"].endswith("(guest)") else "Member",
        None,
        None,
        dict.fromkeys(TEXT_ATTRIBUTES) | pairs(row["attributes"]),
        frozenset(GROUPS[name] for name in row["groups"].split()),
    )
    for number, row in enumerate(next(table for table in tables(PAGE, "person") if "groups" in table[0]))
}
PROFILES = tuple(
    BillingProfile(ProfileKey(row["account"], row["profile"]), row["name"], "Active", False, pairs(row["tags"]))
    for row in tables(PAGE, "profile")[0]
)
ACCOUNTS = tuple(
    BillingAccount(name, name, "MicrosoftCustomerAgreement", "Active")
    for name in sorted({profile.key.account for profile in PROFILES})
)
BLOCK = r"((?:(?!```).*\n)*)```\n"
EXAMPLES: list[str] = re.findall(rf"^```yaml\n{BLOCK}", PAGE, re.MULTILINE)
TOLD: list[tuple[str, str]] = re.findall(rf"^```yaml\n{BLOCK}\n((?:^\|.*\|\n)+)", PAGE, re.MULTILINE)
WRONG: list[tuple[str, str]] = re.findall(rf"^```yaml wrong\n{BLOCK}\n```text\n{BLOCK}", PAGE, re.MULTILINE)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_loads(text: str) -> None:
    assert load_policy(text).rules


@pytest.mark.parametrize(("text", "outcome"), TOLD)
def test_every_example_gives_what_its_table_says(text: str, outcome: str) -> None:
    policy = load_policy(text)
    whose = addresses(policy, PEOPLE.values(), NOW)
    catalogue = Catalogue(NOW, ACCOUNTS, PROFILES, addresses=whose)
    given = {
        name: {grant.profile.profile for grant in decide(person, policy, catalogue, (), NOW).grants}
        for name, person in PEOPLE.items()
    }
    said = {row["person"]: {name for name in row["gets"].split(", ") if name} for row in tables(outcome, "person")[0]}
    assert given == said


def test_the_page_has_its_examples() -> None:
    assert (len(EXAMPLES), len(TOLD), len(WRONG)) == (8, 6, 1)


def test_the_examples_of_the_page_s_own_policies_hold() -> None:
    policies = [load_policy(text) for text in EXAMPLES]
    judged = [one for policy in policies for one in judge_examples(policy, described(policy))]
    assert [one.example.name for one in judged if one.holds] == [
        "a Controller of Contoso UK",
        "a guest who is a Controller",
    ]


def test_mistakes_are_reported_as_the_page_shows_them() -> None:
    text, said = WRONG[0]
    with pytest.raises(Misconfigured) as wrong:
        load_policy(text)
    assert str(wrong.value) == said.rstrip("\n")


def test_the_last_day_ends_when_the_page_says() -> None:
    (rows,) = tables(PAGE, "the last day, 31 July 2026, is stored as")
    for row in rows:
        elsewhere = f", date_zones: [{row['`date_zones`']}]" if row["`date_zones`"] else ""
        text = f"version: 1\nrules: []\nemployment: {{ time_zone: {row['`time_zone`']}{elsewhere} }}"
        leaver = replace(PEOPLE["Anna"], leave_date=datetime.fromisoformat(next(iter(row.values()))))
        found = standing(leaver, load_policy(text), NOW)
        assert found.next_change == datetime.fromisoformat(row["access ends"]), row


def test_the_page_names_every_key_and_attribute() -> None:
    in_the_file = {row["key"].strip("`") for row in tables(PAGE, "key")[0]}
    nested = {"email_invoicing", "employment", "daily_limits", "decisions", "tests"}
    expected = set(allowed_keys(())) - nested | {f"{key}.{inner}" for key in nested for inner in allowed_keys((key,))}
    assert in_the_file == expected
    assert [row["key of a rule"].strip("`") for row in tables(PAGE, "key of a rule")[0]] == [
        "name", "who", "member_of", "profiles", "guests",
    ]  # fmt: skip
    assert [row["key of a named grant"].strip("`") for row in tables(PAGE, "key of a named grant")[0]] == list(
        allowed_keys(("grants", 0))
    )
    assert [row["key of a selector"].strip("`") for row in tables(PAGE, "key of a selector")[0]] == list(
        allowed_keys(("enforce", 0))
    )
    assert [row["key of an example"].strip("`") for row in tables(PAGE, "key of an example")[0]] == list(
        allowed_keys(("tests", "examples", 0))
    )
    assert all(f"`{name}`" in PAGE for name in TEXT_ATTRIBUTES if "/" not in name)


def test_the_page_tells_the_default_daily_limits() -> None:
    said = {row["key"].strip("`"): row["if left out"] for row in tables(PAGE, "key")[0]}
    for name, daily_limit in DEFAULT_DAILY_LIMITS.items():
        assert said[f"daily_limits.{name}"] == f"{daily_limit.floor}/{daily_limit.count}/{daily_limit.percent} %"
