// What the apps send their telemetry to. Only identities with a role may; what they send is kept in the log of kept/.

param name string
param location string
param tags object
param workspaceId string

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    WorkspaceResourceId: workspaceId
  }
}

output componentId string = component.id
output componentName string = component.name
