"""policy.yaml: what it says, and every mistake in it with its place."""

from itertools import pairwise

import pytest

from shared.domain.policy.example import Example, ExampleProfile, Whole
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import DailyLimit, Everything, Policy, Selector
from shared.errors import Misconfigured
from tests.app.policy_texts import LEAST, WHOLE

RULE = "version: 1\nrules:\n  - name: a\n    who: city eq 'Bonn'\n    profiles: all\n"


def mistakes(text: str) -> list[str]:
    with pytest.raises(Misconfigured) as wrong:
        load_policy(text)
    return list(wrong.value.mistakes)


EXAMPLE = LEAST.replace("{", "{{").replace("}", "}}") + "tests: {{examples: [{{name: a, {}}}]}}"
"""A policy with one example, of which the rest is filled in."""


def test_a_whole_policy_says_all_of_it() -> None:
    policy = load_policy(WHOLE)
    finance, treasury = policy.rules
    assert (finance.name, finance.guests, finance.member_of) == ("finance-nl", False, frozenset())
    assert finance.who is not None
    assert finance.who.attributes == {"department", "companyName"}
    assert finance.profiles == (Selector(name="Contoso*"), Selector(tags={"company": "{companyName}"}))
    assert (treasury.who, treasury.profiles, treasury.guests) == (None, Everything.ALL, True)
    assert policy.groups == {"7c0f5a0e-0000-4000-8000-000000000001"}
    assert policy.accounts == frozenset({"aaaa:1", "bbbb"})
    assert policy.enforce == (Selector(account="bbbb", tags={"stage": "prod"}),)
    assert (policy.opt_in, policy.min_recipients) == (Everything.ALL, 2)
    assert (policy.lead_days, policy.mover_grace_hours) == (3, 24)
    assert policy.time_zone.key == "Europe/Amsterdam"
    assert policy.protected == {"7c0f5a0e-0000-4000-8000-00000000000a"}
    assert policy.daily_limits == {
        "mover_revokes": DailyLimit(1, 2, 3),
        "leaver_revokes": DailyLimit(5, 50, 50),
        "grants": DailyLimit(4, 5, 6),
        "profile_updates": DailyLimit(5, 20, 20),
    }


def test_the_examples_of_a_policy_know_their_lines() -> None:
    text = (
        LEAST
        + """
tests:
  profiles:
    - { name: Contoso UK, account: "1111:a", profile: UK, tag: { company: UK } }
  examples:
    - name: a Controller
      person: { jobTitle: Controller, userType: Guest }
      member_of: [7C0F5A0E-0000-4000-8000-000000000001]
      gets: [Contoso UK]
    - { name: nobody, person: {}, gets: none, gets_not: [uk] }
"""
    )
    policy = load_policy(text)
    assert policy.tests.profiles == (ExampleProfile("Contoso UK", "1111:a", "UK", {"company": "UK"}),)
    assert policy.tests.examples == (
        Example(
            "a Controller",
            {"jobTitle": "Controller", "userType": "Guest"},
            frozenset({"7c0f5a0e-0000-4000-8000-000000000001"}),
            ("Contoso UK",),
            line=8,
        ),
        Example("nobody", {}, gets=Whole.NONE, gets_not=("uk",), line=12),
    )
    assert policy.digest == load_policy(LEAST).digest


def test_what_is_left_out_has_the_careful_default() -> None:
    policy = load_policy(LEAST)
    assert policy == Policy((), daily_limits=policy.daily_limits, digest=policy.digest)
    assert (policy.accounts, policy.enforce, policy.opt_in) == (Everything.ALL, Everything.NONE, Everything.NONE)


