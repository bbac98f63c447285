// Optional, second step: what the activated partner topic tells goes to people-events, sent by the topic's own identity.

@description('The topic that Microsoft Graph made; activated, and with a system-assigned identity.')
param topicName string
param busName string

var sender = '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39' // Azure Service Bus Data Sender

resource topic 'Microsoft.EventGrid/partnerTopics@2025-02-15' existing = {
  name: topicName
}

resource bus 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: busName

  resource events 'queues' existing = {
    name: 'people-events'
  }
}

resource topicRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(bus::events.id, sender, topic.id)
  scope: bus::events
  properties: {
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sender)
  }
}

resource delivery 'Microsoft.EventGrid/partnerTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'people-events'
  dependsOn: [
    topicRole
  ]
  properties: {
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'ServiceBusQueue'
        properties: {
          resourceId: bus::events.id
        }
      }
    }
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    retryPolicy: {
      eventTimeToLiveInMinutes: 1440
      maxDeliveryAttempts: 30
    }
  }
}
