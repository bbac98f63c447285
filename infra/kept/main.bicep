// What outlives the app: ledger and state, the log, the senders' secrets, the identity that billing and the directory know.
// A layer of its own, so that `azd down app` cannot reach it; a lock refuses whoever tries all the same.
targetScope = 'subscription'

@description('Name of the environment, a part of every name: small letters, digits and hyphens.')
@minLength(2)
@maxLength(20)
param environmentName string

@description('Azure region of everything.')
@minLength(1)
param location string

@description('How often the ledger is copied. ZRS: three zones of the region; a region without zones takes LRS.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param ledgerSku string = 'Standard_ZRS'

@description('Whether the ledger answers in the virtual network alone. Operators then run their commands in there, too.')
param network bool = false

var suffix = uniqueString(subscription().subscriptionId, environmentName, location)
var tags = {
  application: 'invoice-access'
  environment: environmentName
}

// Without the tag azd-env-name: azd takes the one group with that tag for the app's.
resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}-kept'
  location: location
  tags: tags
}

module identity 'identity.bicep' = {
  name: 'kept-identity'
  scope: group
  params: {
    name: 'id-${environmentName}'
    location: location
    tags: tags
  }
}

module ledger 'ledger.bicep' = {
  name: 'kept-ledger'
  scope: group
  params: {
    name: 'stledger${suffix}'
    location: location
    tags: tags
    sku: ledgerSku
    network: network
  }
}

module log 'log.bicep' = {
  name: 'kept-log'
  scope: group
  params: {
    name: 'log-${environmentName}'
    location: location
    tags: tags
  }
}

module ledgerLog 'ledger-log.bicep' = {
  name: 'kept-ledger-log'
  scope: group
  params: {
    accountName: ledger.outputs.name
    workspaceId: log.outputs.id
  }
}

module vault 'vault.bicep' = {
  name: 'kept-vault'
  scope: group
  params: {
    name: 'kv-${suffix}'
    location: location
    tags: tags
  }
}

module lock 'lock.bicep' = {
  name: 'kept-lock'
  scope: group
  dependsOn: [
    identity
    ledger
    ledgerLog
    vault
  ]
}

output KEPT_RESOURCE_GROUP string = group.name
output LEDGER_ACCOUNT string = ledger.outputs.name
output LOG_NAME string = log.outputs.name
output VAULT_NAME string = vault.outputs.name
output IDENTITY_NAME string = identity.outputs.name
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output INVOICE_ACCESS_STORE string = ledger.outputs.tableEndpoint
output LEDGER_SKU string = ledgerSku // what was chosen
