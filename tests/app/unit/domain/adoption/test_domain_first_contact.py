"""What an existing assignment is, on both axes, and what would follow if it were managed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.access.ownership import AdoptedRow, Intent, ManagedAssignment, prove
from shared.domain.adoption.consequences import Adoption, Choice, Consequence, Why, chosen_of, consequences, refusal
from shared.domain.adoption.first_contact import (
    Existing,
    IsGroup,
    NotRead,
    Owner,
    PrincipalKind,
    PrincipalRead,
    classify,
    quick_counts,
    table,
)
from shared.domain.billing import INVOICE_MANAGER, Assignment, BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, AbsentPerson, DeletedPerson, Person
from shared.domain.policy.filter_text import parse_filter
from shared.domain.policy.model import Policy, Rule, Selector
from shared.domain.reasons import Code
from shared.wording.say import say

ID = "7c0f5a0e-0000-4000-8000-000000000001"
US = "bbbbbbbb-0000-4000-8000-000000000001"
SOMEBODY = "cccccccc-0000-4000-8000-000000000001"
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
MADE = datetime(2025, 1, 1, tzinfo=UTC)
ONE, TWO = ProfileKey("mca", "P1"), ProfileKey("mca", "P2")
POLICY = Policy((Rule("finance", (Selector(name="One"),), parse_filter("department eq 'Finance'")),), digest="d1")
CATALOGUE = Catalogue(
    NOW,
    (BillingAccount("mca", "Contoso", "MicrosoftCustomerAgreement", "Active"),),
    (BillingProfile(ONE, "One", "Active", False), BillingProfile(TWO, "Two", "Active", False)),
    policy_digest="d1",
    unknown_rules={},
)
PERSON = Person(
    ID,
    True,
    "Member",
    None,
    None,
    dict.fromkeys(TEXT_ATTRIBUTES) | {"department": "Finance", "userPrincipalName": "anna@contoso.example"},
)
GUEST = replace(PERSON, user_type="Guest")
BY_UPN = replace(PERSON, user_type=None, attributes={**PERSON.attributes, "userPrincipalName": "a_x#EXT#@c.example"})
SALES = replace(PERSON, attributes={**PERSON.attributes, "department": "Sales"})
ENFORCED = frozenset({ONE, TWO})


def row(profile: ProfileKey = ONE, kind: str | None = "User", by: str | None = SOMEBODY) -> Assignment:
    return Assignment(profile, f"{INVOICE_MANAGER}_{ID}", INVOICE_MANAGER, ID, kind, by, MADE)


DOWN = Code.DIRECTORY_NOT_READ(said="the directory is down")


def existing(
    read: PrincipalRead = PERSON,
    of: Assignment | None = None,
    *,
    policy: Policy = POLICY,
    catalogue: Catalogue = CATALOGUE,
    adopted: AdoptedRow | None = None,
) -> Existing:
    held = prove(of or row(), identities={US}, adopted=adopted)
    return classify(held, read, policy=policy, catalogue=catalogue, profile_name="One", now=NOW)


def follows(
    one: Existing,
    *,
    policy: Policy = POLICY,
    catalogue: Catalogue = CATALOGUE,
    enforced: frozenset[ProfileKey] = ENFORCED,
) -> Adoption:
    (found,) = consequences([(one, Why.CHOSEN)], policy=policy, catalogue=catalogue, enforced=enforced, now=NOW)
    return found


# -- the principal


@pytest.mark.parametrize("by", [US, SOMEBODY, None])
@pytest.mark.parametrize(
    ("read", "billing_says", "kind"),
    [
        (PERSON, "User", PrincipalKind.PERSON),
        (PERSON, None, PrincipalKind.PERSON),
        (PERSON, "Unknown", PrincipalKind.PERSON),
        (GUEST, "User", PrincipalKind.GUEST),
        (BY_UPN, "User", PrincipalKind.GUEST),
        (None, "Group", PrincipalKind.GROUP),
        (None, "DirectoryRole", PrincipalKind.GROUP),
        (None, "Everyone", PrincipalKind.GROUP),
        (IsGroup(), "Unknown", PrincipalKind.GROUP),
        (None, "ServicePrincipal", PrincipalKind.APP),
        (DeletedPerson(ID), "User", PrincipalKind.GONE),
        (DeletedPerson(ID), "Unknown", PrincipalKind.GONE),
        (AbsentPerson(ID), "User", PrincipalKind.GONE),
        (AbsentPerson(ID), None, PrincipalKind.UNKNOWN),
        (AbsentPerson(ID), "Unknown", PrincipalKind.UNKNOWN),
        (NotRead(DOWN), "User", PrincipalKind.UNKNOWN),
        (None, "User", PrincipalKind.UNKNOWN),
    ],
)
def test_every_cell_of_the_table(
    read: PrincipalRead, billing_says: str | None, kind: PrincipalKind, by: str | None
) -> None:
    one = existing(read, row(kind=billing_says, by=by))
    owner = Owner.MANAGED if by == US else Owner.UNMANAGED
    assert (one.owner, one.principal) == (owner, kind)
    counted = table([one])
    assert counted[owner][kind] == 1
    assert sum(sum(kinds.values()) for kinds in counted.values()) == 1
    assert {*counted} == {*Owner}
    assert all({*kinds} == {*PrincipalKind} for kinds in counted.values())


def test_a_failed_read_is_never_an_absence_and_says_why() -> None:
    one = existing(NotRead(DOWN))
    assert (one.principal, one.principal_why, one.standing) == (PrincipalKind.UNKNOWN, DOWN, None)
    assert not one.is_leaver


def test_of_whom_billing_does_not_say_that_it_is_a_person_absence_proves_nothing() -> None:
    one = existing(AbsentPerson(ID), row(kind="Unknown"))
    assert "no person, group or deleted person has this id" in say(one.principal_why)
    assert refusal(one) is not None


# -- the flags


def test_who_is_employed_shows_the_rules_that_give_it() -> None:
    assert existing().given_by == ("finance",)
    assert existing(of=row(TWO)).given_by == ()
    assert existing(SALES).given_by == ()
    assert existing(replace(PERSON, account_enabled=False)).given_by == ()
    assert existing(GUEST).given_by == ()


def test_protection_is_a_flag_of_its_own() -> None:
    one = existing(policy=replace(POLICY, protected=frozenset({ID})))
    assert (one.protected, one.given_by) == (True, ("finance",))
    assert not existing().protected


def test_the_name_of_a_person_is_shown_nowhere_but_where_it_is_asked_for() -> None:
    assert existing().called == "anna@contoso.example"
    assert "anna" not in repr(existing())


def test_the_owners_reason_says_what_it_rests_on() -> None:
    assert existing(of=row(by=US)).owner_why == Code.MADE_BY_US(maker=US)
    assert existing().owner_why == Code.MADE_BY(maker=SOMEBODY)
    adopted = existing(adopted=AdoptedRow.of(row()))
    assert (adopted.owner, adopted.owner_why) == (Owner.MANAGED, Code.ADOPTED(maker=SOMEBODY))
    intended = prove(row(by=None), identities={US}, intent=Intent(MADE, found_nothing=True))
    one = classify(intended, PERSON, policy=POLICY, catalogue=CATALOGUE, profile_name="One", now=NOW)
    assert "an intent of ours explains it" in say(one.owner_why)


def test_quick_counts_are_by_owner_and_billings_own_word() -> None:
    rows = [row(), row(by=US), row(kind="Group"), row(kind=None)]
    assert quick_counts(prove(one, identities={US}) for one in rows) == {
        "managed": {"User": 1},
        "unmanaged": {"Group": 1, "None": 1, "User": 1},
    }
    assert quick_counts([]) == {"managed": {}, "unmanaged": {}}


# -- the very row


@pytest.mark.parametrize(
    "other",
    [
        {"created_on": MADE + timedelta(seconds=1)},
        {"created_by": "dddddddd-0000-4000-8000-000000000001"},
        {"created_by": None},
        {"profile": TWO},
        {"name": "another"},
        {"created_on": None},
    ],
)
def test_an_adoption_proves_the_very_row_and_no_other(other: dict[str, object]) -> None:
    adopted = AdoptedRow.of(row())
    assert isinstance(prove(row(), identities={US}, adopted=adopted), ManagedAssignment)
    assert not isinstance(prove(replace(row(), **other), identities={US}, adopted=adopted), ManagedAssignment)  # type: ignore[arg-type] # fields by name


def test_what_does_not_say_when_it_was_made_is_never_the_adopted_one() -> None:
    dateless = replace(row(), created_on=None)
    assert AdoptedRow.of(dateless) is None
    assert not isinstance(prove(dateless, identities={US}, adopted=AdoptedRow.of(dateless)), ManagedAssignment)
    assert refusal(existing(of=dateless)) == Code.HAS_NO_TIME()


# -- what would follow


def test_what_a_rule_gives_stays_for_as_long_as_one_does() -> None:
    found = follows(existing())
    assert (found.consequence, found.rules) == (Consequence.STAYS, ("finance",))
    assert say(found.text) == "stays: given by rule finance, and taken away when they move or leave"


@pytest.mark.parametrize(
    ("read", "of", "text"),
    [
        (SALES, row(), "would be revoked when a second check finds the same: no rule gives it"),
        (
            replace(PERSON, account_enabled=False),
            row(),
            "would be revoked at once: a leaver (strong evidence): the account is disabled",
        ),
        (
            DeletedPerson(ID),
            row(),
            "would be revoked at once: a leaver (strong evidence): the directory keeps them as deleted",
        ),
        (
            AbsentPerson(ID),
            row(),
            (
                "would be revoked when a second check finds the same: a leaver (weak evidence): "
                "neither the directory nor its deleted items know them"
            ),
        ),
        (
            replace(PERSON, leave_date=NOW - timedelta(days=31)),
            row(),
            (
                "would be revoked once a person releases it: a leaver (strong evidence): "
                "the leave date is past (2026-06-14 12:00 UTC)"
            ),
        ),
        (
            replace(
                PERSON, account_enabled=None, hire_date=NOW + timedelta(days=9, hours=1), attributes=SALES.attributes
            ),
            row(),
            "would be revoked when a second check finds the same: no rule gives it",
        ),
        (
            replace(PERSON, account_enabled=False, hire_date=NOW + timedelta(days=9, hours=1)),
            row(),
            (
                "would be revoked when a second check finds the same: yet to begin: "
                "the account is disabled until the hire date (2026-07-24 13:00 UTC)"
            ),
        ),
    ],
)
def test_what_nothing_gives_would_be_revoked(read: PrincipalRead, of: Assignment, text: str) -> None:
    found = follows(existing(read, of))
    assert (found.consequence, say(found.text)) == (Consequence.REVOKED, text)


def test_who_works_before_their_hire_date_keeps_what_a_rule_gives() -> None:
    found = follows(existing(replace(PERSON, hire_date=NOW + timedelta(days=9))))
    assert (found.consequence, say(found.text).partition(",")[0]) == (Consequence.STAYS, "stays: given by rule finance")


def test_what_a_rule_that_is_not_known_may_give_is_spared() -> None:
    unsure = replace(CATALOGUE, unknown_rules={"finance": (Code.MATCHES_NOBODY(),)})
    found = follows(existing(SALES), catalogue=unsure)
    assert (found.consequence, say(found.text)) == (
        Consequence.SPARED,
        "stays for now: what rule finance gave stays: it matches nobody",
    )


def test_on_a_profile_that_is_only_observed_nothing_follows_yet() -> None:
    found = follows(existing(SALES), enforced=frozenset({TWO}))
    assert found.consequence is Consequence.REVOKED
    assert say(found.text).endswith("only observed, so that nothing is written before the policy enforces it")


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (existing(policy=replace(POLICY, protected=frozenset({ID}))), "protects this person"),
        (existing(of=row(by=US)), "managed already"),
        (existing(None, row(kind="Group")), "a group has it"),
        (existing(None, row(kind="ServicePrincipal")), "an app has it"),
        (existing(NotRead(DOWN)), "the directory is down"),
    ],
)
def test_what_can_not_be_adopted_is_refused_with_the_reason(one: Existing, text: str) -> None:
    found = follows(one)
    assert found.is_refused
    assert text in say(found.text)


# -- what a choice means


def test_the_bulk_choices_mean_what_can_be_adopted_and_nothing_else() -> None:
    gone, given, managed = existing(DeletedPerson(ID)), existing(), existing(of=row(by=US))
    assert chosen_of(gone, Choice(leavers=True)) is Why.LEAVER
    assert chosen_of(gone, Choice(given_by_rule=True)) is None
    assert chosen_of(given, Choice(given_by_rule=True)) is Why.GIVEN_BY_RULE
    assert chosen_of(given, Choice(leavers=True)) is None
    assert chosen_of(managed, Choice(given_by_rule=True, leavers=True)) is None
    assert chosen_of(existing(NotRead(DOWN)), Choice(given_by_rule=True, leavers=True)) is None
    assert chosen_of(existing(SALES), Choice(given_by_rule=True, leavers=True)) is None


def test_an_explicit_choice_means_that_assignment_also_where_it_will_be_refused() -> None:
    managed = existing(of=row(by=US))
    assert chosen_of(managed, Choice(pairs=((ProfileKey("MCA", "p1"), ID),))) is Why.CHOSEN
    assert chosen_of(managed, Choice(pairs=((TWO, ID),))) is None


def test_an_adopted_row_is_the_same_with_its_time_in_whole_seconds_or_a_fraction() -> None:
    made = datetime(2026, 3, 2, 10, 9, 20, 351_000, tzinfo=UTC)
    shown = replace(row(), created_on=made.replace(microsecond=0))
    live = replace(row(), created_on=made)
    assert isinstance(prove(live, identities={US}, adopted=AdoptedRow.of(shown)), ManagedAssignment)
    remade = replace(row(), created_on=made.replace(second=21))
    assert not isinstance(prove(remade, identities={US}, adopted=AdoptedRow.of(shown)), ManagedAssignment)