@pytest.mark.parametrize(
    ("text", "place", "mistake"),
    [
        ("", "1:1", "a policy is a mapping; begin with version: 1"),
        ("- a", "1:1", "a policy is a mapping; begin with version: 1"),
        ("version: 1", "1:1", "rules: this key is missing; write rules: [] where there are none"),
        ("rules: []", "1:1", "version: this key is missing; write version: 1"),
        ("version: 2\nrules: []", "1:10", "version: version 2 is not read here; write version: 1"),
        ("version: '1'\nrules: []", "1:10", "version: '1' is not a whole number; write one, without quotes"),
        ("version: true\nrules: []", "1:10", "version: true is not a whole number; write one, without quotes"),
        (LEAST + "protcted: []", "3:1", "protcted: there is no such key; did you mean 'protected'?"),
        (LEAST + "enforce: on", "3:10", "enforce: 'on' is neither a list nor a word known here; did you mean 'none'?"),
        (LEAST + "enforce: true", "3:10", "enforce: true is not a list; write all or none or a list"),
        (LEAST + "enforce: []", "3:10", "enforce: it is empty; write all or none, or something in it"),
        (
            LEAST + "enforce: [{}]",
            "3:11",
            "enforce[0]: an empty selector picks nothing; name something, or write all instead of the list",
        ),
        (LEAST + "enforce: [{name: ''}]", "3:18", "enforce[0].name: the text is empty; write one, or take the key out"),
        (LEAST + "enforce: [{tag: {}}]", "3:17", "enforce[0].tag: it is empty; take the key out"),
        (LEAST + "enforce: [{tag: {stage: 5}}]", "3:25", "enforce[0].tag.stage: 5 is not a text; put it in quotes"),
        (
            LEAST + "enforce: [{profile: 'A*'}]",
            "3:21",
            "enforce[0].profile: '*' is a wildcard in name only; write the whole text here, or use name",
        ),
        (
            LEAST + 'enforce: [{name: "a\\u200bb"}]',
            "3:18",
            r"enforce[0].name: 'a\u200bb' has characters that nobody can see; take them out",
        ),
        (RULE.replace("city eq 'Bonn'", "\"city eq '\\ud800'\""), "4:10", "rules[0].who: character 10: "),
        (LEAST + "accounts: none", "3:11", "accounts: 'none' is neither a list nor a word known here; allowed are all"),
        (LEAST + "accounts: [1234]", "3:12", "accounts[0]: 1234 is not a text; put it in quotes"),
        (
            LEAST + "protected: [x]",
            "3:13",
            "protected[0]: 'x' is not an object id; it looks like 7c0f5a0e-0000-4000-8000-000000000001",
        ),
        (LEAST + "protected:", "3:1", "protected: nothing is written here; give a value, or take it out"),
        (
            LEAST + "employment: 5",
            "3:13",
            "employment: 5 is not a mapping; write keys and values: lead_days, mover_grace_hours, time_zone",
        ),
        (
            LEAST + "employment: {lead_days: -1}",
            "3:25",
            "employment.lead_days: -1 is too little; at least 0 can stand here",
        ),
        (
            LEAST + "employment: {lead_days: 91}",
            "3:25",
            "employment.lead_days: 91 is too much; at most 90 can stand here",
        ),
        (
            LEAST + "employment: {time_zone: Europe/Amsterdm}",
            "3:25",
            "employment.time_zone: 'Europe/Amsterdm' is not a time zone; did you mean 'Europe/Amsterdam'?",
        ),
        (LEAST + "employment: {time_zone: 5}", "3:25", "employment.time_zone: 5 is not a text; put it in quotes"),
        (
            LEAST + "budgets: {grants: 1/2/10}",
            "3:1",
            "budgets: there is no such key; it is called daily_limits",
        ),
        (
            LEAST + "daily_limits: {grants: 1/2}",
            "3:24",
            "daily_limits.grants: '1/2' is not a daily limit; write floor/count/percent, such as 2/10/20 %",
        ),
        (
            LEAST + "daily_limits: {grants: 10}",
            "3:24",
            "daily_limits.grants: 10 is not a daily limit; write floor/count/percent, such as 2/10/20 %",
        ),
        (
            LEAST + "daily_limits: {grants: 1/2/101}",
            "3:24",
            "daily_limits.grants.percent: 101 is too much; at most 100 can stand here",
        ),
        (
            LEAST + "daily_limits: {grants: 3/2/10}",
            "3:24",
            "daily_limits.grants: the floor (3) is above the count (2), which then means nothing",
        ),
        (
            LEAST + "daily_limits: {grants: {floor: 1, count: 2}}",
            "3:24",
            "daily_limits.grants.percent: this key is missing; a daily limit has floor, count and percent",
        ),
        (LEAST + "rules: []", "3:1", "rules: this key is given twice; the first is in line 2"),
        (
            RULE + "    guests: yes",
            "6:13",
            "rules[0].guests: 'yes' is none of false, external_members and true; write one, without quotes; external_",
        ),
        (RULE + "    guests: 1", "6:13", "rules[0].guests: 1 is none of false, external_members and true"),
        (
            RULE + "    guests: [Guest]",
            "6:13",
            "rules[0].guests: ['Guest'] is none of false, external_members and true",
        ),
        (
            LEAST + "employment: {stale_leave_days: 0}",
            "3:32",
            "employment.stale_leave_days: 0 is too little; at least 1 can stand here",
        ),
        (RULE + "    member_of: []", "6:16", "rules[0].member_of: it is empty; take the key out"),
        (
            RULE + "    member_of: 7c0f5a0e-0000-4000-8000-000000000001",
            "6:16",
            "rules[0].member_of: '7c0f5a0e-0000-4000-8000-000000000001' is not a list; write a list",
        ),
        (
            RULE + "  - name: b\n    profiles: all",
            "6:5",
            "rules[1]: the rule says nothing of whom it is for; give it who, member_of or both",
        ),
        (
            RULE + "  - name: A\n    who: city eq 'x'\n    profiles: all",
            "6:11",
            "rules[1].name: another rule is called 'A', in line 3; names are unique",
        ),
        (
            RULE.replace("name: a", "name: ' a'"),
            "3:11",
            "rules[0].name: ' a' is no name; write one without space around it",
        ),
        (
            RULE.replace("name: a", "name: " + "a" * 65),
            "3:11",
            "rules[0].name: the text has more than 64 characters; shorten it",
        ),
        (
            RULE.replace("city eq 'Bonn'", "City eq 'Bonn'"),
            "4:10",
            "rules[0].who: character 1: 'City' is not an attribute; did you mean 'city'?",
        ),
        (
            RULE.replace("all", "[{ name: '{firm}' }]"),
            "5:24",
            "rules[0].profiles[0].name: the template {firm} names no attribute; allowed are ",
        ),
        (
            RULE.replace("all", "[{ name: 'a}' }]"),
            "5:24",
            "rules[0].profiles[0].name: a brace stands alone; a template reads {companyName}",
        ),
        (
            RULE + "enforce: [{ name: '{companyName}' }]",
            "6:19",
            "enforce[0].name: a template stands for a person's attribute, and nobody is meant here; write the text",
        ),
        (LEAST + "tests: {exmples: []}", "3:9", "tests.exmples: there is no such key; did you mean 'examples'?"),
        (LEAST + "tests: []", "3:8", "tests: a list is not a mapping; write keys and values: profiles, examples"),
        (LEAST + "tests: {profiles: []}", "3:19", "tests.profiles: it is empty; take the key out"),
        (
            LEAST + "tests: {profiles: [{tag: {a: b}}]}",
            "3:20",
            "tests.profiles[0].name: this key is missing; examples call the profile by it",
        ),
        (
            EXAMPLE.format("person: {jobtitel: x}, gets: none"),
            "3:39",
            "tests.examples[0].person.jobtitel: 'jobtitel' is not an attribute; did you mean 'jobTitle'?",
        ),
        (
            EXAMPLE.format("person: {jobTitle: 5}, gets: none"),
            "3:49",
            "tests.examples[0].person.jobTitle: 5 is not a text; put it in quotes",
        ),
        (
            EXAMPLE.format("gets: none"),
            "3:20",
            "tests.examples[0].person: this key is missing; write the attributes that matter, such as { jobTitle: Con",
        ),
        (
            EXAMPLE.format("person: {}"),
            "3:20",
            "tests.examples[0]: the example expects nothing; give gets, gets_not or both",
        ),
        (
            EXAMPLE.format("person: {}, gets: some"),
            "3:48",
            "tests.examples[0].gets: 'some' is neither a list nor a word known here; allowed are all, none",
        ),
        (
            EXAMPLE.format("person: {}, gets_not: []"),
            "3:52",
            "tests.examples[0].gets_not: it is empty; take the key out",
        ),
        (
            EXAMPLE.format("person: {}, member_of: [x], gets: all"),
            "3:54",
            "tests.examples[0].member_of[0]: 'x' is not an object id",
        ),
        (
            LEAST + "tests: {profiles: [{name: UK}], examples: [{name: a, person: {}, gets: [UKK]}]}",
            "3:73",
            "tests.examples[0].gets[0]: tests.profiles has no 'UKK'; did you mean 'UK'?",
        ),
        (LEAST + "protected: &x []", "3:12", "protected: anchors (&x) are not read; take it out"),
        (LEAST + "protected: *x", "3:12", "protected: aliases (*x) are not read; write it out"),
        (
            LEAST + "protected: !!python/object []",
            "3:12",
            "protected: tags (tag:yaml.org,2002:python/object) are not read; take it out",
        ),
        (LEAST + "---\na: b", "3:1", "a second document begins here; one file holds one"),
        (LEAST + "? [a]\n: b", "3:3", "a key is a plain word"),
        (LEAST + "protected: [", "3:13", "this is not YAML: expected the node content"),
        (LEAST + "\ta: b", "3:1", "this is not YAML: found character '\\t'"),
        (LEAST + "a: \x07", "1:1", "this is not YAML: unacceptable character"),
        ('version: "\\U00110000"', "1:1", "this is not YAML: chr() arg not in range"),
        ("[" * 5000, "1:21", ""),
        ("x" * 1_000_001, "1:1", "the text is too long"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_write(text: str, place: str, mistake: str) -> None:
    line, _, column = place.partition(":")
    found = mistakes(text)
    assert len(found) == 1
    assert found[0].startswith(f"line {line}, column {column}: {mistake}")


def test_every_mistake_is_told_at_once_in_the_order_of_the_text() -> None:
    found = mistakes(
        "version: 3\n"
        "acounts: all\n"
        "rules:\n"
        "  - name: a\n"
        "    who: Department eq 'x'\n"
        "    profiles: [{ nam: x }]\n"
        "  - name: a\n"
        "    profiles:\n"
        "  - 5\n"
        "employment: { lead_days: many, time_zone: Mars }\n"
        "protected: [a, b]\n"
    )
    assert [mistake.partition(": ")[0] for mistake in found] == [
        "line 1, column 10", "line 2, column 1", "line 5, column 10", "line 6, column 18", "line 7, column 5",
        "line 7, column 11", "line 8, column 5", "line 9, column 5", "line 10, column 26", "line 10, column 43",
        "line 11, column 13", "line 11, column 16",
    ]  # fmt: skip


def test_the_error_names_the_file() -> None:
    with pytest.raises(Misconfigured, match=r"^conf/policy\.yaml: 1 mistake\n"):
        load_policy("", "conf/policy.yaml")


def test_aliases_cannot_blow_a_policy_up() -> None:
    bomb = "a: &a [x]\n" + "".join(f"{key}: &{key} [*{last}, *{last}]\n" for last, key in pairwise("abcdefghijkl"))
    assert any("aliases" in mistake for mistake in mistakes(bomb))


def test_a_key_given_twice_does_not_hide_what_else_is_wrong_with_it() -> None:
    assert len(mistakes("version: 1\nrules: []\nprotected: [x]\nprotected: []\n")) == 2


def test_words_of_yaml_1_1_and_dates_are_texts() -> None:
    policy = load_policy(LEAST + "enforce: [{tag: {country: no, since: 2020-01-01}}]")
    assert policy.enforce == (Selector(tags={"country": "no", "since": "2020-01-01"}),)


SAME = [
    ("version: 1\n", "# a comment\nversion: 1\n"),
    ("enforce: [ { account: bbbb, tag: { stage: prod } } ]", "enforce: all"),
    ("opt_in: all, min_recipients: 2", "min_recipients: 3"),
    ("daily_limits: { mover_revokes: 1/2/3 %,", "daily_limits: {"),
    ("department eq 'Finance' and", "(department  EQ 'FINANCE')  and"),
    ("lead_days: 3, mover_grace_hours: 24", "mover_grace_hours: 24, lead_days: 3"),
    (
        '[{ name: "Contoso*" }, { tag: { company: "{companyName}" } }]',
        "[{ tag: { company: '{companyName}' } }, { name: CONTOSO* }]",
    ),
    ("7C0F5A0E-0000-4000-8000-000000000001", "7c0f5a0e-0000-4000-8000-000000000001"),
    ('[ "AAAA%3A1", bbbb ]', "[ BBBB, 'aaaa:1' ]"),
    ("    profiles: all\n    guests: true\n", "    guests: true\n    profiles: all\n"),
]

OTHER = [
    ("Europe/Amsterdam", "Europe/Berlin"),
    ("lead_days: 3", "lead_days: 4"),
    ("mover_grace_hours: 24", "mover_grace_hours: 0"),
    ("guests: true", "guests: false"),
    ("guests: true", "guests: external_members"),
    ("mover_grace_hours: 24", "mover_grace_hours: 24, stale_leave_days: 31"),
    ("    profiles: all\n", "    profiles: none\n"),
    ("name: treasury", "name: treasurers"),
    ("bbbb ]", "cccc ]"),
    ("'Finance'", "'Legal'"),
    ("00000000000A", "00000000000B"),
    ("-000000000001]", "-000000000002]"),
    ("Contoso*", "Contoso *"),
    ("company:", "firm:"),
]


@pytest.mark.parametrize(("written", "instead"), SAME)
def test_the_digest_does_not_regard_how_it_is_written_or_what_is_enforced(written: str, instead: str) -> None:
    assert written in WHOLE
    assert load_policy(WHOLE.replace(written, instead)).digest == load_policy(WHOLE).digest


@pytest.mark.parametrize(("written", "instead"), OTHER)
def test_the_digest_changes_with_who_is_given_what(written: str, instead: str) -> None:
    assert written in WHOLE
    assert load_policy(WHOLE.replace(written, instead)).digest != load_policy(WHOLE).digest


def test_the_order_of_rules_does_not_matter_to_the_digest() -> None:
    head, first, second = (
        "version: 1\nrules:\n",
        "  - {name: a, who: city eq 'A', profiles: all}\n",
        "  - {name: b, who: city eq 'B', profiles: all}\n",
    )
    assert load_policy(head + first + second).digest == load_policy(head + second + first).digest
