"""Every resource fits the type that Microsoft publishes for it, and a slip of the pen in one is noticed."""

from dataclasses import replace

import pytest

from tests.infra.bicep_tree import bicep_files, trees
from tests.infra.deployments import Infra
from tests.infra.published_types import misfits, published

TYPES = published()


@pytest.fixture(scope="module")
def infra() -> Infra:
    texts = bicep_files()
    return Infra(texts, trees(texts))


def wrong(infra: Infra) -> list[str]:
    return [said for made in infra.each for each in made if not each.existing for said in misfits(each, TYPES)]


def test_every_resource_fits_its_published_type(infra: Infra) -> None:
    assert wrong(infra) == []
    assert len({each.type for made in infra.each for each in made}) > 25


MISTAKES = [
    ("app.bicep", "    httpsOnly: true", "    httpOnly: true", "there is no such property; did you mean httpsOnly?"),
    ("app.bicep", "    httpsOnly: true", "    httpsOnly: 'true'", "'true' is neither true nor false"),
    ("app.bicep", "type: 'blobContainer'", "type: 'blobContainers'", "'blobContainers' is none of blobContainer"),
    ("app.bicep", "    serverFarmId: plan.id", "    state: 'Running'", "only Azure says this"),
    ("app.bicep", "instanceMemoryMB: 2048", "instanceMemoryMB: '2048'", "'2048' is no whole number"),
    ("app.bicep", "name: 'appsettings'", "name: 'appSettings'", "'appSettings' is none of"),
    ("app.bicep", "  location: location\n  tags: tags\n  kind", "  tags: tags\n  kind", "it is required"),
    ("bus.bicep", "    name: 'Standard'", "    name: 'Standart'", "'Standart' is none of Basic, Standard, Premium"),
    ("bus.bicep", "disableLocalAuth: true", "disableLocalAuthentication: true", "did you mean disableLocalAuth?"),
    ("kept/ledger.bicep", "'TLS1_2'", "'TLS1.2'", "'TLS1.2' is none of"),
    ("kept/ledger.bicep", "  kind: 'StorageV2'\n", "", "it is required"),
    ("kept/vault.bicep", "family: 'A'", "family: 'B'", "'B' is none of A"),
    ("kept/lock.bicep", "level: 'CanNotDelete'", "level: 'CannotDelete'", "'CannotDelete' is none of"),
    ("monitoring.bicep", "DisableLocalAuth: true", "disableLocalAuth: true", "did you mean DisableLocalAuth?"),
    ("sign-in.bicep", "unauthenticatedClientAction", "unauthenticatedAction", "there is no such property"),
    ("sign-in.bicep", "'RedirectToLoginPage'", "'Redirect'", "'Redirect' is none of"),
    ("partner-events.bicep", "'ServiceBusQueue'", "'ServicebusQueue'", "'ServicebusQueue' is none of"),
    ("partner-events.bicep", "'CloudEventSchemaV1_0'", "'CloudEvents'", "'CloudEvents' is none of"),
    ("network.bicep", "addressPrefixes: [", "addressPrefix: [", "did you mean addressPrefixes?"),
    ("alerts.bicep", "operator: 'GreaterThan'", "operator: 'Greater'", "'Greater' is none of"),
    ("alerts.bicep", "severity: rule.severity", "severity: '${rule.severity}'", "is no whole number"),
    ("workbook.bicep", "    category: 'workbook'\n", "", "it is required"),
    ("queue-access.bicep", "principalType: 'ServicePrincipal'", "principalType: 'Identity'", "'Identity' is none of"),
]


def test_a_slip_of_the_pen_is_noticed(infra: Infra) -> None:
    spoilt = {}
    for number, (file, right, slip, _) in enumerate(MISTAKES):
        assert right in infra.texts[file], f"{file} has no {right!r} any more"
        spoilt[str(number)] = infra.texts[file].replace(right, slip, 1)
    changed = trees(spoilt)
    for number, (file, _, slip, told) in enumerate(MISTAKES):
        found = wrong(Infra(infra.texts, {**infra.trees, file: changed[str(number)]}))
        assert any(told in said for said in found), f"{file}: {slip!r}: {found}"


def test_queues_fit_the_published_type_of_their_definition(infra: Infra) -> None:
    """They come from a file that is no Bicep: a slip in it is noticed as well."""
    (queue, *_) = (each for each in infra.smallest if each.symbol == "queue" and each.file == "bus.bicep")
    slip = {**queue.config["properties"], "lockDuratoin": "PT1M"}
    (told,) = misfits(replace(queue, config={"properties": slip}), TYPES)
    assert "did you mean lockDuration?" in told
