"""What a deployment watches with: telemetry's switch as its page has it, alerts for whoever is named, a workbook."""

from collections.abc import Sequence

import pytest

from cli.describe_telemetry import SETTINGS
from tests.infra.bicep_tree import bicep_files, trees
from tests.infra.deployments import Infra, of_type, settings_of
from tests.infra.expanded import Made
from tests.workspace import ALERTS, QUERIES


@pytest.fixture(scope="module")
def infra() -> Infra:
    texts = bicep_files()
    return Infra(texts, trees(texts))


def test_the_telemetry_switch_sets_what_its_page_says_and_only_where_it_is_asked_for(infra: Infra) -> None:
    for settings in settings_of(infra.whole).values():
        assert {name: settings.get(name) for name in SETTINGS} == SETTINGS
    for settings in settings_of(infra.smallest).values():
        assert set(settings).isdisjoint(SETTINGS)
        assert "APPLICATIONINSIGHTS_CONNECTION_STRING" in settings


def test_every_alert_is_made_on_its_query_and_tells_whoever_is_named(infra: Infra) -> None:
    rules = {one.name.removeprefix("invoice-access-"): one for one in _rules(infra.whole)}
    assert sorted(rules) == ALERTS
    (people,) = of_type(infra.whole, "Microsoft.Insights/actionGroups")
    for name, rule in rules.items():
        told = rule.config["properties"]
        (condition,) = told["criteria"]["allOf"]
        assert condition["query"] == (QUERIES / f"{name}.kql").read_text(encoding="utf-8")
        assert (condition["timeAggregation"], condition["operator"], condition["threshold"]) == (
            "Count",
            "GreaterThan",
            0,
        )
        assert told["actions"]["actionGroups"] == [people.id]
        assert told["actions"]["customProperties"] == {"runbook": f"docs/reference/alerts.md#{name}"}
        assert told["scopes"] == [_workspace(infra.whole)]


def test_the_queues_own_figures_are_watched_for_dead_letters_and_rejected_events(infra: Infra) -> None:
    found = {}
    for rule in of_type(infra.whole, "Microsoft.Insights/metricAlerts"):
        (condition,) = rule.config["properties"]["criteria"]["allOf"]
        (queues,) = condition["dimensions"]
        found[rule.name] = (condition["metricName"], queues["values"])
    assert found == {
        "invoice-access-dead-letters": (
            "DeadletteredMessages", ["people-events", "access-work", "rejected-events"]
        ),
        "invoice-access-rejected-events": ("ActiveMessages", ["rejected-events"]),
    }  # fmt: skip


def test_without_an_address_there_are_the_same_alerts_and_nobody_is_told(infra: Infra) -> None:
    assert of_type(infra.smallest, "Microsoft.Insights/actionGroups") == []
    assert len(_rules(infra.smallest)) == len(ALERTS)
    assert all(one.config["properties"]["actions"]["actionGroups"] == [] for one in _rules(infra.smallest))


def test_the_workbook_is_on_the_workspace_that_the_app_logs_to(infra: Infra) -> None:
    (workbook,) = of_type(infra.smallest, "Microsoft.Insights/workbooks")
    assert workbook.config["properties"]["sourceId"] == _workspace(infra.smallest)
    assert workbook.config["properties"]["serializedData"] == (QUERIES.parent / "workbook.json").read_text(
        encoding="utf-8"
    )


def _rules(made: Sequence[Made]) -> list[Made]:
    return of_type(made, "Microsoft.Insights/scheduledQueryRules")


def _workspace(made: Sequence[Made]) -> str:
    (found,) = of_type(made, "Microsoft.OperationalInsights/workspaces")
    return found.id
