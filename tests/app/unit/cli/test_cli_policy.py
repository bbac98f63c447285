"""`policy`: what a pipeline, and whoever writes a policy, see of it before it is deployed."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.__main__ import main
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import Employment
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.load import load_policy
from shared.domain.reasons import Code
from shared.domain.view import PeopleView, PersonView, View
from tests.app.policy_texts import LEAST
from tests.app.unit.cli_desk import Said, Store, deployed

TREASURY = "7c0f5a0e-0000-4000-8000-000000000001"
NOBODY = "b0a1d000-0000-4000-8000-000000000007"
NOW = datetime.now(UTC)
ACCOUNT = BillingAccount("1111:a", "Contoso", "MicrosoftCustomerAgreement", "Active")
PROFILES = tuple(
    BillingProfile(ProfileKey("1111:a", name), f"Contoso {name}", "Active", True, {"company": f"Contoso {name}"})
    for name in ("UK", "France")
)
POLICY = f"""version: 1
rules:
  - name: own-company
    who: "jobTitle in ('Controler')"
    profiles: [{{ tag: {{ company: "{{companyName}}" }} }}]
  - name: treasury
    member_of: [{TREASURY}]
    profiles: all
"""
TESTS = """tests:
  profiles:
    - { name: Contoso UK, tag: { company: Contoso UK } }
  examples:
    - name: a Controller of Contoso UK
      person: { jobTitle: Controller, companyName: Contoso UK }
      gets: [Contoso UK]
    - { name: somebody else, person: {}, gets: none }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new.yaml"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    return deployed(tmp_path, monkeypatch)


def seen(number: int, job: str, company: str, *groups: str, left: bool = False) -> PersonView:
    texts = dict.fromkeys(TEXT_ATTRIBUTES) | {"jobTitle": job, "companyName": company}
    person = Person(
        f"b0a1d000-0000-4000-8000-{number:012}", True, None, None, None, texts, frozenset(groups), f"Person {number}"
    )
    return PersonView(
        object_id=person.object_id,
        person=person,
        employment=Employment.LEAVER if left else Employment.EMPLOYED,
        employment_why=Code.ACCOUNT_DISABLED() if left else Code.EMPLOYED(),
        seen=NOW,
    )


def sweep(store: Store, *people: PersonView, policy: str = POLICY) -> None:
    """What a full check under a policy leaves."""
    digest = load_policy(policy).digest
    catalogue = Catalogue(NOW, (ACCOUNT,), PROFILES, policy_digest=digest, unknown_rules={})
    view = View(
        sweep="s",
        as_of=NOW,
        complete=True,
        failures=(),
        policy_digest=digest,
        time_zone="UTC",
        accounts=(),
        profiles=(),
    )

    async def put(state: RowsState) -> None:
        await state.put_catalogue(catalogue)
        await state.put_view(view, PeopleView(sweep="s", people=people))

    store.run(put)


# ---- check


def test_a_good_policy_is_said_to_be_one(file: Path, capsys: Said) -> None:
    file.write_text(LEAST)
    assert main(["policy", "check", str(file)]) == 0
    assert capsys.readouterr() == (f"{file}: no mistakes; 0 rules.\n", "")


