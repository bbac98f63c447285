// Who really wrote the ledger's account: the log that nobody who writes the table can change.

param accountName string
param workspaceId string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName

  resource tables 'tableServices' existing = {
    name: 'default'
  }
}

// The only version of this type that Resource Manager publishes is a preview.
resource writes 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'writes'
  scope: account::tables
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}
