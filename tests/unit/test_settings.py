"""Settings: read once, every mistake at once, and the page in docs tells the truth."""

from pathlib import Path

import pytest

from shared.errors import Misconfigured
from shared.settings import Settings

GOOD = {
    "INVOICE_ACCESS_STORE": "sqlite:ledger.db",
    "ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
}
FORMER = "7c0f5a0e-0000-4000-8000-0000000000bb"


def test_defaults_are_the_published_ones() -> None:
    settings = Settings.read(GOOD)
    assert settings.settle_seconds == 300
    assert settings.verify_seconds == (30, 120, 600)
    assert settings.arm_url == "https://management.azure.com"
    assert settings.former_identities == frozenset()


def test_every_mistake_is_listed_at_once_with_the_name_of_its_setting() -> None:
    with pytest.raises(Misconfigured) as caught:
        Settings.read(
            {
                "INVOICE_ACCESS_STORE": "postgres://somewhere",
                "INVOICE_ACCESS_ARM_URL": "http://management.azure.com",
                "INVOICE_ACCESS_SETTLE_SECONDS": "soon",
                "INVOICE_ACCESS_SETLE_SECONDS": "3",
            }
        )
    mistakes = "\n".join(caught.value.mistakes)
    assert len(caught.value.mistakes) == 5
    for name in (
        "INVOICE_ACCESS_STORE",
        "INVOICE_ACCESS_ARM_URL",
        "INVOICE_ACCESS_SETTLE_SECONDS",
        "INVOICE_ACCESS_SETLE_SECONDS",
        "ServiceBusConnection__fullyQualifiedNamespace",
    ):
        assert name in mistakes


@pytest.mark.parametrize("name", ["INVOICE_ACCESS_ARM_URL", "INVOICE_ACCESS_GRAPH_URL", "INVOICE_ACCESS_STORE"])
def test_plain_http_is_for_this_machine_only(name: str) -> None:
    assert "127.0.0.1" in str(Settings.read({**GOOD, name: "http://127.0.0.1:8080"}))
    with pytest.raises(Misconfigured, match=name):
        Settings.read({**GOOD, name: "http://127.0.0.1.example.com"})


def test_lists_are_written_with_commas_or_blanks() -> None:
    former = {"INVOICE_ACCESS_FORMER_IDENTITIES": f"{FORMER.upper()} {FORMER}"}
    settings = Settings.read({**GOOD, "INVOICE_ACCESS_VERIFY_SECONDS": "1, 2 3", **former})
    assert settings.verify_seconds == (1, 2, 3)
    assert settings.former_identities == {FORMER}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SETLE_SECONDS", "3", "no such setting; did you mean INVOICE_ACCESS_SETTLE_SECONDS?"),
        ("COLOUR", "red", "no such setting"),
        ("SETTLE_SECONDS", "abc", "'abc' is not a whole number"),
        ("SETTLE_SECONDS", "9" * 5000, f"'{'9' * 5000}' is not a whole number"),
        ("SETTLE_SECONDS", "5000", "5000 is more than 3600"),
        ("SETTLE_SECONDS", "-1", "-1 is less than 0"),
        ("VERIFY_SECONDS", "10, soon, later", "'soon' is not a whole number"),
        ("VERIFY_SECONDS", ",", "give it at least one number"),
        ("PART", "back", "'back' is not 'all', 'front' or 'core'"),
        ("STORE", "postgres://x", "give 'sqlite:<path>' or a table endpoint such as "),
        ("SUBSCRIPTIONS_SCHEDULE", "hourly", "give six NCRONTAB fields such as 0 30 * * * *, not 'hourly'"),
        (
            "FORMER_IDENTITIES",
            f"{FORMER}, abc",
            "'abc' is not an object id; it looks like 7c0f5a0e-0000-4000-8000-000000000001",
        ),
    ],
)
def test_a_mistake_is_one_line_in_our_own_words(name: str, value: str, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        Settings.read({**GOOD, f"INVOICE_ACCESS_{name}": value})
    (line,) = caught.value.mistakes
    assert line.startswith(f"INVOICE_ACCESS_{name}: {said}")
    assert line == f"INVOICE_ACCESS_{name}: {said}" or name == "STORE"


def test_a_required_setting_that_is_missing_is_to_be_given_a_value() -> None:
    with pytest.raises(Misconfigured) as caught:
        Settings.read({"INVOICE_ACCESS_STORE": "sqlite:ledger.db"})
    assert caught.value.mistakes == ("ServiceBusConnection__fullyQualifiedNamespace: give it a value",)


def test_the_sweep_is_hourly_unless_its_schedule_says_otherwise_and_a_wrong_one_is_told_with_the_others() -> None:
    assert Settings.read(GOOD).sweep_schedule == "0 0 * * * *"
    assert Settings.read({**GOOD, "SWEEP_SCHEDULE": "0 0 7 * * *"}).sweep_schedule == "0 0 7 * * *"
    with pytest.raises(Misconfigured) as caught:
        Settings.read({**GOOD, "INVOICE_ACCESS_SETTLE_SECONDS": "5000", "SWEEP_SCHEDULE": "every hour"})
    assert {mistake.partition(":")[0] for mistake in caught.value.mistakes} == {
        "INVOICE_ACCESS_SETTLE_SECONDS",
        "SWEEP_SCHEDULE",
    }


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.read({**GOOD, "AZURE_CLIENT_ID": " "}).client_id is None


def test_the_page_in_docs_names_every_setting_with_its_default_and_range() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = {
        cells[0].strip("`"): cells
        for line in page.splitlines()
        if line.startswith("| `") and (cells := [cell.strip() for cell in line.strip("|").split("|")])
    }
    for field in Settings.model_fields.values():
        row = rows[str(field.alias)]
        if field.is_required():
            assert row[1] == "**required**"
        elif isinstance(field.default, int):
            assert row[1] == str(field.default), field.alias
        limits = [getattr(limit, "ge", getattr(limit, "le", None)) for limit in field.metadata]
        assert all(str(limit) in row[2] for limit in limits if limit is not None), field.alias
