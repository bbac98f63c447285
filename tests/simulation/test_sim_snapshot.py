"""A policy tried on a snapshot: what it says is what a live comparison says, and nobody can be recognized."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cli import snapshot_file
from shared.domain.planned import Compared
from shared.domain.policy.load import load_policy
from shared.domain.snapshot import Snapshot, pseudonyms, take
from shared.services.sweep.plan import compare
from shared.services.sweep.snapshot import compare_on
from tests.simulation.small_world import DIETER, FEMKE, PIA, POLICY, TESS
from tests.simulation.stage import Stage
from tests.simulation.test_sim_sweep_guards import CLERKS, NARROWED, limited, office

SetStage = Callable[..., Stage]
HIDE = pseudonyms(b"salt")
WIDER = POLICY.replace('[{ name: "Contoso Holding" }]', "all")


async def snapshot(stage: Stage, *, named: bool = False) -> Snapshot:
    view, people, catalogue = (
        await stage.app.state.view(),
        await stage.app.state.people_view(),
        await stage.app.state.catalogue(),
    )
    assert view is not None
    assert people is not None
    assert catalogue is not None
    protected = stage.app.policy.protected
    return take(view, people, catalogue, protected, called={}, pseudonym=None if named else HIDE)


async def on(found: Snapshot, stage: Stage, policy: str) -> Compared:
    return await compare_on(found, stage.app.policy, load_policy(policy, "new.yaml"), stage.app.settings)


def told(found: Compared, hide: Callable[[str], str]) -> set[tuple[str, str, str, str]]:
    """The changes, with whose ids are still true ones hidden."""
    return {
        (one.do, hide(getattr(one.key, "object_id", "")), one.profile.profile, str(one.waits))
        for one in found.planned.changes
    }


async def test_what_a_policy_would_change_is_the_same_on_a_snapshot(set_stage: SetStage) -> None:
    roomy = limited().removeprefix(POLICY)  # holds are in no snapshot
    stage = set_stage(given=office(), policy=POLICY + roomy)
    await stage.settle()
    stage.change(CLERKS[0], employeeLeaveDateTime=(stage.now - timedelta(days=2)).isoformat())
    stage.hire("soon", employeeHireDate=(stage.now + timedelta(days=30)).isoformat())
    await stage.settle()
    await stage.sweep()
    found = await snapshot(stage)
    for policy in (NARROWED, WIDER, POLICY.replace("enforce: all", "enforce: none")):
        live = await compare(stage.app, load_policy(policy + roomy, "new.yaml"))
        tried = await on(found, stage, policy + roomy)
        assert live.planned.changes or "none" in policy
        assert told(tried, lambda one: one) == told(live, HIDE), policy
        assert dict(tried.planned.recipients) == dict(live.planned.recipients)
        assert tried.difference == live.difference


async def test_whom_the_policy_protects_is_protected_under_a_pseudonym(stage: Stage) -> None:
    everybody = POLICY.replace("department eq 'Finance'", "department eq 'Finance' and not (city eq 'Oslo')")
    found = await on(await snapshot(stage), stage, everybody)
    assert HIDE(PIA) not in {getattr(one.key, "object_id", "") for one in found.planned.changes}


async def test_a_snapshot_has_no_name_no_id_and_no_date(stage: Stage, tmp_path: Path) -> None:
    stage.change(FEMKE, displayName="Femke de Boer", employeeLeaveDateTime="2031-05-06T00:00:00Z")
    stage.change(DIETER, employeeHireDate="2019-04-03T00:00:00Z")
    await stage.settle()
    file = tmp_path / "snapshot.json"
    snapshot_file.write(file, await snapshot(stage))
    text = file.read_text()
    everybody = [FEMKE, DIETER, TESS, "Femke", "femke", "contoso.example", "2031", "2019-04-03", "E1"]
    assert [one for one in everybody if one in text] == []
    assert HIDE(FEMKE) in text
    assert snapshot_file.read(file) == await snapshot(stage)


async def test_with_names_it_has_them_and_no_dates(stage: Stage, tmp_path: Path) -> None:
    stage.change(FEMKE, displayName="Femke de Boer", employeeLeaveDateTime="2031-05-06T00:00:00Z")
    await stage.settle()
    file = tmp_path / "snapshot.json"
    snapshot_file.write(file, await snapshot(stage, named=True))
    text = file.read_text()
    assert FEMKE in text
    assert "Femke de Boer" in text
    assert "2031" not in text
    found = await on(snapshot_file.read(file), stage, NARROWED)
    assert found.planned.names[FEMKE] == "Femke de Boer"


def test_two_exports_of_one_person_have_nothing_in_common() -> None:
    assert pseudonyms(b"one")(FEMKE) != pseudonyms(b"other")(FEMKE)
    assert pseudonyms(b"one")(FEMKE.upper()) == pseudonyms(b"one")(FEMKE)


async def test_an_incomplete_view_takes_nothing(stage: Stage) -> None:
    found = replace(await snapshot(stage), complete=False)
    assert not (await on(found, stage, NARROWED)).planned.changes
