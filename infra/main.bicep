// invoice-access in a tenant: what can be taken down and made anew. What must not be lost is in kept/.
targetScope = 'subscription'

@description('Name of the environment, a part of every name: small letters, digits and hyphens.')
@minLength(2)
@maxLength(20)
param environmentName string

@description('Azure region of everything. One with Flex Consumption: az functionapp list-flexconsumption-locations.')
@minLength(1)
param location string

@description('Whether the public HTTP part is an app of its own, with an identity that may only send events.')
param frontApart bool = false

@description('Whether there is the desk: the pages for finance, operators and auditors. Always an app of its own.')
param desk bool = false

@description('Client id of the app registration that the desk signs people in with. Needed with desk.')
param deskClientId string = ''

@description('Which secrets are in the vault, separated by blanks (docs/how-to/deploy.md).')
param secretsInVault string = ''

@description('Which sources have a function key: event-grid lifecycle-workflows, separated by blanks.')
param functionKeySources string = ''

@description('Who gets the alerts by e-mail; empty: nobody, the alerts are there all the same.')
param alertEmail string = ''

@description('How far back alerts look for a complete sweep: three of its runs.')
@allowed([
  'PT2H'
  'PT3H'
  'PT6H'
  'P1D'
  'P2D'
])
param sweepWindow string = 'PT3H'

@description('Whether the apps reach the ledger through a virtual network alone. The same value as in kept/.')
param network bool = false

@description('Whether HTTP, intake and reconcile have an instance at all times: no cold start, and a price.')
param alwaysReady bool = false

@description('Whether traces and metrics are sent as well; logs always are.')
param telemetry bool = false

@description('Until when Microsoft Graph may make a partner topic (2027-01-31T00:00:00Z); empty: it may not.')
param partnerAuthorizedUntil string = ''

@description('The partner topic that Microsoft Graph made, once it is activated; empty: none.')
param partnerTopic string = ''

@description('From the layer kept: its resource group.')
@minLength(1)
param keptResourceGroup string

@description('From the layer kept: the storage account of the ledger.')
@minLength(3)
param ledgerAccount string

@description('From the layer kept: where ledger and state live.')
@minLength(1)
param storeEndpoint string

@description('From the layer kept: the vault of the secrets.')
@minLength(3)
param vaultName string

@description('From the layer kept: the Log Analytics workspace.')
@minLength(4)
param logName string

@description('From the layer kept: the name of the identity that billing knows.')
@minLength(1)
param identityName string

var suffix = uniqueString(subscription().subscriptionId, environmentName, location)
var tags = {
  application: 'invoice-access'
  environment: environmentName
  'azd-env-name': environmentName
}
var secretNames = empty(secretsInVault) ? [] : split(secretsInVault, ' ')
var mainPart = frontApart ? 'core' : 'all'
var frontPart = frontApart ? 'front' : 'all'
var subnetId = network ? virtualNetwork.outputs.appsSubnetId : ''
var pageUrl = desk ? 'https://${environmentName}-desk-${suffix}.azurewebsites.net' : ''
var notificationUrl = 'https://${environmentName}-${frontPart}-${suffix}.azurewebsites.net/api/graph/notifications'

var deskUrl = desk ? 'https://${deskApp.outputs.hostName}' : ''
var deskPrincipalId = desk ? deskIdentity.outputs.principalId : ''

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

resource keptGroup 'Microsoft.Resources/resourceGroups@2025-04-01' existing = {
  name: keptResourceGroup
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  scope: keptGroup
  name: identityName
}

resource ledger 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  scope: keptGroup
  name: ledgerAccount
}

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  scope: keptGroup
  name: vaultName
}

resource log 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  scope: keptGroup
  name: logName
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: 'appi-${environmentName}'
    workspaceId: log.id
    location: location
    tags: tags
  }
}

module bus 'bus.bicep' = {
  name: 'bus'
  scope: group
  params: {
    name: 'sb-${environmentName}-${suffix}'
    location: location
    tags: tags
  }
}

module virtualNetwork 'network.bicep' = if (network) {
  name: 'network'
  scope: group
  params: {
    name: environmentName
    location: location
    tags: tags
    ledgerId: ledger.id
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: log.id
    busId: bus.outputs.id
    alertEmail: alertEmail
    sweepWindow: sweepWindow
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: log.id
  }
}

