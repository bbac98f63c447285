// Optional: the apps reach the ledger through a network of their own, and nobody else reaches it at all.
// Service Bus Standard and the hosts' storage have no part in it: roles alone guard them.

param name string
param location string
param tags object
param ledgerId string

var zoneName = 'privatelink.table.${environment().suffixes.storage}'

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.93.0.0/24'
      ]
    }
    subnets: [
      {
        name: 'apps'
        properties: {
          addressPrefix: '10.93.0.0/25'
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.93.0.128/26'
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

resource apps 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: network
  name: 'apps'
}

resource endpoints 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: network
  name: 'endpoints'
}

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: 'pe-ledger-${name}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: endpoints.id
    }
    privateLinkServiceConnections: [
      {
        name: 'ledger'
        properties: {
          privateLinkServiceId: ledgerId
          groupIds: [
            'table'
          ]
        }
      }
    ]
  }

  resource records 'privateDnsZoneGroups' = {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: 'table'
          properties: {
            privateDnsZoneId: zone.id
          }
        }
      ]
    }
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: zoneName
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: 'apps'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
}

output appsSubnetId string = apps.id
