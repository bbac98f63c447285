// Alerts. Each is a row that a query of queries/ finds, or a figure of the queues, and names its part of docs/reference/alerts.md.
// They read the log and Service Bus' own figures, and need neither traces nor metrics of the app.
param location string
param tags object

@description('The Log Analytics workspace that the app logs to.')
param workspaceId string

@description('The Service Bus namespace.')
param busId string

@description('Who gets the alerts by e-mail; empty: nobody, the alerts are there all the same.')
param alertEmail string = ''

@description('How far back the last sweep is looked for: three of its hourly runs. Longer where SWEEP_SCHEDULE is rarer.')
@allowed([
  'PT2H'
  'PT3H'
  'PT6H'
  'P1D'
  'P2D'
])
param sweepWindow string = 'PT3H'

var runbook = 'docs/reference/alerts.md'
var hasPeople = !empty(alertEmail)
var groupsOfQueries = hasPeople ? [
  people.id
] : []
var groupsOfMetrics = hasPeople ? [
  {
    actionGroupId: people.id
  }
] : []

// Severity: 0 nothing works, 1 somebody keeps access or nobody watches, 2 a person has to act, 3 a person has to decide.
var rules = [
  {
    name: 'does-not-start'
    severity: 0
    window: 'PT15M'
    says: 'The app does not start: a setting or the policy is wrong.'
    query: loadTextContent('queries/does-not-start.kql')
  }
  {
    name: 'leaver-clock'
    severity: 1
    window: sweepWindow
    says: 'Somebody who left kept access for over an hour, or a removal for leaving waits for a decision.'
    query: loadTextContent('queries/leaver-clock.kql')
  }
  {
    name: 'sweep-missing'
    severity: 1
    window: sweepWindow
    says: 'No sweep was complete: none ran, each failed, or the log does not arrive.'
    query: loadTextContent('queries/sweep-missing.kql')
  }
  {
    name: 'ledger-broken'
    severity: 1
    window: 'PT1H'
    says: 'A chain of the ledger does not hold, or its digest cannot be taken.'
    query: loadTextContent('queries/ledger-broken.kql')
  }
  {
    name: 'log-is-cut'
    severity: 1
    window: 'PT1H'
    says: 'The log reached its daily cap: what is logged is lost, and most of these alerts are blind.'
    query: loadTextContent('queries/log-is-cut.kql')
  }
  {
    name: 'writes-paused'
    severity: 2
    window: sweepWindow
    says: 'Writes are paused.'
    query: loadTextContent('queries/writes-paused.kql')
  }
  {
    name: 'sweep-incomplete'
    severity: 2
    window: 'PT1H'
    says: 'A sweep could not read everything.'
    query: loadTextContent('queries/sweep-incomplete.kql')
  }
  {
    name: 'feed-silent'
    severity: 2
    window: sweepWindow
    says: 'Changes happen of which no event tells.'
    query: loadTextContent('queries/feed-silent.kql')
  }
  {
    name: 'check-needs-somebody'
    severity: 2
    window: 'PT15M'
    says: 'A check was given up, or only a person can go on.'
    query: loadTextContent('queries/check-needs-somebody.kql')
  }
  {
    name: 'notices-refused'
    severity: 2
    window: 'PT1H'
    says: 'People outside are not told: a channel refuses what the app sends.'
    query: loadTextContent('queries/notices-refused.kql')
  }
  {
    name: 'holds-waiting'
    severity: 3
    window: sweepWindow
    says: 'Something is held until a person decides.'
    query: loadTextContent('queries/holds-waiting.kql')
  }
  {
    name: 'mail-findings'
    severity: 3
    window: sweepWindow
    says: 'E-mail invoicing of some profile needs a person.'
    query: loadTextContent('queries/mail-findings.kql')
  }
]

// What lies there. The app need not run for these.
var counted = [
  {
    name: 'dead-letters'
    severity: 1
    says: 'Messages were given up by the queue itself: a bug, or an outage of days.'
    metric: 'DeadletteredMessages'
    queues: [
      'people-events'
      'access-work'
      'rejected-events'
    ]
  }
  {
    name: 'rejected-events'
    severity: 3
    says: 'Events that cannot be used wait for their sender to fix them.'
    metric: 'ActiveMessages'
    queues: [
      'rejected-events'
    ]
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (hasPeople) {
  name: 'invoice-access'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'inv-access'
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: alertEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'invoice-access-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'invoice-access: ${rule.name}'
    description: '${rule.says} What to do: ${runbook}#${rule.name}'
    severity: rule.severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: 'PT15M'
    windowSize: rule.window
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    skipQueryValidation: true // the first deployment finds tables that have no rows and no columns yet
    actions: {
      actionGroups: groupsOfQueries
      customProperties: {
        runbook: '${runbook}#${rule.name}'
      }
    }
  }
}]

resource figures 'Microsoft.Insights/metricAlerts@2018-03-01' = [for rule in counted: {
  name: 'invoice-access-${rule.name}'
  location: 'global'
  tags: tags
  properties: {
    description: '${rule.says} What to do: ${runbook}#${rule.name}'
    severity: rule.severity
    enabled: true
    scopes: [
      busId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: rule.name
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: rule.metric
          dimensions: [
            {
              name: 'EntityName'
              operator: 'Include'
              values: rule.queues
            }
          ]
          timeAggregation: 'Maximum'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    autoMitigate: true
    actions: groupsOfMetrics
  }
}]
