// The storage of one app's Functions host: its package, function keys, timers' leases. Each app has its own, because whoever may
// write it decides what that app runs.

param name string
param location string
param tags object
param container string
param principalId string

var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b' // Storage Blob Data Owner

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    publicNetworkAccess: 'Enabled' // the platform fetches the package from outside; who may is decided by roles
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'

    resource package 'containers' = {
      name: container
      properties: {
        publicAccess: 'None'
      }
    }
  }
}

resource hostRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, blobDataOwner, principalId)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
  }
}

output name string = account.name
output packageUrl string = '${account.properties.primaryEndpoints.blob}${container}'
