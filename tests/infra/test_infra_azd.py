"""azure.yaml, the parameters that azd fills in, and what stops `azd up` before anything is made."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it says nothing of its types
import pytest
from ruamel.yaml import YAML

from deploy import package
from deploy.preflight import (
    CHECKS,
    KEY_SOURCES,
    OUTPUTS,
    SECRETS,
    SET_BY_INFRA,
    main,
    mistakes,
    own_names,
    wrong_settings,
)
from shared.settings import SECRET_NAMES, Settings
from shared.settings_mistakes import no_such_setting
from shared.sources.registry import SOURCES
from shared.sources.signatures import FunctionKey
from tests.infra.bicep_tree import INFRA, ROOT, bicep_files, trees
from tests.infra.deployments import Infra, of_type, settings_of

SCHEMA = json.loads((Path(__file__).parent / "published" / "azure.yaml.schema.json").read_text(encoding="utf-8"))
AZD: dict[str, Any] = YAML(typ="safe").load((ROOT / "azure.yaml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LAYERS = {"kept": INFRA / "kept", "app": INFRA}
GOOD = {"AZURE_ENV_NAME": "contoso", "AZURE_LOCATION": "westeurope"}
POLICY = ROOT / "policy.yaml"
CHOSEN = {name for name in CHECKS if not name.startswith("AZURE_")}
"""What somebody chooses. It is put out as well, so that a refreshed environment on another machine has it."""


def parameters_of(layer: str) -> dict[str, str]:
    """What azd gives each parameter of a layer."""
    file = json.loads((LAYERS[layer] / "main.parameters.json").read_text(encoding="utf-8"))
    return {name: each["value"] for name, each in file["parameters"].items()}


def declared(layer: str) -> dict[str, Any]:
    path = {"kept": "kept/main.bicep", "app": "main.bicep"}[layer]
    return trees({path: bicep_files()[path]})[path]


def test_azure_yaml_is_as_azd_s_schema_says() -> None:
    jsonschema.validate(AZD, SCHEMA)
    assert set(AZD) <= set(SCHEMA["properties"])


@pytest.mark.parametrize(
    "mistake",
    [
        {"services": {"app": {"host": "function", "project": "x", "env": {"A": "b"}}}},
        {"services": {"app": {"host": "function", "language": "python"}}},
        {"infra": {"layers": [{"name": "kept", "folder": "infra/kept"}]}},
        {"hooks": {"preprovision": {"shell": "bash", "run": "make preflight"}}},
        {"hooks": {"beforeprovision": {"shell": "sh", "run": "make preflight"}}},
    ],
)
def test_the_schema_notices_a_mistake(mistake: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(AZD | mistake, SCHEMA)


@pytest.fixture(scope="module")
def infra() -> Infra:
    texts = bicep_files()
    return Infra(texts, trees(texts))


def test_every_service_has_the_one_app_with_its_tag_and_the_prebuilt_package(infra: Infra) -> None:
    sites = of_type(infra.whole, "Microsoft.Web/sites")
    assert sorted(site.config["tags"]["azd-service-name"] for site in sites) == sorted(AZD["services"])
    for service in AZD["services"].values():
        assert (service["host"], service["remoteBuild"], service["project"]) == ("function", False, "build/app")
    assert {name: each.get("condition") for name, each in AZD["services"].items()} == {
        "app": None,
        "front": "${FRONT_APART}",
        "desk": "${DESK}",
    }


def test_hooks_run_targets_of_the_makefile_and_the_check_comes_first() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for hook in AZD["hooks"].values():
        called = re.findall(r"make ([a-z-]+)", hook["run"])
        assert set(called) <= targets
        assert called[0] == "preflight"
    for name in ("prepackage", "predeploy"):  # `azd up` runs both, `azd deploy` the second alone
        assert "make azd-package" in AZD["hooks"][name]["run"]
    recipe = re.search(r"^package: .*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe is not None
    assert "build/app/.funcignore" in recipe[1], "without that file azd leaves the bytecode out"


def test_a_package_is_made_anew_where_anything_that_ships_has_changed() -> None:
    named = re.search(r"^SHIPPED := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert named is not None
    assert set(package.SHIPPED) <= set(named[1].split())
    assert f"find {' '.join(package.SHIPPED_FOLDERS)} " in named[1]
    assert "build/app/.funcignore: $(SHIPPED)" in MAKEFILE


@pytest.mark.parametrize("layer", LAYERS)
def test_azd_gives_a_layer_every_parameter_by_a_name_that_is_checked_or_put_out(layer: str) -> None:
    parameters = parameters_of(layer)
    assert set(parameters) == set(declared(layer)["parameters"])
    names = {re.fullmatch(r"\$\{(\w+)(=\w+)?\}", value)[1] for value in parameters.values()}  # type: ignore[index]
    assert names <= set(CHECKS) | OUTPUTS


def test_what_was_chosen_is_put_out_by_its_own_name() -> None:
    """Else a deployment from another machine would take the defaults, and take down what was chosen."""
    for layer in LAYERS:
        given = {re.sub(r"=.*|[${}]", "", value): name for name, value in parameters_of(layer).items()}
        outputs = declared(layer)["outputs"]
        for name in CHOSEN & set(outputs):
            assert outputs[name]["value"] == given[name], name


def test_azd_s_defaults_are_those_of_the_template() -> None:
    for layer in LAYERS:
        bicep = declared(layer)["parameters"]
        for name, value in parameters_of(layer).items():
            if "=" in value:
                default = str(bicep[name]["default"]).removeprefix("§")
                assert value.partition("=")[2].rstrip("}") == {"True": "true", "False": "false"}.get(default, default)


def test_layers_put_out_what_the_check_knows_and_the_second_takes_the_firsts() -> None:
    first, second = (set(declared(layer)["outputs"]) for layer in ("kept", "app"))
    assert first | second == OUTPUTS | CHOSEN
    taken = {value.strip("${}") for value in parameters_of("app").values()} & OUTPUTS
    assert taken <= first


def test_the_layers_are_in_the_order_in_which_they_are_made() -> None:
    layers = AZD["infra"]["layers"]
    assert [(layer["name"], ROOT / layer["path"]) for layer in layers] == list(LAYERS.items())
    assert layers[1]["dependsOn"] == ["kept"]


def test_what_the_check_knows_is_what_infra_and_the_sources_know() -> None:
    assert set(re.findall(r"contains\(secretsInVault, '([a-z-]+)'\)", bicep_files()["part.bicep"])) == set(SECRETS)
    assert {source.name for source in SOURCES if isinstance(source.proof, FunctionKey)} == set(KEY_SOURCES)


def test_an_environment_of_azd_s_does_not_disturb_the_command_line() -> None:
    """An operator takes it over whole: `eval "$(azd env get-values)"`."""
    known = {str(field.alias) for field in Settings.model_fields.values()}
    assert {name: said for name in {*CHECKS, *OUTPUTS} if (said := no_such_setting(name, known)) is not None} == {}


# --- what stops `azd up` -------------------------------------------------------------------------


def said(**given: str) -> list[str]:
    return mistakes({**GOOD, **given}, frozenset(), POLICY)


def test_this_project_may_be_deployed_as_it_is() -> None:
    assert said() == []
    ahead = (datetime.now(UTC) + timedelta(days=300)).strftime("%Y-%m-%dT00:00:00Z")
    desk = {"DESK": "true", "DESK_APP_CLIENT_ID": "7c0f5a0e-0000-4000-8000-0000000000cc"}
    assert said(SECRETS=" hr-keys graph-client-states", PARTNER_AUTHORIZED_UNTIL=ahead, **desk) == []


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("AZURE_ENV_NAME", "", "is no name for an environment"),
        ("AZURE_ENV_NAME", "Contoso", "is no name for an environment"),
        ("AZURE_ENV_NAME", "a-name-of-21-letters-", "2 to 20 small letters"),
        ("AZURE_LOCATION", "West Europe", "write it as Azure does, such as westeurope"),
        ("AZURE_SUBSCRIPTION_ID", "contoso", "is no subscription id; it looks like"),
        ("FRONT_APART", "yes", "give true or false, not 'yes'"),
        ("DESK", "True", "give true or false"),
        ("DESK_APP_CLIENT_ID", "api://desk", "is no client id"),
        ("SECRETS", "hr-key", "'hr-key' is not known, did you mean hr-keys?"),
        ("SECRETS", "hr-keys,personio-secrets", "is not known"),
        ("SECRETS", "hr-keys hr-keys", "it names one twice"),
        ("FUNCTION_KEY_SOURCES", "eventgrid", "did you mean event-grid?"),
        ("ALERT_EMAIL", "finance", "is no address"),
        ("SWEEP_WINDOW", "3h", "is none of PT2H"),
        ("VNET", "1", "give true or false"),
        ("ALWAYS_READY", "2", "give true or false"),
        ("TELEMETRY", "on", "give true or false"),
        ("LEDGER_SKU", "Premium_LRS", "is none of Standard_LRS"),
        ("PARTNER_AUTHORIZED_UNTIL", "2027", "is no time in UTC"),
        ("PARTNER_AUTHORIZED_UNTIL", "2020-01-01T00:00:00Z", "has to lie ahead, by 365 days at most"),
        ("PARTNER_AUTHORIZED_UNTIL", "2999-01-01T00:00:00Z", "has to lie ahead, by 365 days at most"),
        ("PARTNER_TOPIC", "a topic", "is no name of a partner topic"),
    ],
)
def test_a_wrong_value_is_told_by_its_name(name: str, value: str, told: str) -> None:
    (line,) = said(**{name: value})
    assert line.startswith(f"{name}: ")
    assert told in line


def test_every_name_has_a_wrong_value_among_those() -> None:
    (mark,) = test_a_wrong_value_is_told_by_its_name.pytestmark  # type: ignore[attr-defined]
    assert {name for name, *_ in mark.args[1]} == set(CHECKS)


def test_the_desk_needs_its_app_registration() -> None:
    (line,) = said(DESK="true")
    assert line.startswith("DESK_APP_CLIENT_ID: ")


def test_every_mistake_is_told_at_once() -> None:
    assert len(said(AZURE_ENV_NAME="X", DESK="true", VNET="no", SECRETS="?")) == 4


def test_a_name_that_only_resembles_one_is_told() -> None:
    (line,) = mistakes(GOOD, frozenset({"ALERT_MAIL", "AZURE_PRINCIPAL_TYPE", "APP_NAME", "EDITOR"}), POLICY)
    assert line == "ALERT_MAIL: nothing here is called that; did you mean ALERT_EMAIL?"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 1\naccounts: all\nenforce: all\nrules: []\n", "the first deployment observes"),
        ("version: 1\naccounts: all\nenforce: none\nrulez: []\n", "rulez"),
        (None, "it is part of the package, and cannot be read"),
    ],
)
def test_a_policy_that_is_wrong_or_would_write_at_once_stops_it(text: str | None, told: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    found = mistakes(GOOD, frozenset(), file)
    assert found
    assert all(line.startswith("policy.yaml: ") for line in found)
    assert told in "\n".join(found)


def test_a_policy_may_enforce_once_the_app_is_there(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY.read_text(encoding="utf-8").replace("enforce: none", "enforce: all"), encoding="utf-8")
    assert mistakes({**GOOD, "APP_NAME": "contoso-all-x"}, frozenset(), file) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "it is no JSON"),
        ("[]", "give names and texts"),
        ('{"INVOICE_ACCESS_SETTLE_SECONDS": 5}', "give names and texts"),
        ('{"INVOICE_ACCESS_SETLE_SECONDS": "5"}', "INVOICE_ACCESS_SETLE_SECONDS: there is no such setting"),
        ('{"INVOICE_ACCESS_SETTLE_SECONDS": "soon"}', "INVOICE_ACCESS_SETTLE_SECONDS: 'soon' is not a whole number"),
        ('{"INVOICE_ACCESS_HR_KEYS": "0123456789abcdef"}', "INVOICE_ACCESS_HR_KEYS: it is a secret"),
        ('{"INVOICE_ACCESS_PART": "core"}', "INVOICE_ACCESS_PART: infra/part.bicep sets it"),
    ],
)
def test_a_setting_that_a_deployment_adds_is_judged_as_the_app_would(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(text, encoding="utf-8")
    (line,) = wrong_settings(file)
    assert line.startswith("settings.json: ")
    assert told in line


def test_a_deployment_may_add_settings_and_adds_none_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"SWEEP_SCHEDULE": "0 0 */2 * * *", "INVOICE_ACCESS_RETRY_HOURS": "48"}', encoding="utf-8")
    assert wrong_settings(file) == []
    assert json.loads((INFRA / "settings.json").read_text(encoding="utf-8")) == {}


def test_what_infra_sets_is_what_the_check_takes_for_set(infra: Infra) -> None:
    known = {str(field.alias) for field in Settings.model_fields.values()}
    given = {name for made in infra.each for settings in settings_of(made).values() for name in settings}
    assert given & known - SECRET_NAMES - SET_BY_INFRA == set()
    assert given >= SET_BY_INFRA - SECRET_NAMES


def test_the_hook_fails_with_the_names_and_says_that_nothing_was_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (*CHECKS, "APP_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert main() == 1
    told = capsys.readouterr().err
    assert told.startswith("AZURE_ENV_NAME: ")
    assert "Nothing was made." in told
    monkeypatch.setenv("AZURE_ENV_NAME", "contoso")
    assert main() == 0


def test_an_environment_s_own_names_are_those_in_azd_s_file() -> None:
    assert own_names({"AZURE_ENV_NAME": "an-environment-that-is-not-there"}) == frozenset()


def test_the_page_names_everything_that_can_be_set() -> None:
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == set(CHECKS) - {"AZURE_SUBSCRIPTION_ID"}
