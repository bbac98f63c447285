"""Named grants in policy.yaml: what one says, what is wrong with one, and whom it is asked for."""

from datetime import UTC, date, datetime

import pytest

from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.load import load_policy, rule_digests
from shared.domain.policy.model import Everything, NamedGrant, Selector
from shared.domain.policy.named_grants import owners, questions
from shared.errors import Misconfigured
from tests.app.policy_texts import LEAST, WHOLE

ID = "7c0f5a0e-0000-4000-8000-000000000001"


def granting(*lines: str, rest: str = "") -> str:
    return LEAST + rest + "grants:\n" + "".join(f"  - {{ {line} }}\n" for line in lines)


def mistakes(*lines: str) -> list[str]:
    with pytest.raises(Misconfigured) as wrong:
        load_policy(granting(*lines))
    return list(wrong.value.mistakes)


def someone(number: int, mail: str | None = None, upn: str | None = None) -> Person:
    attributes = dict.fromkeys(TEXT_ATTRIBUTES) | {"mail": mail, "userPrincipalName": upn}
    return Person(f"00000000-0000-4000-8000-{number:012}", True, "Member", None, None, attributes)


SAY_WHY = "say why, in a few words: a reviewer reads it, and so does whoever asks later"
NO_ADDRESS = "the name of a grant is recorded where no address may be; write another one, such as auditor"
AUDITOR = "name: auditor, person: Jane@Contoso.com, profiles: [{ name: Contoso France }], why: audit 2026"


def test_a_named_grant_is_a_rule_for_one_person_until_a_day_is_over() -> None:
    policy = load_policy(
        granting(f"{AUDITOR}, until: 2027-03-31, guests: true", rest="employment: { time_zone: Europe/Paris }\n")
    )
    (rule,) = policy.rules
    assert policy.grants == (rule,)
    assert (rule.name, rule.profiles, rule.guests) == ("grant:auditor", (Selector(name="Contoso France"),), True)
    end = datetime(2027, 3, 31, 22, tzinfo=UTC)  # summer time has begun
    assert rule.grant == NamedGrant("", "", "jane@contoso.com", date(2027, 3, 31), end)
    assert rule.grant.why == "audit 2026"
    assert [rule.is_over(now) for now in (end.replace(hour=21, minute=59), end)] == [False, True]


def test_one_of_an_object_id_has_no_filter_and_without_until_no_end() -> None:
    (rule,) = load_policy(granting(f"name: a, person: {ID.upper()}, profiles: all, why: b")).rules
    assert (rule.who, rule.member_of, rule.profiles) == (None, frozenset(), Everything.ALL)
    assert rule.grant == NamedGrant("", ID)
    assert not rule.is_over(datetime(9999, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("name: a, profiles: all, why: b", "grants[0].person: this key is missing; write an address or an object id"),
        ("name: a, person: a@b.c, profiles: all", f"grants[0].why: this key is missing; {SAY_WHY}"),
        (
            "name: a, person: a@b.c, profiles: all, why: ''",
            "grants[0].why: the text is empty; write one, or take the key out",
        ),
        (
            "name: a, person: a@b.c, profiles: all, why: ' '",
            "grants[0].why: ' ' is no name; write one without space around it",
        ),
        (
            "person: a@b.c, profiles: all, why: b",
            "grants[0].name: this key is missing; records and findings name the rule by it",
        ),
        (
            "name: jane@contoso.com, person: a@b.c, profiles: all, why: b",
            f"grants[0].name: {NO_ADDRESS}",
        ),
        (
            "name: a, person: jane at contoso, profiles: all, why: b",
            f"grants[0].person: this is neither an address nor an object id; write jane@contoso.com or {ID}",
        ),
        (
            "name: a, person: 'jane@contoso.com ', profiles: all, why: b",
            f"grants[0].person: this is neither an address nor an object id; write jane@contoso.com or {ID}",
        ),
        (
            "name: a, person: a@b.c, profiles: all, why: b, until: 31.03.2027",
            "grants[0].until: '31.03.2027' is not a day; write the last day, such as 2027-03-31",
        ),
        (
            "name: a, person: a@b.c, profiles: all, why: b, until: 2027-02-29",
            "grants[0].until: '2027-02-29' is not a day; write the last day, such as 2027-03-31",
        ),
        (
            "name: a, person: a@b.c, profiles: all, why: b, until: 2027-03-31T12:00:00Z",
            "grants[0].until: '2027-03-31T12:00:00Z' is not a day; write the last day, such as 2027-03-31",
        ),
        (
            "name: a, person: a@b.c, profiles: all, why: b, until: 9999-12-31",
            "grants[0].until: '9999-12-31' is no end; take until out where there is none",
        ),
        (
            "name: a, person: a@b.c, profiles: al, why: b",
            "grants[0].profiles: 'al' is neither a list nor a word known here; did you mean 'all'?",
        ),
        (
            "name: a, person: a@b.c, profiles: all, why: b, untill: 2027-03-31",
            "grants[0].untill: there is no such key; did you mean 'until'?",
        ),
    ],
)  # fmt: skip
def test_each_mistake_says_what_to_write(line: str, mistake: str) -> None:
    (found,) = mistakes(line)
    assert found.split(": ", 1)[1] == mistake


