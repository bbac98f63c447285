"""`assignments` and `adopt`: what can be asked for, and what is refused before anything is read."""

import argparse

import pytest

from cli.__main__ import main
from cli.adopt import choice_of, figures
from cli.faults import UsageError
from shared.domain.adoption.consequences import Adoption, Choice, Consequence, Why
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Code

PROFILE = "10000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-0000000000aa_2019-05-31/NL-BG7"
ANNA = "7c0f5a0e-0000-4000-8000-00000000a11a"
BEN = "7c0f5a0e-0000-4000-8000-00000000be11"


def chosen(*pairs: str, given_by_rule: bool = False, leavers: bool = False) -> Choice:
    return choice_of(argparse.Namespace(pairs=list(pairs), given_by_rule=given_by_rule, leavers=leavers))


def test_assignments_are_named_by_profile_and_principal() -> None:
    key = ProfileKey.parse(PROFILE)
    assert chosen(PROFILE, ANNA.upper(), PROFILE, BEN) == Choice(((key, ANNA), (key, BEN)))


@pytest.mark.parametrize(("rule", "leavers"), [(True, False), (False, True), (True, True)])
def test_the_bulk_choices_need_no_names_and_may_go_together(rule: bool, leavers: bool) -> None:
    assert chosen(given_by_rule=rule, leavers=leavers) == Choice((), rule, leavers)
    pairs = ((ProfileKey.parse(PROFILE), ANNA),)
    assert chosen(PROFILE, ANNA, given_by_rule=rule, leavers=leavers) == Choice(pairs, rule, leavers)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ((), "say what"),
        ((PROFILE,), "stands alone"),
        ((PROFILE, ANNA, PROFILE), "stands alone"),
        ((PROFILE, "anna@contoso.example"), "is not an object id"),
        (("NL-BG7", ANNA), "is not '<billing account>/<billing profile>'"),
        ((ANNA, PROFILE), "is not '<billing account>/<billing profile>'"),
    ],
)
def test_what_names_no_assignment_is_refused_with_what_to_give(pairs: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(*pairs)


@pytest.mark.parametrize("arguments", [[], [PROFILE], ["--leavers", "--by", " "], [PROFILE, "nobody", "--yes"]])
def test_wrong_arguments_end_with_2_before_anything_is_opened(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adopt", *arguments]) == 2
    assert capsys.readouterr().err


def test_the_owners_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["assignments", "--managed", "--unmanaged"])
    assert stopped.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["assignments"], ["adopt", "--leavers", "--by", "olga", "--yes"]])
def test_without_settings_the_verbs_say_every_one_that_is_missing(
    verb: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("INVOICE_ACCESS_STORE", "ServiceBusConnection__fullyQualifiedNamespace"):
        monkeypatch.delenv(name, raising=False)
    assert main(verb) == 2
    assert "INVOICE_ACCESS_STORE" in capsys.readouterr().err


def test_what_would_follow_is_summed_up_as_what_did_not_happen_yet() -> None:
    consequences = [*Consequence, Consequence.REVOKED]
    key = ProfileKey.parse(PROFILE)
    adoptions = [Adoption(key, ANNA, Why.CHOSEN, consequence, Code.HAS_NO_TIME()) for consequence in consequences]
    assert figures(adoptions) == "would stay: 1, would be revoked: 2, would be spared: 1, can not be adopted: 1"
    assert figures(adoptions[1:2]) == "would be revoked: 1"
