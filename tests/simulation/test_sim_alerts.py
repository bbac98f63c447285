"""Every alert is raised by the log of the very thing that it is about, and by nothing else."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from sandbox.faults import Effect
from shared.adapters.process import said_aloud
from shared.bootstrap import telling
from shared.domain.history.findings import FindingKind
from shared.domain.mail_check import MailStanding
from shared.errors import Misconfigured, Permanent, Transient
from shared.services.mail_check import check_mail
from shared.services.notify import notify
from shared.services.operate.decisions import pause
from shared.telemetry import Kind, Measure
from tests.heard import Heard
from tests.simulation.small_world import FEMKE, PARTNER, POLICY
from tests.simulation.stage import Stage
from tests.simulation.test_sim_announced import AMPLE, FEED, unheard
from tests.simulation.test_sim_notify import Outside
from tests.workspace import ALERTS, INFRA, QUERIES, Workspace, panels

PANELS = panels()


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    """A workspace that the app logs to."""
    made = Workspace()
    ours = {name: logging.getLogger(name).level for name in ("shared", "functions")}
    logging.getLogger().addHandler(made)
    for name in ours:
        logging.getLogger(name).setLevel(logging.INFO)
    yield made
    logging.getLogger().removeHandler(made)
    for name, level in ours.items():
        logging.getLogger(name).setLevel(level)


def raised(workspace: Workspace) -> list[str]:
    """The alerts that stand."""
    return [name for name in ALERTS if workspace.alert(name)]


async def test_a_good_day_raises_no_alert(workspace: Workspace, stage: Stage) -> None:
    await stage.event_about(stage.hire("anna"))
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.settle()
    assert raised(workspace) == []


async def test_a_log_without_a_sweep_is_a_missing_sweep(workspace: Workspace, stage: Stage) -> None:
    assert "sweep-missing" not in raised(workspace)
    assert raised(Workspace()) == ["sweep-missing"]


async def test_a_pause_stands_until_a_sweep_finds_it_gone(workspace: Workspace, stage: Stage) -> None:
    await pause(stage.app, "olga", "an audit")
    await stage.sweep()
    assert raised(workspace) == ["writes-paused"]
    (found,) = workspace.alert("writes-paused")
    assert "operator" in found["pauses"]


async def test_a_leaver_beyond_the_daily_limit_waits_and_somebody_is_told(
    workspace: Workspace, set_stage: Callable[..., Stage]
) -> None:
    stage = set_stage(policy=POLICY + "daily_limits: { leaver_revokes: 1/1/1 }\n")
    anna, boris = stage.hire("anna"), stage.hire("boris")
    await stage.settle()
    for each in (anna, boris):
        stage.change(each, accountEnabled=False)
        await stage.event_about(each)
    await stage.sweep()
    assert raised(workspace) == ["check-needs-somebody", "holds-waiting", "leaver-clock"]
    assert [(one["action"], one["holds"]) for one in workspace.alert("holds-waiting")] == [("leaver_revokes", 1)]


async def test_a_leaver_who_kept_access_for_two_hours_is_told_when_it_is_gone(
    workspace: Workspace, stage: Stage
) -> None:
    stage.fault("arm", Effect(status=503, body={}))
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.advance(hours=2)
    assert "leaver-clock" not in raised(workspace)
    stage.faults.lift()
    await stage.advance(hours=1)
    assert stage.held(FEMKE) == set()
    (found,) = workspace.alert("leaver-clock")
    assert found["what"] == f"person:{FEMKE}"
    assert found["seconds"] > 7000


async def test_a_sweep_that_could_not_read_everything_is_incomplete(workspace: Workspace, stage: Stage) -> None:
    stage.fault("arm", Effect(status=500, body={}), method="GET", path="billingRoleAssignments$")
    await stage.sweep()
    assert "sweep-incomplete" in raised(workspace)


async def test_sweeps_that_raise_are_missing_before_long(workspace: Workspace, set_stage: Callable[..., Stage]) -> None:
    stage = set_stage()
    stage.fault("arm", Effect(status=500, body={}), method="GET", path="billingAccounts$")
    with pytest.raises(Transient):
        await stage.sweep()
    assert "sweep-missing" in raised(workspace)


async def test_a_feed_that_should_tell_and_does_not_is_silent(
    workspace: Workspace, set_stage: Callable[..., Stage]
) -> None:
    stage = set_stage(policy=AMPLE, **FEED)
    await stage.settle()
    await stage.settle()
    await unheard(stage, 5)
    await stage.settle()
    assert raised(workspace) == ["feed-silent"]


async def test_a_profile_with_few_recipients_is_a_mail_finding(
    workspace: Workspace, set_stage: Callable[..., Stage]
) -> None:
    stage = set_stage(policy=POLICY.replace("min_recipients: 0", "min_recipients: 9"))
    await stage.settle()
    assert raised(workspace) == ["mail-findings"]
    assert {one["finding"] for one in workspace.alert("mail-findings")} == {"few-recipients"}


async def test_a_profile_whose_next_invoice_nobody_can_read_is_a_mail_finding(
    workspace: Workspace, set_stage: Callable[..., Stage]
) -> None:
    stage = set_stage(policy=POLICY.replace("min_recipients: 0", "min_recipients: 2"))
    await stage.settle()
    await check_mail(stage.app)
    found = {one["what"]: one["finding"] for one in workspace.alert("mail-findings")}
    assert found[str(PARTNER)] == MailStanding.WILL_NOT_MAIL.value


async def test_a_channel_that_refuses_leaves_somebody_untold(workspace: Workspace, stage: Stage) -> None:
    refusing = Outside(fails=Permanent("410 gone"))
    await pause(stage.app, "olga", "an audit")
    await notify(stage.app, [refusing])
    (found,) = workspace.alert("notices-refused")
    assert found["channel"] == "webhook"
    assert "410 gone" in found["why"]


async def test_a_check_that_only_a_person_can_go_on_with_is_told_at_once(workspace: Workspace, stage: Stage) -> None:
    refused = Effect(status=400, body={"error": {"code": "Refused", "message": "x"}})
    anna = stage.hire("anna")
    stage.fault("arm", refused, method="POST")
    await stage.event_about(anna)
    assert raised(workspace) == ["check-needs-somebody"]
    (found,) = workspace.alert("check-needs-somebody")
    assert found["check"] == f"person:{anna}"
    assert found["outcome"] == "gave-up"


def test_a_wrong_setting_is_an_app_that_does_not_start(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Misconfigured), said_aloud():
        raise Misconfigured("settings", ["INVOICE_ACCESS_STORE: it is missing"])
    assert capsys.readouterr().err
    (found,) = workspace.alert("does-not-start")
    assert "INVOICE_ACCESS_STORE" in found["Message"]


async def test_every_panel_of_the_workbook_shows_a_day_with_everything_in_it(
    workspace: Workspace, set_stage: Callable[..., Stage]
) -> None:
    stage, heard = set_stage(), Heard()
    stage.app = telling(replace(stage.app, waits=lambda: {"graph": 1.5}), heard.telemetry)
    await stage.settle()
    stage.hire("anna")
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    stage.fault("arm", Effect(status=400, body={}), method="POST")
    await stage.event_about(stage.hire("boris"))
    heard.telemetry.measure(Measure.QUEUE_AGE, 3.0, queue="access-work")
    workspace.take_in(heard)
    empty = [title for title, query in PANELS.items() if not workspace.asked(query)]
    assert empty == []


def test_every_measure_and_fact_that_the_workbook_names_is_one_of_the_apps() -> None:
    names = {one.value.name: one.value for one in Measure}
    for title, query in PANELS.items():
        for name in re.findall(r'Name == "([^"]+)"', query):
            told = re.findall(r"Properties\[\"(\w+)\"\]", query)
            assert set(told) <= set(names[name].facts), title
            assert ("max(Max)" in query) is (names[name].kind in {Kind.GAUGE, Kind.HISTOGRAM}), title


def test_every_finding_that_a_query_names_is_one_of_the_apps() -> None:
    for name in ALERTS:
        text = (QUERIES / f"{name}.kql").read_text(encoding="utf-8")
        told = re.findall(r'findings\["([a-z-]+)"\]', text)
        for group in re.findall(r"finding in \(([^)]*)\)", text):
            told += re.findall(r'"([a-z-]+)"', group)
        assert set(told) <= {kind.value for kind in FindingKind}, name


def test_each_alert_has_a_rule_and_a_page_that_says_what_to_do() -> None:
    rules = (INFRA / "alerts.bicep").read_text(encoding="utf-8")
    page = (INFRA.parent / "docs" / "reference" / "alerts.md").read_text(encoding="utf-8")
    names = re.findall(r"^    name: '([a-z-]+)'$", rules, re.MULTILINE)
    assert sorted(re.findall(r"loadTextContent\('queries/([a-z-]+)\.kql'\)", rules)) == ALERTS
    assert set(ALERTS) | {"dead-letters", "rejected-events"} == set(names)
    assert re.findall(r"^## ([a-z-]+)$", page, re.MULTILINE) == names
    severities = dict(zip(names, re.findall(r"^    severity: (\d)$", rules, re.MULTILINE), strict=True))
    assert dict(re.findall(r"^\| \[([a-z-]+)\]\(#[a-z-]+\) \| (\d) \|", page, re.MULTILINE)) == severities
