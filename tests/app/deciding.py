"""How Hypothesis makes what a decision rests on: people, policies, catalogues, what somebody has. No test is here."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from shared.domain.access.ownership import Held, prove
from shared.domain.billing import INVOICE_MANAGER, Assignment, BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, AbsentPerson, DeletedPerson, Person, PersonRead
from shared.domain.policy.filter_text import parse_filter
from shared.domain.policy.model import Everything, Policy, Rule, Selection, Selector
from shared.domain.reasons import Code

ID: Final = "7c0f5a0e-0000-4000-8000-000000000001"
US: Final = "bbbbbbbb-0000-4000-8000-000000000001"
SOMEBODY: Final = "cccccccc-0000-4000-8000-000000000001"
GROUPS: Final = ("aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002")
NOW: Final = datetime(2026, 7, 15, 12, tzinfo=UTC)
COMPANIES: Final = ("Contoso", "Fabrikam", "*")
KEYS: Final = tuple(
    ProfileKey(account, f"P{number}") for account in ("mca", "mpa", "ea", "gone") for number in range(2)
)
STORY: Final = KEYS[:2]


def mostly[T](usual: st.SearchStrategy[T], rare: st.SearchStrategy[T]) -> st.SearchStrategy[T]:
    """Four times in five the usual: `|` would leave no room for what has to come together."""
    return st.integers(0, 4).flatmap(lambda chance: usual if chance else rare)


maybe_company = st.sampled_from([*COMPANIES, "Contoso", "Fabrikam", None])
some_date = st.integers(-60, 60).map(lambda days: NOW.replace(hour=0) + timedelta(days=days))
maybe_date = mostly(st.none(), some_date)
filters = st.sampled_from(
    [
        "startsWith(userPrincipalName,'x')",
        "startsWith(userPrincipalName,'x')",
        "department eq 'Finance'",
        "companyName eq 'Contoso'",
        "not (companyName eq 'Contoso')",
        "department ne 'Finance' or startsWith(companyName,'F')",
        "companyName in ('Fabrikam','*') and not (department eq 'Legal')",
    ]
).map(parse_filter)
selectors = st.sampled_from(
    [
        Selector(name="Contoso*"),
        Selector(name="{companyName}"),
        Selector(tags={"company": "{companyName}"}),
        Selector(account="mca"),
        Selector(profile="P1"),
        Selector(name="nobody"),
    ]
)
several = st.lists(selectors, min_size=1, max_size=3).map(tuple)
selections: st.SearchStrategy[Selection] = mostly(
    several, st.sampled_from([Everything.ALL, Everything.ALL, Everything.NONE])
)
no_groups: st.SearchStrategy[frozenset[str]] = st.just(frozenset())
some_groups = mostly(no_groups, st.frozensets(st.sampled_from(GROUPS)))


@st.composite
def rule_lists(draw: st.DrawFn) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            f"rule{number}",
            draw(selections),
            draw(mostly(filters, st.none())),
            draw(some_groups),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 4)))
    )


policies = st.builds(
    Policy,
    rules=rule_lists(),
    accounts=st.just(Everything.ALL) | st.just(frozenset({"mca"})),
    lead_days=st.sampled_from([0, 10]),
    time_zone=st.just(ZoneInfo("Europe/Amsterdam")),
    protected=mostly(st.just(frozenset()), st.just(frozenset({ID}))),
    digest=st.just("d1"),
)
persons = st.builds(
    Person,
    object_id=st.just(ID),
    account_enabled=mostly(st.just(True), st.sampled_from([False, None])),
    user_type=mostly(st.just("Member"), st.sampled_from(["Guest", None])),
    hire_date=maybe_date,
    leave_date=maybe_date,
    attributes=st.builds(
        lambda company, department: {
            **dict.fromkeys(TEXT_ATTRIBUTES),
            "userPrincipalName": "x@contoso.com",
            "companyName": company,
            "department": department,
        },
        maybe_company,
        st.sampled_from([None, "Finance", "Legal"]),
    ),
    groups=some_groups,
)
reads: st.SearchStrategy[PersonRead] = mostly(persons, st.sampled_from([DeletedPerson(ID), AbsentPerson(ID)]))
unknown = st.dictionaries(st.sampled_from(["rule0", "rule1", "rule2"]), st.just((Code.MATCHES_NOBODY(),)), max_size=2)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    agreements = {"mca": "MicrosoftCustomerAgreement", "mpa": "MicrosoftPartnerAgreement", "ea": "EnterpriseAgreement"}
    return Catalogue(
        NOW,
        tuple(BillingAccount(name, name, agreement, "Active") for name, agreement in agreements.items()),
        tuple(
            BillingProfile(
                key,
                draw(st.sampled_from([*COMPANIES, "Contoso Nederland"])),
                draw(st.sampled_from(["Active", "Active", "Disabled"])),
                None,
                {"company": draw(st.sampled_from(COMPANIES))},
            )
            for key in KEYS
            if key.account != "gone" and draw(st.integers(0, 5))
        ),
        {key: {ID: "Billing profile reader"} for key in draw(st.sets(st.sampled_from(KEYS), max_size=2))},
        draw(st.sampled_from(["d1", "d1", "d1", "d0"])),
        draw(st.sampled_from([{}, {}, None]) | unknown),
    )


@st.composite
def holdings(draw: st.DrawFn) -> tuple[Held, ...]:
    return tuple(
        held(
            key,
            draw(st.none() | st.frozensets(st.sampled_from(["rule0", "rule1", "old"]))),
            by=draw(st.sampled_from([US, SOMEBODY])),
        )
        for key in sorted(draw(st.sets(st.sampled_from(KEYS), min_size=1, max_size=5)))
    )


def held(key: ProfileKey, rules: frozenset[str] | None, *, by: str = US) -> Held:
    row = Assignment(key, f"{INVOICE_MANAGER}_{ID}", INVOICE_MANAGER, ID, "User", by)
    return prove(row, identities={US}, rules=rules)
