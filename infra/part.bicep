// One part of invoice-access as an app: its host's storage, its roles, its settings, its plan.

@allowed([
  'all'
  'core'
  'front'
  'desk'
])
param part string

@description('The service of azure.yaml whose package this app gets.')
param service string
param environmentName string
param location string
param tags object

@description('Thirteen letters and digits that make names unique.')
param suffix string
param identityId string
param identityClientId string
param identityPrincipalId string
param busName string
param busNamespace string
param componentName string
param vaultName string
param vaultUri string
param ledgerAccount string
param storeEndpoint string
param keptResourceGroup string

@description('The secrets that are in the vault: a reference to one that is not there would stop the start.')
param secretsInVault array

@description('Sources that have a function key and no secret of their own.')
param functionKeySources string

@description('Where Microsoft Graph reaches the app that answers HTTP.')
param notificationUrl string

@description('Where the desk is; empty: there is none.')
param pageUrl string

@description('Client id of the app registration that the desk signs people in with; of no use to the other parts.')
param deskClientId string
param alwaysReady bool

@description('Whether traces and metrics are sent as well; logs always are.')
param telemetry bool
param subnetId string

var name = '${environmentName}-${part}-${suffix}'
var container = 'package'
var isDesk = part == 'desk'
var storeOfParts = {
  all: true
  core: true
  front: false
  desk: true
}
var hasStore = storeOfParts[part]
var hasSecrets = !isDesk
var secretsUrl = '${vaultUri}secrets'

var hostSettings = {
  AzureWebJobsStorage__accountName: hostStorage.outputs.name
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsDisableHomepage: 'true'
  ServiceBusConnection__fullyQualifiedNamespace: busNamespace
  ServiceBusConnection__credential: 'managedidentity'
  ServiceBusConnection__clientId: identityClientId
  AZURE_CLIENT_ID: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  INVOICE_ACCESS_PART: part
}
var storeSettings = {
  INVOICE_ACCESS_STORE: storeEndpoint
}
var deskSettings = {
  INVOICE_ACCESS_DESK_TENANT: subscription().tenantId
  INVOICE_ACCESS_DESK_AUDIENCE: deskClientId
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: subscription().tenantId
}
var hasGraphSecret = contains(secretsInVault, 'graph-client-states')
var graphSecretSettings = hasGraphSecret ? { INVOICE_ACCESS_GRAPH_CLIENT_STATES: '@Microsoft.KeyVault(SecretUri=${secretsUrl}/graph-client-states/)' } : {}
var notificationSettings = hasGraphSecret ? { INVOICE_ACCESS_NOTIFICATION_URL: notificationUrl } : {}
var hrSettings = contains(secretsInVault, 'hr-keys') ? { INVOICE_ACCESS_HR_KEYS: '@Microsoft.KeyVault(SecretUri=${secretsUrl}/hr-keys/)' } : {}
var bambooHrSettings = contains(secretsInVault, 'bamboohr-keys') ? { INVOICE_ACCESS_BAMBOOHR_KEYS: '@Microsoft.KeyVault(SecretUri=${secretsUrl}/bamboohr-keys/)' } : {}
var personioSettings = contains(secretsInVault, 'personio-secrets') ? { INVOICE_ACCESS_PERSONIO_SECRETS: '@Microsoft.KeyVault(SecretUri=${secretsUrl}/personio-secrets/)' } : {}
var webhookSettings = contains(secretsInVault, 'webhook-url') ? { INVOICE_ACCESS_WEBHOOK_URL: '@Microsoft.KeyVault(SecretUri=${secretsUrl}/webhook-url/)' } : {}
var teamsSettings = contains(secretsInVault, 'teams-url') ? { INVOICE_ACCESS_TEAMS_URL: '@Microsoft.KeyVault(SecretUri=${secretsUrl}/teams-url/)' } : {}
var digestSettings = contains(secretsInVault, 'digest-url') ? { INVOICE_ACCESS_DIGEST_URL: '@Microsoft.KeyVault(SecretUri=${secretsUrl}/digest-url/)' } : {}
var pageSettings = empty(pageUrl) ? {} : { INVOICE_ACCESS_PAGE_URL: pageUrl }
var keySourceSettings = empty(functionKeySources) ? {} : { INVOICE_ACCESS_FUNCTION_KEY_SOURCES: functionKeySources }

