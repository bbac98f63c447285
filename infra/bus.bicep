// The namespace and its queues, from the one definition of them.

param name string
param location string
param tags object

var definition = loadJsonContent('../deploy/queues.json')

resource bus 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled' // Standard has no other; who may use a queue is decided by roles
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [for each in definition.queues: {
  parent: bus
  name: each.name
  properties: each.properties
}]

output id string = bus.id
output name string = bus.name
output fullyQualifiedNamespace string = '${bus.name}.servicebus.windows.net'
