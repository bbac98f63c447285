// The identity of the part that checks and writes. Billing's role assignments and Microsoft Graph's permissions are given to it
// by people, and what it wrote is known by its object id: it stays when the app is taken down.

param name string
param location string
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

output name string = identity.name
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
