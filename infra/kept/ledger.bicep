// Ledger and state: one table in an account that nothing else is in.

param name string
param location string
param tags object
param sku string
param network bool

var reached = network ? 'Disabled' : 'Enabled'
var unlisted = network ? 'Deny' : 'Allow'

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: reached
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'None'
      defaultAction: unlisted
    }
  }

  resource tables 'tableServices' = {
    name: 'default'

    // Made here, because the identity's role is on this table and does not let it make one.
    resource table 'tables' = {
      name: 'invoiceaccess'
    }
  }
}

output name string = account.name
output tableEndpoint string = 'https://${account.name}.table.${environment().suffixes.storage}'
