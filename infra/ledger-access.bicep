// Lets one part's identity read and write the table of ledger and state, and nothing else in its account.

param accountName string
param principalId string

var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3' // Storage Table Data Contributor

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName

  resource tables 'tableServices' existing = {
    name: 'default'

    resource table 'tables' existing = {
      name: 'invoiceaccess'
    }
  }
}

resource tableRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::tables::table.id, tableDataContributor, principalId)
  scope: account::tables::table
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', tableDataContributor)
  }
}
