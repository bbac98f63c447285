"""What each kind of pause stops, and what passes it."""

from datetime import UTC, datetime

import pytest

from shared.domain.access.plan import Strength
from shared.domain.guards.pauses import EVERYWHERE, Pause, PauseKind, Pauses, Setting, stops
from shared.domain.keys import ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NL = ProfileKey("MCA:1", "NL-BG7")
PASSED_BY_LEAVERS = (PauseKind.INCOMPLETE_SWEEP, PauseKind.POPULATION_SHRANK, PauseKind.HARM)


def pauses(*kinds: PauseKind) -> Pauses:
    return Pauses(
        {
            Pause(pause_kind): Setting(NOW, "somebody", Code.SAID(said=f"because of {pause_kind}"))
            for pause_kind in kinds
        }
    )


@pytest.mark.parametrize("kind", list(ActionKind))
@pytest.mark.parametrize("strength", [None, *Strength])
def test_no_cause_stops_nothing(kind: ActionKind, strength: Strength | None) -> None:
    assert stops(pauses(), kind, strength, NL) is None


@pytest.mark.parametrize("pause_kind", list(PauseKind))
@pytest.mark.parametrize(
    ("kind", "strength"),
    [
        (ActionKind.GRANTS, None),
        (ActionKind.PROFILE_UPDATES, None),
        (ActionKind.MOVER_REVOKES, Strength.WEAK),
        (ActionKind.MOVER_REVOKES, Strength.STRONG),
        (ActionKind.LEAVER_REVOKES, Strength.WEAK),
        (ActionKind.LEAVER_REVOKES, None),
    ],
)
def test_every_cause_stops_everything_but_leavers_on_strong_evidence(
    pause_kind: PauseKind, kind: ActionKind, strength: Strength | None
) -> None:
    stop = stops(pauses(pause_kind), kind, strength, NL)
    assert stop is not None
    assert stop == (Pause(pause_kind), Setting(NOW, "somebody", Code.SAID(said=f"because of {pause_kind}")))


@pytest.mark.parametrize("pause_kind", list(PauseKind))
def test_a_leaver_on_strong_evidence_is_stopped_by_a_pause_and_the_lost_role_alone(pause_kind: PauseKind) -> None:
    stop = stops(pauses(pause_kind), ActionKind.LEAVER_REVOKES, Strength.STRONG, NL)
    assert (stop is None) is (pause_kind in PASSED_BY_LEAVERS)


def test_a_cause_that_leavers_pass_hides_none_that_they_do_not() -> None:
    stop = stops(pauses(*PASSED_BY_LEAVERS, PauseKind.ROLE_LOST), ActionKind.LEAVER_REVOKES, Strength.STRONG, NL)
    assert stop is not None
    assert stop[0].kind is PauseKind.ROLE_LOST


def test_what_a_person_said_is_named_before_what_was_noticed() -> None:
    stop = stops(pauses(*reversed(PauseKind)), ActionKind.GRANTS, None, NL)
    assert stop is not None
    assert stop[0].kind is PauseKind.OPERATOR


@pytest.mark.parametrize("pause_kind", list(PauseKind))
@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        (EVERYWHERE, {"MCA:1/NL-BG7", "MCA:1/DE-BG7", "MCA:12/NL-BG7"}),
        ("mca:1", {"MCA:1/NL-BG7", "MCA:1/DE-BG7"}),
        ("mca:1/nl-bg7", {"MCA:1/NL-BG7"}),
        ("mca:3", set()),
    ],
)
def test_a_cause_stops_every_write_within_its_scope_and_none_outside(
    pause_kind: PauseKind, scope: str, stopped: set[str]
) -> None:
    paused = Pauses({Pause(pause_kind, scope): Setting(NOW, "somebody", Code.SAID(said="because"))})
    profiles = ("MCA:1/NL-BG7", "MCA:1/DE-BG7", "MCA:12/NL-BG7")
    for kind in ActionKind:
        assert {one for one in profiles if stops(paused, kind, None, ProfileKey.parse(one))} == stopped
