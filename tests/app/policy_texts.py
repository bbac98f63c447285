"""Policies that tests of the policy file begin with: one that says everything, and the least there is."""

from typing import Final

WHOLE: Final = """\
version: 1
accounts: [ "AAAA%3A1", bbbb ]       # a comment
enforce: [ { account: bbbb, tag: { stage: prod } } ]
rules:
  - name: finance-nl
    who: "department eq 'Finance' and companyName eq 'Contoso Nederland'"
    profiles: [{ name: "Contoso*" }, { tag: { company: "{companyName}" } }]
  - name: treasury
    member_of: [7C0F5A0E-0000-4000-8000-000000000001]
    profiles: all
    guests: true
email_invoicing: { opt_in: all, min_recipients: 2 }
employment: { lead_days: 3, mover_grace_hours: 24, time_zone: Europe/Amsterdam }
daily_limits: { mover_revokes: 1/2/3 %, grants: { floor: 4, count: 5, percent: 6 } }
protected: [ 7C0F5A0E-0000-4000-8000-00000000000A ]
"""
LEAST: Final = "version: 1\nrules: []\n"
