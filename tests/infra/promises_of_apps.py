"""What a deployment promises about its apps: settings, Flex Consumption, sign-in."""

import re
import tomllib
from collections.abc import Sequence
from typing import Final

from shared.settings import Settings
from tests.infra.azure_facts import NOT_ON_FLEX, PLATFORM
from tests.infra.bicep_tree import ROOT
from tests.infra.deployments import EVERYTHING, Infra, Promise, is_settings, of_type, settings_of
from tests.infra.expanded import SUFFIX

READY: Final = {
    "all": {"http", "function:intake", "function:reconcile"},
    "core": {"function:intake", "function:reconcile"},
    "front": {"http"},
    "desk": set[str](),
}
"""What an instance can be kept ready for, by part. A test asks the app whether it has these functions."""


def settings_are_those_that_the_code_reads(infra: Infra) -> list[str]:
    """Names that the app or the platform knows, none that Flex breaks on, whole connections, no key anywhere."""
    known = {str(field.alias) for field in Settings.model_fields.values()} | PLATFORM
    wrong = []
    for made in infra.each:
        for part, settings in settings_of(made).items():
            wrong += [f"{part}: {name} is on no list" for name in settings if name not in known]
            wrong += [f"{part}: {name} must not be there" for name in settings if name in NOT_ON_FLEX]
            for connection, place in (("AzureWebJobsStorage", "accountName"), ("ServiceBusConnection", "fully")):
                named = {name.partition("__")[2] for name in settings if name.startswith(f"{connection}__")}
                if not {"credential", "clientId"} < named or not any(name.startswith(place) for name in named):
                    wrong.append(f"{part}: {connection} is not whole: {sorted(named)}")
            own = settings.get("AZURE_CLIENT_ID")
            wrong += [
                f"{part}: {name} is another identity than AZURE_CLIENT_ID"
                for name in settings
                if name.endswith("__clientId") and settings[name] != own
            ]
    for name, text in infra.texts.items():
        wrong += [f"{name}: {word}" for word in ("listKeys(", "AccountKey", "SharedAccessKey") if word in text]
    return wrong


def each_part_has_what_it_needs_and_no_more(infra: Infra) -> list[str]:
    """The store for who uses it, secrets as references for who reads them: none for the desk."""
    whole, one = settings_of(infra.whole), settings_of(infra.in_one)
    if set(whole) != {"core", "front", "desk"} or set(one) != {"all"} or set(settings_of(infra.smallest)) != {"all"}:
        return ["the parts are not core, front and desk, or all"]
    senders = {
        f"INVOICE_ACCESS_{name}" for name in ("GRAPH_CLIENT_STATES", "HR_KEYS", "BAMBOOHR_KEYS", "PERSONIO_SECRETS")
    }
    told = {f"INVOICE_ACCESS_{name}" for name in ("WEBHOOK_URL", "TEAMS_URL", "DIGEST_URL")}
    secret = senders | told
    both = told | {"INVOICE_ACCESS_STORE", "INVOICE_ACCESS_NOTIFICATION_URL"}
    expected = {
        "all": senders | both | {"INVOICE_ACCESS_FUNCTION_KEY_SOURCES"},
        "core": both | {"INVOICE_ACCESS_GRAPH_CLIENT_STATES", "INVOICE_ACCESS_PAGE_URL"},
        "front": senders | {"INVOICE_ACCESS_FUNCTION_KEY_SOURCES"},
        "desk": {"INVOICE_ACCESS_STORE", "INVOICE_ACCESS_DESK_TENANT", "INVOICE_ACCESS_DESK_AUDIENCE"},
    }
    wrong = []
    for part, settings in (whole | one).items():
        own = {name for name in settings if name.startswith("INVOICE_ACCESS_")} - {"INVOICE_ACCESS_PART"}
        if own != expected[part]:
            wrong.append(f"{part}: {sorted(own ^ expected[part])}")
        wrong += [
            f"{part}: {name} is no reference to the vault"
            for name in own & secret
            # With a slash behind the name: without, the platform was seen to keep an old version after a rotation.
            if not re.fullmatch(r"@Microsoft\.KeyVault\(SecretUri=<Microsoft.KeyVault/vaults .+/\)", settings[name])
        ]
    if any("KeyVault" in value for value in settings_of(infra.smallest)["all"].values()):
        wrong.append("a reference to a secret that is not there yet would stop the first start")
    return wrong


