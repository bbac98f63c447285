"""What a deployment promises about roles, queues, what is open, what is kept, versions and secrets."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from shared.adapters.store.rows_tables import TABLE
from tests.infra.azure_facts import API_VERSIONS, ROLES
from tests.infra.bicep_tree import ROOT
from tests.infra.deployments import Infra, Promise, of_type
from tests.infra.expanded import SUFFIX, Made


def roles_are_those_of_the_security_page(infra: Infra) -> list[str]:
    """Every role of every identity, on exactly the resource that the table names."""
    told = roles_of_the_page()
    wrong = []
    for made, parts in ((infra.smallest, {"all"}), (infra.in_one, {"all"}), (infra.whole, {"core", "front", "desk"})):
        expected = {(part, role, where) for part in parts for role, where in told[part]}
        if parts != {"all"}:
            expected |= {("partner topic", role, where) for role, where in told["partner topic"]}
        main = "core" if "core" in parts else "all"
        given = {_role(each, main) for each in of_type(made, "Microsoft.Authorization/roleAssignments")}
        wrong += [f"given, and not in the table: {each}" for each in given - expected]
        wrong += [f"in the table, and not given: {each}" for each in expected - given]
    return wrong


def roles_of_the_page() -> dict[str, set[tuple[str, str]]]:
    """The security page's table: roles and where they are given, by part."""
    page = (ROOT / "docs" / "explanation" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (core|front|desk|each app|partner topic) \| ([A-Z][\w ]+) \| (.+) \|$", page, re.MULTILINE)
    told: dict[str, set[tuple[str, str]]] = {name: set() for name in ("core", "front", "desk", "partner topic")}
    for who, role, where in rows:
        for part in ("core", "front", "desk") if who == "each app" else (who,):
            told[part] |= {(role, each.strip("` ")) for each in where.split(",")}
    told["all"] = told["core"] | told["front"]
    return told


def _role(made: Made, main: str) -> tuple[str, str, str]:
    """Who has which role on what; `main` is the part that has the kept identity."""
    given = made.config["properties"]
    named = re.search(r"userAssignedIdentities id-contoso(?:-(\w+))?>\.properties\.principalId$", given["principalId"])
    part = "partner topic" if "partnerTopics" in given["principalId"] else "nobody of ours"
    if named is not None:
        part = named[1] or main
    return part, ROLES.get(given["roleDefinitionId"], given["roleDefinitionId"]), _where(made.scope, part)


def _where(scope: str, part: str) -> str:
    kind, _, name = scope.strip("<>").partition(" ")
    match kind:
        case "Microsoft.ServiceBus/namespaces/queues":
            return name.rpartition("/")[2]
        case "Microsoft.Storage/storageAccounts/tableServices/tables" if name.endswith("/default/invoiceaccess"):
            return "the table of ledger and state"
        case "Microsoft.Storage/storageAccounts" if name == f"st{part}{SUFFIX}":
            return "its own host's storage"
        case "Microsoft.KeyVault/vaults":
            return "the vault"
        case "Microsoft.Insights/components":
            return "Application Insights"
        case _:
            return scope


def queues_are_those_of_the_definition(infra: Infra) -> list[str]:
    """Each queue with the properties of deploy/queues.json, and no other queue."""
    defined = json.loads((ROOT / "deploy" / "queues.json").read_text(encoding="utf-8"))["queues"]
    expected = {each["name"]: each["properties"] for each in defined}
    wrong = []
    for made in infra.each:
        (namespace,) = of_type(made, "Microsoft.ServiceBus/namespaces")
        queues = of_type(made, "Microsoft.ServiceBus/namespaces/queues")
        if {each.name.rpartition("/")[2]: each.config["properties"] for each in queues} != expected:
            wrong.append("the queues are not those of deploy/queues.json")
        if namespace.config["sku"] != {"name": "Standard", "tier": "Standard"}:
            wrong.append("the namespace is not of the tier that sessions and cost were reckoned with")
    return wrong


def nothing_is_open_that_need_not_be(infra: Infra) -> list[str]:
    """No keys, no plain HTTP, no old TLS, nothing public: on every resource of a type, and as many as there are."""
    wrong = []
    for made, parts in ((infra.smallest, 1), (infra.in_one, 1), (infra.whole, 3)):
        for kind, (count, flags) in _closed(parts).items():
            found = of_type(made, kind)
            if len(found) != count:
                wrong.append(f"{len(found)} of {kind}, not {count}")
            wrong += [
                f"{each.name}: {name} is {_at(each.config, name)}, not {value}"
                for each in found
                for name, value in flags.items()
                if _at(each.config, name) != value
            ]
        (ledger,) = (each for each in of_type(made, "Microsoft.Storage/storageAccounts") if "ledger" in each.name)
        reached = ledger.config["properties"]["publicNetworkAccess"]
        if (reached == "Disabled") != (made is infra.whole):
            wrong.append(f"the ledger's public network is {reached}")
    return wrong


def _closed(parts: int) -> dict[str, tuple[int, dict[str, Any]]]:
    storage = {
        "properties.allowSharedKeyAccess": False,
        "properties.allowBlobPublicAccess": False,
        "properties.allowCrossTenantReplication": False,
        "properties.minimumTlsVersion": "TLS1_2",
        "properties.supportsHttpsTrafficOnly": True,
    }
    vault = {"properties.enableRbacAuthorization": True, "properties.enablePurgeProtection": True}
    return {
        "Microsoft.Storage/storageAccounts": (parts + 1, storage),
        "Microsoft.Storage/storageAccounts/blobServices/containers": (parts, {"properties.publicAccess": "None"}),
        "Microsoft.ServiceBus/namespaces": (
            1,
            {"properties.disableLocalAuth": True, "properties.minimumTlsVersion": "1.2"},
        ),
        "Microsoft.Insights/components": (1, {"properties.DisableLocalAuth": True}),
        "Microsoft.OperationalInsights/workspaces": (1, {"properties.features.disableLocalAuth": True}),
        "Microsoft.KeyVault/vaults": (1, vault),
        "Microsoft.Web/sites": (
            parts,
            {
                "properties.httpsOnly": True,
                "properties.siteConfig.minTlsVersion": "1.2",
                "identity.type": "UserAssigned",
            },
        ),
    }


def _at(config: Mapping[str, Any], path: str) -> Any:
    found: Any = config
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def what_must_not_be_lost_is_kept_apart(infra: Infra) -> list[str]:
    """Ledger, identity, secrets and log lie in a group that is locked and that azd does not take for the app's."""
    kept = "rg-contoso-kept"
    expected = {
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Storage/storageAccounts/tableServices",
        "Microsoft.Storage/storageAccounts/tableServices/tables",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.KeyVault/vaults",
        "Microsoft.OperationalInsights/workspaces",
        "Microsoft.Insights/diagnosticSettings",
        "Microsoft.Authorization/locks",
    }
    wrong = []
    for made in infra.each:
        inside = [each for each in made if each.group == kept and not each.existing]
        lasting = {each.type for each in inside if each.file.startswith("kept/")}
        if lasting != expected:
            wrong.append(f"kept: {sorted(lasting ^ expected)}")
        wrong += [
            f"{each.file} makes {each.symbol} in the kept group"
            for each in inside
            if not each.file.startswith("kept/") and each.type != "Microsoft.Authorization/roleAssignments"
        ]
        locks = of_type(made, "Microsoft.Authorization/locks")
        if [(each.scope, each.config["properties"]["level"]) for each in locks] != [(kept, "CanNotDelete")]:
            wrong.append("the kept group is not locked")
        groups = {each.name: each for each in of_type(made, "Microsoft.Resources/resourceGroups")}
        if "azd-env-name" in groups[kept].config["tags"] or "azd-env-name" not in groups["rg-contoso"].config["tags"]:
            wrong.append("azd finds the app's group by the tag azd-env-name, which only that one may have")
        (table,) = of_type(made, "Microsoft.Storage/storageAccounts/tableServices/tables")
        if table.name.rpartition("/")[2] != TABLE:
            wrong.append(f"the table is {table.name}, and the app uses {TABLE}")
    return wrong


def versions_are_stable_and_one_of_each_type(infra: Infra) -> list[str]:
    """Each type has the version of the table above."""
    return [
        f"{each.file}: {each.type}@{each.api}"
        for made in infra.each
        for each in made
        if API_VERSIONS.get(each.type) != each.api
    ]


def no_secret_goes_in_or_out(infra: Infra) -> list[str]:
    """No parameter takes a secret, and no output tells one: azd keeps both in a file, as plain text."""
    telling = re.compile(r"connection_?string|instrumentation_?key|password|accesskey|listkeys", re.IGNORECASE)
    wrong = []
    for name, tree in infra.trees.items():
        for parameter, declared in tree.get("parameters", {}).items():
            taken = re.search(r"password|key$|token|connectionstring|secret$|secretvalue", parameter, re.IGNORECASE)
            if taken is not None and "secure" not in [each["type"] for each in declared["decorators"]]:
                wrong.append(f"{name}: the parameter {parameter} is not @secure()")
        wrong += [
            f"{name}: the output {output}"
            for output, declared in tree.get("outputs", {}).items()
            if telling.search(json.dumps(declared["value"]).replace("_", ""))
        ]
    return wrong


PROMISES: Final[Sequence[Promise]] = (
    roles_are_those_of_the_security_page,
    queues_are_those_of_the_definition,
    nothing_is_open_that_need_not_be,
    what_must_not_be_lost_is_kept_apart,
    versions_are_stable_and_one_of_each_type,
    no_secret_goes_in_or_out,
)