def test_two_grants_of_one_name_and_a_rule_that_is_called_like_one_are_mistakes() -> None:
    line = "name: {}, person: a@b.c, profiles: all, why: b"
    assert mistakes(line.format("a"), line.format("A")) == [
        "line 5, column 13: grants[1].name: another grant is called 'A', in line 4; names are unique"
    ]
    with pytest.raises(Misconfigured, match="'Grant:x' looks like a named grant"):
        load_policy("version: 1\nrules: [{ name: 'Grant:x', who: city eq 'Bonn', profiles: all }]")
    assert [rule.name for rule in load_policy(granting(line.format("a"))).rules] == ["grant:a"]


def test_a_mistake_repeats_no_address() -> None:
    text = " ".join(
        mistakes("name: jane@contoso.com, person: 'jane@contoso.com, bob@contoso.com', profiles: 5, why: 5")
    )
    assert "jane@contoso.com or" in text  # as an example alone
    assert "jo@" not in text
    assert "bob" not in text


def test_the_digest_knows_who_until_when_and_what_but_not_why() -> None:
    until = f"{AUDITOR}, until: 2027-03-31"
    same = load_policy(granting(until)).digest
    assert load_policy(granting(until.replace("audit 2026", "because").replace("Jane@C", "jane@c"))).digest == same
    others = [
        until.replace("2027-03-31", "2027-04-01"),
        until.replace("Jane@", "John@"),
        until.replace("Jane@Contoso.com", ID),
        until.replace("France", "Spain"),
        until.replace("auditor", "auditors"),
        AUDITOR,
    ]
    assert len({same, *(load_policy(granting(other)).digest for other in others)}) == 1 + len(others)


def test_the_digest_of_a_policy_without_grants_is_what_it_was() -> None:
    # Worked out by the build before there were grants: a stored baseline must not take them for a changed policy.
    assert load_policy(WHOLE).digest == "460561e8b8fc2f8a010ddb48e0ca92627bfec995f4bf77364d6fc1c2bd119bc3"
    assert rule_digests(load_policy(WHOLE)).keys() == {"finance-nl", "treasury"}
    assert load_policy(WHOLE + "grants: []\n").digest == load_policy(WHOLE).digest


def test_all_addresses_are_one_question_and_ids_are_asked_for_by_the_fifteen() -> None:
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(16)]
    people = ["a@b.c", "O'Neill@b.c", "A@b.c", *ids]
    policy = load_policy(
        granting(*(f'name: n{i}, person: "{one}", profiles: all, why: w' for i, one in enumerate(people)))
    )
    by_id, by_address = questions(policy.grants).items()
    assert by_address[0][0] == ("mail in ('a@b.c','o''neill@b.c') or userPrincipalName in ('a@b.c','o''neill@b.c')",)
    assert by_address[1] == ["grant:n0", "grant:n2", "grant:n1"]
    ((first, second),) = by_id[0]
    assert (first.count("', '"), second) == (14, f"id in ('{ids[15]}')")
    assert len(by_id[1]) == 16
    assert questions(()) == {}


def test_an_address_is_the_mail_or_the_user_principal_name_whatever_the_case() -> None:
    policy = load_policy(granting(AUDITOR, f"name: other, person: {someone(3).object_id}, profiles: all, why: b"))
    people = [
        someone(1, mail="JANE@contoso.com"),
        someone(2, upn="jane@contoso.com", mail="jane@contoso.com"),
        someone(3, mail="john@contoso.com"),
        someone(4, mail=" jane@contoso.com"),
    ]
    found = owners(policy.grants, people)
    assert {name: [one.object_id[-1] for one in of] for name, of in found.items()} == {
        "grant:auditor": ["1", "2"],
        "grant:other": ["3"],
    }
