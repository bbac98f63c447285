// Nothing in this group is deleted, by whatever right, until somebody takes this lock away.

resource lock 'Microsoft.Authorization/locks@2020-05-01' = {
  name: 'keep-the-ledger'
  properties: {
    level: 'CanNotDelete'
    notes: 'The ledger is the evidence of who could see invoices. docs/how-to/deploy.md says how to take it down.'
  }
}
