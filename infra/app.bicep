// One app of Flex Consumption with a plan of its own (a plan takes one app) and its settings, whole.

param name string
param planName string
param location string
param tags object

@description('The service of azure.yaml whose package this app gets: azd finds the app by it.')
param service string
param identityId string

@description('Blob container that the package is fetched from; its account has to be there.')
param packageUrl string

@description('Functions that have an instance at all times, and how many.')
param alwaysReady array

@description('The subnet from which the app reaches the ledger; empty: none.')
param subnetId string
param settings object

var packageIdentity = {
  type: 'UserAssignedIdentity'
  userAssignedIdentityResourceId: identityId
}
var subnet = empty(subnetId) ? null : subnetId

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': service })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: 'Enabled' // closing it would close the address that packages are sent to as well
    virtualNetworkSubnetId: subnet
    siteConfig: {
      minTlsVersion: '1.2' // and nothing else: many older properties are refused on Flex, in some regions alone
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: packageIdentity
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: 40 // older stamps take no less; what a flood may cost is bounded by it
        alwaysReady: alwaysReady
      }
    }
  }
}

// This replaces the whole set: a setting that is added by hand is gone after the next deployment.
resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: settings
}

output name string = app.name
output hostName string = app.properties.defaultHostName