def test_every_mistake_of_a_wrong_one_is_told_with_its_place_and_fails_the_pipeline(
    file: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("version: 1\nacounts: all\nprotected: [jane]\nrules: []\n")
    monkeypatch.setenv("INVOICE_ACCESS_POLICY", str(file))
    for arguments in (["policy", "check", str(file)], ["policy", "check"], ["policy", "test", str(file)]):
        assert main(arguments) == 3
        out, err = capsys.readouterr()
        first, second, total = out.splitlines()
        assert first.startswith(f"{file}:2:1 acounts: there is no such key; did you mean 'accounts'?")
        assert second.startswith(f"{file}:3:13 protected[0]: 'jane' is not an object id")
        assert (total, err) == ("2 mistakes.", "")


def test_a_mistake_for_programs_has_its_place_apart(file: Path, capsys: Said) -> None:
    file.write_text("version: 1\nacounts: all\nrules: []\n")
    assert main(["policy", "check", str(file), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["mistakes"]) == (
        "invoice-access/policy-check/1",
        [
            {
                "line": 2,
                "column": 1,
                "key": "acounts",
                "what": "there is no such key; did you mean 'accounts'?",
            }
        ],
    )


@pytest.mark.parametrize("verb", [["check"], ["test"], ["explain", "own-company", "--policy"]])
def test_a_file_that_is_not_there_or_no_text_is_told(verb: list[str], file: Path, tmp_path: Path, capsys: Said) -> None:
    assert main(["policy", *verb, str(tmp_path / "none.yaml")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none.yaml'}: there is no such file\n"
    assert main(["policy", *verb, str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    file.write_bytes(b"version: \xff\n")
    assert main(["policy", *verb, str(file)]) == 3
    assert capsys.readouterr().out.startswith(f"{file}: byte 9 is not UTF-8")


def test_a_name_that_nothing_has_is_a_warning_with_its_place_and_fails_nothing(
    store: Store, file: Path, capsys: Said
) -> None:
    sweep(store)
    file.write_text(
        POLICY + 'enforce: [{ name: "Contoso UKK" }]\naccounts: ["1111:b"]\nemail_invoicing:\n'
        "  opt_in: [{ tag: { stage: prod } }]\n"
    )
    assert main(["policy", "check", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{file}:9:10 warning: enforce: no billing profile is called 'Contoso UKK', but there is 'Contoso UK'",
        f"{file}:12:11 warning: email_invoicing.opt_in: no billing profile has the tag stage: 'prod'",
        f"{file}:10:11 warning: accounts: no billing account is listed that is called '1111:b'",
        f"{file}: no mistakes, 3 warnings; 2 rules.",
    ]


def test_a_rule_that_names_a_profile_of_nobody_is_a_warning_as_well(store: Store, file: Path, capsys: Said) -> None:
    sweep(store)
    file.write_text(POLICY.replace("profiles: all", 'profiles: [{ name: "Contoso Frnace" }]'))
    assert main(["policy", "check", str(file), "--json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert (warning["key"], warning["line"], warning["column"]) == ("rules[1].profiles", 8, 15)
    assert warning["why"]["code"] == "no-profile-of-name"


def test_a_store_without_a_full_check_is_no_mistake_of_the_policy(store: Store, file: Path, capsys: Said) -> None:
    file.write_text(POLICY)
    assert main(["policy", "check", str(file)]) == 0
    assert capsys.readouterr().out == (
        "Names were not compared with what there is: no full check has been stored yet.\n"
        f"{file}: no mistakes; 2 rules.\n"
    )


# ---- test


def test_an_example_that_does_not_hold_fails_with_its_line_and_what_the_rules_want(file: Path, capsys: Said) -> None:
    file.write_text(POLICY + TESTS)
    assert main(["policy", "test", str(file)]) == 3
    assert capsys.readouterr().out == (
        "1 of 2 examples hold.\n"
        f'  {file}:13 a Controller of Contoso UK should get "Contoso UK", gets nothing: '
        f"rule own-company wants jobTitle in ('Controler'); rule treasury wants a member of {TREASURY}\n"
    )


def test_examples_that_hold_pass(file: Path, capsys: Said) -> None:
    file.write_text(POLICY.replace("Controler", "Controller") + TESTS)
    assert main(["policy", "test", str(file)]) == 0
    assert capsys.readouterr() == ("2 of 2 examples hold.\n", "")


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ("gets: none", 'somebody should get nothing, gets "Contoso UK" by rule treasury'),
        ("gets_not: [Contoso UK]", 'somebody should not get "Contoso UK", gets it by rule treasury'),
    ],
)
def test_what_an_example_should_not_get_is_told_with_the_rule(
    example: str, said: str, file: Path, capsys: Said
) -> None:
    more = f"    - {{ name: somebody, person: {{}}, member_of: [{TREASURY}], {example} }}\n"
    file.write_text(POLICY.replace("Controler", "Controller") + TESTS + more)
    assert main(["policy", "test", str(file)]) == 3
    assert f"  {file}:17 {said}\n" in capsys.readouterr().out


def test_examples_of_profiles_that_exist_need_a_store_that_knows_them(
    file: Path, capsys: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = "tests:\n  examples:\n    - { name: a, person: { jobTitle: Controler, companyName: Contoso France }, "
    file.write_text(POLICY + example + "gets: [Contoso France], gets_not: [Contosso UK] }\n")
    monkeypatch.delenv("INVOICE_ACCESS_STORE", raising=False)
    assert main(["policy", "test", str(file)]) == 2
    assert "Describe the profiles in tests.profiles" in capsys.readouterr().err
    sweep(deployed(tmp_path, monkeypatch))
    assert main(["policy", "test", str(file)]) == 3
    assert capsys.readouterr().out == (
        f"0 of 1 example holds.\n  {file}:11 a: no billing profile is called 'Contosso UK', but there is 'Contoso UK'\n"
    )


def test_a_policy_without_examples_says_where_to_read_about_them(file: Path, capsys: Said) -> None:
    file.write_text(POLICY)
    assert main(["policy", "test", str(file)]) == 0
    said = capsys.readouterr().out
    assert said == "There are no examples; `tests:` in docs/reference/policy.md says how to write them.\n"


def test_examples_for_programs_have_each_with_what_is_wrong(file: Path, capsys: Said) -> None:
    file.write_text(POLICY + TESTS)
    assert main(["policy", "test", str(file), "-o", "json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["holds"], found["of"]) == ("invoice-access/policy-test/1", 1, 2)
    first, second = found["examples"]
    assert (first["name"], first["holds"], first["failures"][0]["profile"]) == (
        "a Controller of Contoso UK",
        False,
        "Contoso UK",
    )
    assert (second["holds"], second["failures"]) == (True, [])


# ---- explain


def test_whom_a_rule_matches_is_told_with_what_each_gets(store: Store, file: Path, capsys: Said) -> None:
    file.write_text(POLICY)
    sweep(
        store,
        seen(1, "Controler", "Contoso UK"),
        seen(2, "Controler", "Litware"),
        seen(3, "Clerk", "Contoso UK"),
        seen(4, "Controler", "Contoso France", left=True),
    )
    assert main(["policy", "explain", "Own-Company", "--policy", str(file)]) == 0
    out = capsys.readouterr().out
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "Rule own-company is for jobTitle in ('Controler'); it gives {tag: {company: '{companyName}'}}.",
        "It matches 3 of the 4 people whom the last full check saw; 1 of them gets nothing by it.",
        "Person 1 Controler, Contoso UK Contoso UK",
        "Person 2 Controler, Litware nothing: no billing profile fits companyName 'Litware'",
        "Person 4 Controler, Contoso France nothing: the account is disabled",
    ]


def test_a_view_of_another_policy_says_what_it_cannot_tell(store: Store, file: Path, capsys: Said) -> None:
    file.write_text(POLICY)
    sweep(store, seen(1, "Clerk", "Contoso UK", TREASURY), policy=LEAST)
    assert main(["policy", "explain", "treasury", "--policy", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (match,) = found["matches"]
    assert [one["name"] for one in match["profiles"]] == ["Contoso France", "Contoso UK"]
    assert main(["policy", "explain", "treasury", "--policy", str(file)]) == 0
    assert capsys.readouterr().out.startswith("The last full check was under another policy: attributes and groups")


def test_a_rule_that_is_none_is_told_with_the_nearest(store: Store, file: Path, capsys: Said) -> None:
    file.write_text(POLICY)
    assert main(["policy", "explain", "own-compny", "--policy", str(file)]) == 2
    assert capsys.readouterr().err == (
        "no rule is called 'own-compny'\n  own-company\nThe policy has own-company, treasury.\n"
    )


GRANTS = """grants:
  - {{ name: auditor, person: {}, profiles: all, until: 2100-03-31, why: audit }}
"""


def called(number: int, mail: str) -> PersonView:
    view = seen(number, "Auditor", "Contoso UK")
    assert view.person is not None
    return replace(view, person=replace(view.person, attributes={**view.person.attributes, "mail": mail}))


@pytest.mark.parametrize(
    ("person", "code", "told"),
    [
        ("jane@contoso.com", 0, "no mistakes; 2 rules, 1 named grant."),
        ("both@contoso.com", 3, "2 people have the address that it names: write the object id of the one who is meant"),
        ("john@contoso.com", 0, "warning: grants[0].person: nobody whom the last full check saw is meant"),
        (NOBODY, 0, "warning: grants[0].person: nobody whom the last full check saw is meant"),
    ],
)
def test_whom_a_named_grant_means_is_looked_up_among_those_seen(
    store: Store, file: Path, capsys: Said, person: str, code: int, told: str
) -> None:
    sweep(store, called(1, "Jane@contoso.com"), called(2, "both@contoso.com"), called(3, "both@contoso.com"))
    file.write_text(POLICY + GRANTS.format(person), encoding="utf-8")
    assert main(["policy", "check", str(file)]) == code
    assert told in capsys.readouterr().out


def test_explain_says_for_whom_a_named_grant_is_until_when_and_why(store: Store, file: Path, capsys: Said) -> None:
    policy = POLICY + GRANTS.format("jane@contoso.com")
    sweep(store, called(1, "jane@contoso.com"), policy=policy)
    file.write_text(policy, encoding="utf-8")
    assert main(["policy", "explain", "grant:auditor", "--policy", str(file)]) == 0
    said = capsys.readouterr().out
    assert "it gives all until 2100-03-31, because: audit" in said
    assert "nothing: no full check has found out yet that nobody else has the address" in said