// The platform's own switch: it sets OpenTelemetry up before the app starts. Spans of Azure's SDK would carry names in addresses.
var telemetrySettings = telemetry ? {
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
  AzureFunctionsJobHost__telemetryMode: 'OpenTelemetry'
  OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'
  OTEL_TRACES_SAMPLER_ARG: '1'
  OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'azure_sdk,django,fastapi,flask,httpx,httpx2,psycopg2,requests,urllib,urllib3'
} : {}

// What a deployment decides beyond this file; it overrides nothing here.
var moreSettings = loadJsonContent('settings.json')
var everyPart = union(moreSettings, hostSettings, telemetrySettings)
var frontSettings = union(graphSecretSettings, hrSettings, bambooHrSettings, personioSettings, keySourceSettings)
var toldSettings = union(webhookSettings, teamsSettings, digestSettings, pageSettings)
var coreSettings = union(storeSettings, graphSecretSettings, notificationSettings, toldSettings)
var settingsOfParts = {
  all: union(everyPart, coreSettings, frontSettings)
  core: union(everyPart, coreSettings)
  front: union(everyPart, frontSettings)
  desk: union(everyPart, storeSettings, deskSettings)
}

// What somebody waits for: Microsoft Graph for ten seconds, a leaver's access until it is taken.
var readyForHttp = [
  {
    name: 'http'
    instanceCount: 1
  }
]
var readyForQueues = [
  {
    name: 'function:intake'
    instanceCount: 1
  }
  {
    name: 'function:reconcile'
    instanceCount: 1
  }
]
var readyOfParts = {
  all: concat(readyForHttp, readyForQueues)
  core: readyForQueues
  front: readyForHttp
  desk: []
}
var ready = alwaysReady ? readyOfParts[part] : []

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

module hostStorage 'host-storage.bicep' = {
  name: '${part}-host-storage'
  params: {
    name: 'st${part}${suffix}'
    location: location
    tags: tags
    container: container
    principalId: identityPrincipalId
  }
}

module queueAccess 'queue-access.bicep' = {
  name: '${part}-queue-access'
  params: {
    part: part
    busName: busName
    principalId: identityPrincipalId
  }
}

module telemetryAccess 'telemetry-access.bicep' = {
  name: '${part}-telemetry-access'
  params: {
    componentName: componentName
    principalId: identityPrincipalId
  }
}

module vaultAccess 'vault-access.bicep' = if (hasSecrets) {
  name: '${part}-vault-access'
  scope: resourceGroup(keptResourceGroup)
  params: {
    vaultName: vaultName
    principalId: identityPrincipalId
  }
}

module ledgerAccess 'ledger-access.bicep' = if (hasStore) {
  name: '${part}-ledger-access'
  scope: resourceGroup(keptResourceGroup)
  params: {
    accountName: ledgerAccount
    principalId: identityPrincipalId
  }
}

// After the roles: an app that starts without them fails until it is started again.
module app 'app.bicep' = {
  name: '${part}-app'
  dependsOn: [
    queueAccess
    telemetryAccess
    vaultAccess
    ledgerAccess
  ]
  params: {
    name: name
    planName: 'plan-${environmentName}-${part}'
    location: location
    tags: tags
    service: service
    identityId: identityId
    packageUrl: hostStorage.outputs.packageUrl
    alwaysReady: ready
    subnetId: subnetId
    settings: settingsOfParts[part]
  }
}

module signIn 'sign-in.bicep' = if (isDesk) {
  name: '${part}-sign-in'
  params: {
    appName: app.outputs.name
    clientId: deskClientId
  }
}

output name string = app.outputs.name
output hostName string = app.outputs.hostName
