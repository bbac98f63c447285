"""Settings: read once, every mistake at once, and the page in docs tells the truth."""

from pathlib import Path

import pytest

from shared.errors import Misconfigured
from shared.settings import Settings

GOOD = {
    "INVOICE_ACCESS_STORE": "sqlite:ledger.db",
    "ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
}


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
    settings = Settings.read(
        {**GOOD, "INVOICE_ACCESS_VERIFY_SECONDS": "1, 2 3", "INVOICE_ACCESS_FORMER_IDENTITIES": "AAAA bbbb"}
    )
    assert settings.verify_seconds == (1, 2, 3)
    assert settings.former_identities == {"aaaa", "bbbb"}


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
