"""infra/ keeps its promises, and each promise notices the mistakes that it is there for."""

import pytest

from tests.infra import promises, promises_of_apps
from tests.infra.bicep_tree import bicep_files, trees
from tests.infra.deployments import Infra, Promise, broken

PROMISES = (*promises.PROMISES, *promises_of_apps.PROMISES)


@pytest.fixture(scope="module")
def infra() -> Infra:
    texts = bicep_files()
    return Infra(texts, trees(texts))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_a_promise_is_kept(promise: Promise, infra: Infra) -> None:
    assert promise(infra) == []


MISTAKES = {
    "roles_are_those_of_the_security_page": [
        ("queue-access.bicep", "  scope: queue[index]", "  scope: bus"),
        ("queue-access.bicep", "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39", "090c5cfd-751d-490a-894a-3ce6f1109419"),
        ("partner-events.bicep", "  scope: bus::events", "  scope: bus"),
        ("ledger-access.bicep", "  scope: account::tables::table", "  scope: account"),
        ("ledger-access.bicep", "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", "b24988ac-6180-42a0-ab88-20f7382dd24c"),
        ("host-storage.bicep", "  scope: account\n", "  scope: resourceGroup()\n"),
        ("part.bicep", "  front: false", "  front: true"),
        ("part.bicep", "var hasSecrets = !isDesk", "var hasSecrets = true"),
        ("part.bicep", "    name: 'st${part}${suffix}'", "    name: 'st${suffix}'"),
        ("main.bicep", "identityPrincipalId: frontIdentity.outputs", "identityPrincipalId: deskIdentity.outputs"),
        ("telemetry-access.bicep", "  scope: component\n", "  scope: resourceGroup()\n"),
    ],
    "queues_are_those_of_the_definition": [
        ("bus.bicep", "  properties: each.properties", "  properties: {}"),
        ("bus.bicep", "  name: each.name", "  name: '${each.name}-1'"),
        ("bus.bicep", "    name: 'Standard'", "    name: 'Premium'"),
    ],
    "settings_are_those_that_the_code_reads": [
        ("part.bicep", "INVOICE_ACCESS_HR_KEYS", "INVOICE_ACCESS_HR_KEY"),
        ("part.bicep", "  AzureWebJobsDisableHomepage: 'true'", "  FUNCTIONS_WORKER_RUNTIME: 'python'"),
        ("part.bicep", "  AzureWebJobsDisableHomepage: 'true'", "  AzureWebJobsStorage: ''"),
        ("part.bicep", "  AzureWebJobsDisableHomepage: 'true'", "  WEBSITE_TIME_ZONE: 'Europe/Amsterdam'"),
        ("part.bicep", "  AzureWebJobsStorage__credential: 'managedidentity'\n", ""),
        ("part.bicep", "  ServiceBusConnection__clientId: identityClientId\n", ""),
        ("part.bicep", "Storage__clientId: identityClientId", "Storage__clientId: identityId"),
        ("host-storage.bicep", "output name string", "// account.listKeys()\noutput name string"),
    ],
    "each_part_has_what_it_needs_and_no_more": [
        ("part.bicep", "core: union(everyPart, coreSettings)", "core: union(everyPart, coreSettings, hrSettings)"),
        ("part.bicep", "  front: union(everyPart, frontSettings)", "  front: union(everyPart, coreSettings)"),
        ("part.bicep", "union(everyPart, storeSettings, deskSettings)", "union(everyPart, deskSettings)"),
        ("part.bicep", "contains(secretsInVault, 'hr-keys') ?", "contains(tags, 'application') ?"),
        ("part.bicep", "'@Microsoft.KeyVault(SecretUri=${secretsUrl}/hr-keys/)'", "'0123456789abcdef'"),
        ("part.bicep", "SecretUri=${secretsUrl}/hr-keys/)", "SecretUri=${secretsUrl}/hr-keys)"),
        ("main.bicep", "frontApart ? 'core' : 'all'", "frontApart ? 'all' : 'all'"),
    ],
    "an_app_is_told_nothing_that_flex_refuses": [
        ("app.bicep", "      minTlsVersion: '1.2'", "      linuxFxVersion: 'PYTHON|3.13'\n      minTlsVersion: '1.2'"),
        ("app.bicep", "      minTlsVersion: '1.2'", "      alwaysOn: true\n      minTlsVersion: '1.2'"),
        ("app.bicep", "version: '3.13'", "version: '3.12'"),
        ("app.bicep", "instanceMemoryMB: 2048", "instanceMemoryMB: 1024"),
        ("app.bicep", "    name: 'FC1'", "    name: 'Y1'"),
        ("app.bicep", "ReferenceIdentity: identityId\n", "ReferenceIdentity: 'SystemAssigned'\n"),
        ("app.bicep", "  type: 'UserAssignedIdentity'", "  type: 'StorageAccountConnectionString'"),
        ("part.bicep", "'function:intake'", "'function:intakes'"),
        ("part.bicep", "alwaysReady ? readyOfParts[part] : []", "alwaysReady ? readyForHttp : readyForHttp"),
    ],
    "nothing_is_open_that_need_not_be": [
        ("kept/ledger.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"),
        ("host-storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true"),
        ("host-storage.bicep", "allowBlobPublicAccess: false", "allowBlobPublicAccess: true"),
        ("host-storage.bicep", "publicAccess: 'None'", "publicAccess: 'Blob'"),
        ("kept/ledger.bicep", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS1_0'"),
        ("kept/ledger.bicep", "network ? 'Disabled' : 'Enabled'", "network ? 'Enabled' : 'Enabled'"),
        ("bus.bicep", "disableLocalAuth: true", "disableLocalAuth: false"),
        ("bus.bicep", "    minimumTlsVersion: '1.2'\n", ""),
        ("monitoring.bicep", "DisableLocalAuth: true", "disableLocalAuth: true"),
        ("kept/log.bicep", "disableLocalAuth: true", "disableLocalAuth: false"),
        ("kept/vault.bicep", "enableRbacAuthorization: true", "enableRbacAuthorization: false"),
        ("app.bicep", "    httpsOnly: true\n", ""),
        ("app.bicep", "minTlsVersion: '1.2'", "minTlsVersion: '1.0'"),
    ],
    "only_the_desk_signs_people_in_and_nothing_of_it_is_open": [
        ("sign-in.bicep", "requireAuthentication: true", "requireAuthentication: false"),
        ("sign-in.bicep", "excludedPaths: []", "excludedPaths: [\n        '/api/*'\n      ]"),
        ("sign-in.bicep", "    platform: {\n      enabled: true", "    platform: {\n      enabled: false"),
        ("sign-in.bicep", "${subscription().tenantId}/v2.0", "common/v2.0"),
        ("sign-in.bicep", "allowedAudiences: [\n            clientId\n          ]", "allowedAudiences: []"),
        ("part.bicep", "module signIn 'sign-in.bicep' = if (isDesk)", "module signIn 'sign-in.bicep' = if (hasStore)"),
    ],
    "what_must_not_be_lost_is_kept_apart": [
        ("kept/lock.bicep", "level: 'CanNotDelete'", "level: 'ReadOnly'"),
        ("kept/main.bicep", "module lock 'lock.bicep' = {\n", "module lock 'lock.bicep' = if (network) {\n"),
        ("kept/main.bicep", "  environment: environmentName\n", "  'azd-env-name': environmentName\n"),
        ("main.bicep", "  'azd-env-name': environmentName\n", ""),
        ("main.bicep", "  name: 'bus'\n  scope: group", "  name: 'bus'\n  scope: keptGroup"),
        ("kept/ledger.bicep", "name: 'invoiceaccess'", "name: 'ledger'"),
    ],
    "versions_are_stable_and_one_of_each_type": [
        ("bus.bicep", "namespaces/queues@2024-01-01", "namespaces/queues@2022-10-01-preview"),
        ("app.bicep", "Microsoft.Web/sites@2025-03-01", "Microsoft.Web/sites@2023-12-01"),
    ],
    "no_secret_goes_in_or_out": [
        ("monitoring.bicep", "string = component.name", "string = component.properties.ConnectionString"),
        ("part.bicep", "param suffix string", "param suffix string\nparam hrPassword string"),
        ("host-storage.bicep", "string = account.name", "string = account.listKeys().keys[0].value"),
    ],
}  # fmt: skip


def test_every_promise_has_mistakes_to_notice() -> None:
    assert set(MISTAKES) == {promise.__name__ for promise in PROMISES}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_promise_notices_its_mistakes(name: str, infra: Infra) -> None:
    """A mistake that cannot be unfolded at all has been noticed as well."""
    (promise,) = (each for each in PROMISES if each.__name__ == name)
    spoilt = {}
    for number, (file, right, wrong) in enumerate(MISTAKES[name]):
        assert right in infra.texts[file], f"{file} has no {right!r} any more"
        spoilt[str(number)] = infra.texts[file].replace(right, wrong, 1)
    changed = trees(spoilt)
    for number, (file, _, wrong) in enumerate(MISTAKES[name]):
        texts = {**infra.texts, file: spoilt[str(number)]}
        assert broken(promise, Infra(texts, {**infra.trees, file: changed[str(number)]})), f"{file}: {wrong}"