def an_app_is_told_nothing_that_flex_refuses(infra: Infra) -> list[str]:
    """SiteConfig has what Flex takes in every region, and the app's Flex configuration is whole."""
    python = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    wrong = []
    for made in infra.each:
        ready = 0
        for app in of_type(made, "Microsoft.Web/sites"):
            site = app.config["properties"]
            flex = site["functionAppConfig"]
            (identity,) = app.config["identity"]["userAssignedIdentities"]
            package, scale = flex["deployment"]["storage"], flex["scaleAndConcurrency"]
            part = app.name.split("-")[1]
            ready += len(scale["alwaysReady"])
            facts = {
                "siteConfig": site["siteConfig"] == {"minTlsVersion": "1.2"},
                "kind": app.config["kind"] == "functionapp,linux",
                "runtime": f">={flex['runtime']['version']}," in python and flex["runtime"]["name"] == "python",
                "memory": scale["instanceMemoryMB"] in {2048, 4096},  # 512 was refused by the service in 2026
                "package": package["type"] == "blobContainer" and f"st{part}{SUFFIX}" in package["value"],
                "package's identity": package["authentication"]
                == {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": identity},
                "references' identity": site["keyVaultReferenceIdentity"] == identity,
                "always ready": {each["name"] for each in scale["alwaysReady"]} in (set(), READY[part]),
            }
            wrong += [f"{app.name}: {fact}" for fact, holds in facts.items() if not holds]
        if (ready > 0) == (made is infra.smallest):
            wrong.append("instances are always ready without being asked for, or are not when they are")
        plans = of_type(made, "Microsoft.Web/serverfarms")
        if [plan.config["sku"] for plan in plans] != [{"name": "FC1", "tier": "FlexConsumption"}] * len(plans):
            wrong.append("a plan is not of Flex Consumption")
        if len(plans) != len(of_type(made, "Microsoft.Web/sites")):
            wrong.append("a plan of Flex Consumption takes one app")
    return wrong


def only_the_desk_signs_people_in_and_nothing_of_it_is_open(infra: Infra) -> list[str]:
    """App Service authentication on the whole desk; the other routes prove their senders themselves."""
    wrong = []
    for made in infra.each:
        found = [each for each in of_type(made, "Microsoft.Web/sites/config") if not is_settings(each)]
        if [each.name for each in found] != [f"contoso-desk-{SUFFIX}/authsettingsV2"] * (made is infra.whole):
            wrong.append(f"App Service authentication is on {[each.name for each in found]}")
        for each in found:
            signs_in = each.config["properties"]
            provider = signs_in["identityProviders"]["azureActiveDirectory"]
            facts = {
                "on": signs_in["platform"]["enabled"],
                "required": signs_in["globalValidation"]["requireAuthentication"],
                "no path is left out": signs_in["globalValidation"].get("excludedPaths", []) == [],
                "this tenant": provider["registration"]["openIdIssuer"].endswith("<tenant>/v2.0"),
                "this audience": provider["validation"]["allowedAudiences"] == [EVERYTHING["deskClientId"]],
                "no secret": provider["registration"]["clientSecretSettingName"]
                == "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
            }
            wrong += [f"the desk's sign-in: {fact}" for fact, holds in facts.items() if not holds]
    return wrong


PROMISES: Final[Sequence[Promise]] = (
    settings_are_those_that_the_code_reads,
    each_part_has_what_it_needs_and_no_more,
    an_app_is_told_nothing_that_flex_refuses,
    only_the_desk_signs_people_in_and_nothing_of_it_is_open,
)
