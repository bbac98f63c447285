// Where all logs end up. The ledger's digest is written here once a day: whoever rewrites the ledger cannot rewrite this.

param name string
param location string
param tags object

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    features: {
      disableLocalAuth: true
    }
    retentionInDays: 90
    sku: {
      name: 'PerGB2018'
    }
  }
}

output id string = workspace.id
output name string = workspace.name
