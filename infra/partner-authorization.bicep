// Optional, first step: lets Microsoft Graph make a partner topic in this group. Graph makes it when somebody subscribes
// with an Event Grid address; docs/how-to/deploy.md has the steps between this and partner-events.bicep.

@description('When the permission ends, at most 365 days ahead: afterwards no topic can be made anew.')
param until string

resource authorization 'Microsoft.EventGrid/partnerConfigurations@2025-02-15' = {
  name: 'default'
  location: 'global'
  properties: {
    partnerAuthorization: {
      defaultMaximumExpirationTimeInDays: 365
      authorizedPartnersList: [
        {
          partnerName: 'MicrosoftGraphAPI'
          partnerRegistrationImmutableId: 'c02e0126-707c-436d-b6a1-175d2748fb58'
          authorizationExpirationTimeInUtc: until
        }
      ]
    }
  }
}