module app 'part.bicep' = {
  name: 'app'
  scope: group
  params: {
    part: mainPart
    service: 'app'
    environmentName: environmentName
    location: location
    tags: tags
    suffix: suffix
    identityId: identity.id
    identityClientId: identity.properties.clientId
    identityPrincipalId: identity.properties.principalId
    busName: bus.outputs.name
    busNamespace: bus.outputs.fullyQualifiedNamespace
    componentName: monitoring.outputs.componentName
    vaultName: vaultName
    vaultUri: vault.properties.vaultUri
    ledgerAccount: ledgerAccount
    storeEndpoint: storeEndpoint
    keptResourceGroup: keptResourceGroup
    secretsInVault: secretNames
    functionKeySources: functionKeySources
    notificationUrl: notificationUrl
    pageUrl: pageUrl
    deskClientId: ''
    alwaysReady: alwaysReady
    telemetry: telemetry
    subnetId: subnetId
  }
}

module frontIdentity 'identity.bicep' = if (frontApart) {
  name: 'front-identity'
  scope: group
  params: {
    name: 'id-${environmentName}-front'
    location: location
    tags: tags
  }
}

module front 'part.bicep' = if (frontApart) {
  name: 'front'
  scope: group
  params: {
    part: 'front'
    service: 'front'
    environmentName: environmentName
    location: location
    tags: tags
    suffix: suffix
    identityId: frontIdentity.outputs.id
    identityClientId: frontIdentity.outputs.clientId
    identityPrincipalId: frontIdentity.outputs.principalId
    busName: bus.outputs.name
    busNamespace: bus.outputs.fullyQualifiedNamespace
    componentName: monitoring.outputs.componentName
    vaultName: vaultName
    vaultUri: vault.properties.vaultUri
    ledgerAccount: ledgerAccount
    storeEndpoint: storeEndpoint
    keptResourceGroup: keptResourceGroup
    secretsInVault: secretNames
    functionKeySources: functionKeySources
    notificationUrl: notificationUrl
    pageUrl: pageUrl
    deskClientId: ''
    alwaysReady: alwaysReady
    telemetry: telemetry
    subnetId: ''
  }
}

module deskIdentity 'identity.bicep' = if (desk) {
  name: 'desk-identity'
  scope: group
  params: {
    name: 'id-${environmentName}-desk'
    location: location
    tags: tags
  }
}

module deskApp 'part.bicep' = if (desk) {
  name: 'desk'
  scope: group
  params: {
    part: 'desk'
    service: 'desk'
    environmentName: environmentName
    location: location
    tags: tags
    suffix: suffix
    identityId: deskIdentity.outputs.id
    identityClientId: deskIdentity.outputs.clientId
    identityPrincipalId: deskIdentity.outputs.principalId
    busName: bus.outputs.name
    busNamespace: bus.outputs.fullyQualifiedNamespace
    componentName: monitoring.outputs.componentName
    vaultName: vaultName
    vaultUri: vault.properties.vaultUri
    ledgerAccount: ledgerAccount
    storeEndpoint: storeEndpoint
    keptResourceGroup: keptResourceGroup
    secretsInVault: secretNames
    functionKeySources: ''
    notificationUrl: notificationUrl
    pageUrl: pageUrl
    deskClientId: deskClientId
    alwaysReady: false
    telemetry: telemetry
    subnetId: subnetId
  }
}

module partnerAuthorization 'partner-authorization.bicep' = if (!empty(partnerAuthorizedUntil)) {
  name: 'partner-authorization'
  scope: group
  params: {
    until: partnerAuthorizedUntil
  }
}

module partnerEvents 'partner-events.bicep' = if (!empty(partnerTopic)) {
  name: 'partner-events'
  scope: group
  params: {
    topicName: partnerTopic
    busName: bus.outputs.name
  }
}

output APP_NAME string = app.outputs.name
output APP_RESOURCE_GROUP string = group.name
output ServiceBusConnection__fullyQualifiedNamespace string = bus.outputs.fullyQualifiedNamespace
output NOTIFICATION_URL string = notificationUrl
output DESK_URL string = deskUrl
output DESK_PRINCIPAL_ID string = deskPrincipalId

// What was chosen, so that `azd env refresh` on another machine, such as a workflow's, chooses the same.
output FRONT_APART bool = frontApart
output DESK bool = desk
output DESK_APP_CLIENT_ID string = deskClientId
output SECRETS string = secretsInVault
output FUNCTION_KEY_SOURCES string = functionKeySources
output ALERT_EMAIL string = alertEmail
output SWEEP_WINDOW string = sweepWindow
output VNET bool = network
output ALWAYS_READY bool = alwaysReady
output TELEMETRY bool = telemetry
output PARTNER_AUTHORIZED_UNTIL string = partnerAuthorizedUntil
output PARTNER_TOPIC string = partnerTopic
