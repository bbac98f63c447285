// What one part may do on each queue (queue-roles.json). Every role is on a queue, none on the namespace, and nobody is
// Data Owner: what scaling loses by that is in docs/how-to/deploy.md.

@allowed([
  'all'
  'core'
  'front'
  'desk'
])
param part string
param busName string
param principalId string

var grantsOfParts = loadJsonContent('queue-roles.json')
var grants = grantsOfParts[part]
var roles = {
  receiver: '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0' // Azure Service Bus Data Receiver
  sender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39' // Azure Service Bus Data Sender
}

resource bus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: busName
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = [for grant in grants: {
  parent: bus
  name: grant.queue
}]

resource queueRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (grant, index) in grants: {
  name: guid(bus.id, grant.queue, grant.role, principalId)
  scope: queue[index]
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[grant.role])
  }
}]
