"""`adopt`: what can be asked for, and what is refused before anything is read."""

from pathlib import Path

import pytest

from cli.__main__ import main
from cli.adopt import figures, read_pairs
from cli.faults import UsageError
from shared.adapters.store.state import RowsState
from shared.domain.adoption.consequences import Adoption, Consequence, Why
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Code
from tests.app.unit.cli_desk import NOW, called, deployed

PROFILE = "10000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-0000000000aa_2019-05-31/NL-BG7"
ANNA = "7c0f5a0e-0000-4000-8000-00000000a11a"
BEN = "7c0f5a0e-0000-4000-8000-00000000be11"
KEY = ProfileKey.parse(PROFILE)


async def put_names(state: RowsState) -> None:
    names = {ANNA: called(ANNA, "Anna Berg", "anna@contoso.example", "E7"), BEN: called(BEN, "Ben Berg")}
    await state.put_names(names, NOW)
    profile = BillingProfile(KEY, "Contoso Nederland", "Active", invoice_email_opt_in=True)
    await state.put_catalogue(Catalogue(NOW, (), (profile,)))


@pytest.mark.parametrize(
    "pair",
    [(PROFILE, ANNA.upper()), ("contoso nederland", "anna berg"), ("NL-BG7", "anna@contoso.example"), ("nl-bg7", "E7")],
)
def test_assignments_are_named_by_what_profile_and_person_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    store = deployed(tmp_path, monkeypatch)
    store.run(put_names)
    assert store.run(lambda state: read_pairs(state, [*pair, PROFILE, BEN])) == ((KEY, ANNA), (KEY, BEN))


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ((PROFILE, "Anna Borg"), "nobody is called 'Anna Borg'"),
        (("NL-BG8", ANNA), "no profile is called 'NL-BG8'"),
        ((ANNA, PROFILE), "no profile is called"),
    ],
)
def test_a_name_that_nobody_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str], said: str
) -> None:
    store = deployed(tmp_path, monkeypatch)
    store.run(put_names)
    with pytest.raises(UsageError, match=said):
        store.run(lambda state: read_pairs(state, pair))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what: PROFILE PERSON, --given-by-rule or --left"),
        ([PROFILE], "stands alone; give a profile and a person"),
        (["--leavers"], "No such option: --leavers"),
    ],
)
def test_wrong_arguments_end_with_2_before_anything_is_opened(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adopt", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_without_settings_it_says_every_one_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("INVOICE_ACCESS_STORE", "ServiceBusConnection__fullyQualifiedNamespace"):
        monkeypatch.delenv(name, raising=False)
    assert main(["adopt", "--left", "--yes"]) == 2
    assert "INVOICE_ACCESS_STORE" in capsys.readouterr().err


def test_what_would_follow_is_summed_up() -> None:
    consequences = [*Consequence, Consequence.REVOKED]
    adoptions = [Adoption(KEY, ANNA, Why.CHOSEN, consequence, Code.HAS_NO_TIME()) for consequence in consequences]
    assert figures(adoptions) == "1 to stay, 2 to be removed, 1 to stay for now, 1 that can not be adopted"
    assert figures(adoptions[1:2]) == "1 to be removed"
