// A workbook: what the log and the app's measures say, side by side. The panels of measures are empty without telemetry.
param location string
param tags object

@description('The Log Analytics workspace that the app logs to.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'invoice-access') // the service takes no other name than a GUID
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'invoice-access'
    category: 'workbook'
    sourceId: workspaceId
    version: '1.0'
    serializedData: loadTextContent('workbook.json')
  }
}
