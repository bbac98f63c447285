"""Settings: read once, every mistake at once, and the page in docs tells the truth."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from shared.errors import Misconfigured
from shared.settings import (
    AzureSettings,
    NoticeSettings,
    PartSettings,
    Settings,
    SignInSettings,
    SourceSettings,
    StoreSettings,
    SweepSettings,
    TrialSettings,
)

GOOD = {
    "INVOICE_ACCESS_STORE": "sqlite:ledger.db",
    "ServiceBusConnection__fullyQualifiedNamespace": "contoso.servicebus.windows.net",
}
FORMER = "7c0f5a0e-0000-4000-8000-0000000000bb"


def names_of(group: type[BaseModel]) -> set[str]:
    return {str(field.alias) for field in group.model_fields.values()}


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


@pytest.mark.parametrize("name", ["INVOICE_ACCESS_ARM_URL", "INVOICE_ACCESS_GRAPH_URL"])
def test_plain_http_is_for_this_machine_only(name: str) -> None:
    assert "127.0.0.1" in str(Settings.read({**GOOD, name: "http://127.0.0.1:8080"}))
    with pytest.raises(Misconfigured, match=name):
        Settings.read({**GOOD, name: "http://127.0.0.1.example.com"})


ADDRESS = (
    "https://prod-1.westeurope.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sp=%2Frun&sig=S1gn4tur3"
)


def test_an_address_of_a_channel_is_shown_nowhere() -> None:
    settings = Settings.read({**GOOD, "INVOICE_ACCESS_TEAMS_URL": ADDRESS})
    assert settings.tells_somebody
    assert settings.teams_url is not None
    assert settings.teams_url.get_secret_value() == ADDRESS
    assert "S1gn4tur3" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert not Settings.read(GOOD).tells_somebody


@pytest.mark.parametrize("name", ["WEBHOOK_URL", "TEAMS_URL", "DIGEST_URL"])
@pytest.mark.parametrize(
    "wrong",
    [
        "http://hooks.example/?sig=S1gn4tur3",
        "https:///?sig=S1gn4tur3",
        "ftp://hooks.example/S1gn4tur3",
        "https://user:S1gn4tur3@hooks.example/",
        "https://hooks.example/#S1gn4tur3",
        "https://hooks.example:99999/S1gn4tur3",
        "https://[::1/S1gn4tur3",
        "https://hooks.example/ S1gn4tur3",
        "hooks.example/S1gn4tur3",
        "https://h\u00f6\u00f6ks.example/S1gn4tur3",
    ],
)
def test_what_can_be_no_address_of_a_channel_is_told_and_not_shown(name: str, wrong: str) -> None:
    with pytest.raises(Misconfigured) as told:
        Settings.read({**GOOD, f"INVOICE_ACCESS_{name}": wrong})
    assert "S1gn4tur3" not in f"{told.value} {told.value!r}"
    (mistake,) = told.value.mistakes
    assert mistake.startswith(f"INVOICE_ACCESS_{name}: ")
    assert "https://" in mistake


@pytest.mark.parametrize("wrong", ["http://page.example", "https://page.example/?a=b", "page.example", "javascript:0"])
def test_the_page_s_address_is_one_that_paths_can_be_added_to(wrong: str) -> None:
    assert Settings.read({**GOOD, "INVOICE_ACCESS_PAGE_URL": "https://a.example/x/"}).page_url == "https://a.example/x"
    with pytest.raises(Misconfigured, match="INVOICE_ACCESS_PAGE_URL: give the page's https:// address"):
        Settings.read({**GOOD, "INVOICE_ACCESS_PAGE_URL": wrong})


def test_a_language_that_the_app_does_not_speak_is_told() -> None:
    assert Settings.read({**GOOD, "INVOICE_ACCESS_LANGUAGE": "nl"}).language == "nl"
    with pytest.raises(Misconfigured, match=r"INVOICE_ACCESS_LANGUAGE: .*'en', 'nl' or 'sv'"):
        Settings.read({**GOOD, "INVOICE_ACCESS_LANGUAGE": "da"})


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
        ("PART", "back", "'back' is not 'all', 'front', 'core' or 'desk'"),
        ("STORE", "postgres://x", "give 'sqlite:<path>' or a table endpoint such as "),
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


def test_the_sweep_is_hourly_by_default_and_a_wrong_schedule_is_told_with_the_rest() -> None:
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
    page = (Path(__file__).parents[3] / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
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
    assert {name for name in rows if name.startswith("INVOICE_ACCESS_")} <= names_of(Settings)


@pytest.mark.parametrize(
    ("title", "group"),
    [
        ("Store", StoreSettings),
        ("Parts", PartSettings),
        ("Page", SignInSettings),
        ("Sources", SourceSettings),
        ("Policy, Azure and Graph", AzureSettings),
        ("Notices", NoticeSettings),
        ("Sweep", SweepSettings),
        ("For trials", TrialSettings),
    ],
)
def test_the_page_in_docs_has_the_groups_of_the_code(title: str, group: type[BaseModel]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    inherited = set().union(*(names_of(base) for base in group.__bases__ if issubclass(base, BaseModel)))
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == names_of(group) - inherited


@pytest.mark.parametrize("name", ["PACE_SECONDS", "SWEEP_HOURS", "HANDLER_SECONDS", "SEND_SECONDS"])
def test_a_name_that_only_ends_as_a_setting_does_is_not_taken_for_it(name: str) -> None:
    assert mistake(f"INVOICE_ACCESS_{name}", "5") == f"INVOICE_ACCESS_{name}: no such setting"


KEY_VAULT = "@Microsoft.KeyVault(VaultName=kv-contoso;SecretName=hr-keys)"


def mistake(name: str, value: str, **others: str) -> str:
    """The one line that the start is stopped with."""
    with pytest.raises(Misconfigured) as caught:
        Settings.read({**GOOD, **others, name: value})
    (line,) = caught.value.mistakes
    assert line.startswith(f"{name}: ")
    return line


@pytest.mark.parametrize("reference", [KEY_VAULT, "@microsoft.appconfiguration(Endpoint=https://x.azconfig.io; Key=a)"])
@pytest.mark.parametrize("name", [str(field.alias) for field in Settings.model_fields.values()])
def test_a_reference_that_the_platform_did_not_resolve_is_no_value_of_any_setting(name: str, reference: str) -> None:
    line = mistake(name, reference)
    assert "did not resolve" in line
    assert reference not in line


@pytest.mark.parametrize("name", ["ServiceBusConnection__clientId", "AzureWebJobsStorage__accountName"])
def test_the_hosts_own_settings_are_judged_as_well(name: str) -> None:
    assert "did not resolve" in mistake(name, KEY_VAULT)
    assert "placeholder" in mistake(name, "<yours>")
    if name.endswith("__clientId"):
        assert "is not a client id" in mistake(name, "invoice-access")


def test_the_sample_copied_unchanged_names_every_placeholder_and_fixed_it_is_taken() -> None:
    sample = json.loads((Path(__file__).parents[3] / "local.settings.sample.json").read_text())["Values"]
    with pytest.raises(Misconfigured) as caught:
        Settings.read(sample)
    named = {line.partition(":")[0] for line in caught.value.mistakes}
    assert named == {name for name, value in sample.items() if "<" in value}
    assert all("placeholder" in line for line in caught.value.mistakes)
    host = {f"AzureWebJobsStorage__{part}" for part in ("accountName", "credential", "clientId")}
    assert host <= sample.keys()
    assert sample["AzureWebJobsStorage__accountName"] not in sample["INVOICE_ACCESS_STORE"]
    guid = "7c0f5a0e-0000-4000-8000-000000000001"
    fixed = {
        name: guid if "<client id" in value else re.sub("<.*>", "contoso", value) for name, value in sample.items()
    }
    assert Settings.read(fixed).client_id == guid


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ServiceBusConnection__fullyQualifiedNamespace", "contoso", "give the namespace's host name"),
        ("ServiceBusConnection__fullyQualifiedNamespace", "contoso.servicebus.windows.net\n", "a line end"),
        ("ServiceBusConnection__fullyQualifiedNamespace", " contoso.servicebus.windows.net", "a blank"),
        ("ServiceBusConnection__fullyQualifiedNamespace", "contoso.servicebus windows.net", "give the namespace's"),
        ("AZURE_CLIENT_ID", "<client id>", "placeholder"),
        ("AZURE_CLIENT_ID", "not-a-guid", "'not-a-guid' is not a client id"),
        ("AZURE_CLIENT_ID", f" {FORMER} ", "a blank"),
        ("INVOICE_ACCESS_STORE", "https://acct.blob.core.windows.net", "this is its blob"),
        ("INVOICE_ACCESS_STORE", "https://acct.queue.core.windows.net", "this is its queue"),
        ("INVOICE_ACCESS_STORE", "https://acct.table.core.windows.net/ledger", "give 'sqlite:<path>' or a table"),
        ("INVOICE_ACCESS_STORE", "http://127.0.0.1:10002/devstoreaccount1", "give https://"),
        ("INVOICE_ACCESS_STORE", "http://acct.table.core.windows.net", "give https://"),
        ("INVOICE_ACCESS_ARM_URL", "https://management.usgovcloudapi.net", "give https://management.azure.com"),
        ("INVOICE_ACCESS_ARM_URL", "https://management.azure.com/subscriptions", "give https://management.azure.com"),
        ("INVOICE_ACCESS_ARM_URL", "https://management.azure.com.evil.example", "give https://management.azure.com"),
        ("INVOICE_ACCESS_GRAPH_URL", "https://graph.microsoft.us", "give https://graph.microsoft.com"),
        ("INVOICE_ACCESS_GRAPH_URL", "https://graph.microsoft.com/v1.0", "give https://graph.microsoft.com"),
        ("INVOICE_ACCESS_VERIFY_SECONDS", "-5 30", "-5 is less than 1"),
        ("INVOICE_ACCESS_OUTAGE_SECONDS", "601", "601 is more than 600"),
        ("SWEEP_SCHEDULE", "a b c d e f", "NCRONTAB has no 'a' for seconds; give 0 to 59"),
        ("SWEEP_SCHEDULE", "61 99 * * * *", "NCRONTAB has no '61' for seconds"),
        ("SWEEP_SCHEDULE", "0 0 * * * 8", "NCRONTAB has no '8' for weekdays"),
        ("SWEEP_SCHEDULE", "0 0 * * * 7", "NCRONTAB has no '7' for weekdays"),
        ("SWEEP_SCHEDULE", "0 0 * L * *", "NCRONTAB has no 'L' for days of the month"),
        ("SWEEP_SCHEDULE", "0 0 * 15W * *", "NCRONTAB has no '15W'"),
        ("SWEEP_SCHEDULE", "0 R * * * *", "NCRONTAB has no 'R'"),
        ("SWEEP_SCHEDULE", "0 */0 * * * *", "NCRONTAB has no step '0'"),
        ("SWEEP_SCHEDULE", "%SWEEP_SCHEDULE%", "give six NCRONTAB fields"),
        ("SWEEP_SCHEDULE", "0 * * * *", "give six NCRONTAB fields"),
        ("SWEEP_SCHEDULE", "0 0 * 31 2 *", "it never fires"),
        ("SWEEP_SCHEDULE", "* */15 * * * *", "60 times within a minute"),
        ("SWEEP_SCHEDULE", "*/10 * * * * *", "6 times within a minute"),
        ("SWEEP_SCHEDULE", "0 0 * * * Mon-Fri", "give one that fires at least once a day: it rests for up to 49 hours"),
        ("INVOICE_ACCESS_SWEEP_SCHEDULE", "0 0 * * * *", "no such setting; did you mean SWEEP_SCHEDULE?"),
        ("SWEEP_SHEDULE", "0 0 * * * *", "no such setting; did you mean SWEEP_SCHEDULE?"),
        ("AZURE_CLIENTID", FORMER, "no such setting; did you mean AZURE_CLIENT_ID?"),
        ("INVOICE_ACESS_SWEEP_BATCH", "2", "no such setting; did you mean INVOICE_ACCESS_SWEEP_BATCH?"),
        ("invoice_access_sweep_batch", "2", "no such setting; did you mean INVOICE_ACCESS_SWEEP_BATCH?"),
    ],
)
def test_what_cannot_be_right_stops_the_start_and_says_what_to_give(name: str, value: str, said: str) -> None:
    assert said in mistake(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INVOICE_ACCESS_STORE", "https://acct.table.core.windows.net?sv=2022&sig=hunter2"),
        ("INVOICE_ACCESS_STORE", "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=hunter2"),
        ("ServiceBusConnection__fullyQualifiedNamespace", "Endpoint=sb://x.y/;SharedAccessKey=hunter2"),
        ("INVOICE_ACCESS_ARM_URL", "https://me:hunter2@management.azure.com"),
        ("INVOICE_ACCESS_SETTLE_SECONDS", "SharedAccessKey=hunter2"),
    ],
)
def test_a_secret_in_a_setting_that_has_none_is_not_shown(name: str, value: str) -> None:
    assert "hunter2" not in mistake(name, value)


def test_settings_that_contradict_each_other_are_told() -> None:
    with pytest.raises(Misconfigured, match="give at least INVOICE_ACCESS_OUTAGE_SECONDS, which is 60"):
        Settings.read({**GOOD, "INVOICE_ACCESS_OUTAGE_SECONDS": "60"})


@pytest.mark.parametrize("schedule", ["0 0 22-2 * * *", "0 0 2-22 * * *", "30 */30 * * * *", "0 0 * * * Sunday-sat"])
def test_schedules_that_the_platform_takes_are_taken_as_it_reads_them(schedule: str) -> None:
    """`22-2` is 2 to 22."""
    assert Settings.read({**GOOD, "SWEEP_SCHEDULE": schedule}).sweep_schedule == schedule


@pytest.mark.parametrize(
    ("schedule", "sweep_hours", "catalogue_hours"),
    [
        ("0 */5 * * * *", 1, 3),
        ("0 0 * * * *", 1, 3),
        ("0 0 */3 * * *", 3, 3),
        ("0 30 */2,23 * * *", 2, 3),
        ("0 0 8-18 * * *", 14, 14),
        ("0 0 7 * * *", 24, 24),
    ],
)
def test_what_changes_between_two_sweeps_follows_from_their_schedule(
    schedule: str, sweep_hours: int, catalogue_hours: int
) -> None:
    settings = Settings.read({**GOOD, "SWEEP_SCHEDULE": schedule})
    assert (settings.sweep_hours, settings.catalogue_hours) == (sweep_hours, catalogue_hours)


def test_secrets_are_parted_by_blanks_and_may_hold_anything_else() -> None:
    one, two = "a-secret;with,signs-in-it", "another-secret-<of>-managed"
    (first, second) = Settings.read({**GOOD, "INVOICE_ACCESS_HR_KEYS": f"{one} \n{two}"}).hr_keys
    assert (first.get_secret_value(), second.get_secret_value()) == (one, two)


@pytest.mark.parametrize("name", ["AZURE_TENANT_ID", "ARM_CLIENT_ID", "AZURE_CLIENT_SECRET", "SWEEP", "INVOICES"])
def test_a_variable_of_somebody_else_is_none_of_ours(name: str) -> None:
    Settings.read({**GOOD, name: "x"})
