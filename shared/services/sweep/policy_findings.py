"""What a policy names and nobody finds: a typing error in it says so, wherever it is.

Lives here: the findings of a sweep about the policy's own words. Nothing is done about them; what an unknown rule gave
stays.
"""

from datetime import datetime, timedelta
from typing import Final

from shared.domain.access.rules import dead_comparisons
from shared.domain.catalogue import Catalogue
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.policy.model import Policy
from shared.domain.policy.named_grants import bare_name
from shared.domain.policy.unresolved import names_nothing, no_such_person
from shared.domain.reasons import Code
from shared.services.app import App
from shared.services.estate import Estate
from shared.services.people_by_id import people_by_id

TOLD_BEFORE: Final = timedelta(days=7)
"""How long before its end a named grant is told of: time to ask whoever wanted it, and to have a change reviewed."""


def policy_findings(app: App, estate: Estate) -> list[Finding]:
    """What of the policy's own words is amiss.

    Rules that are not known or whose filter the directory refused, comparisons that nobody meets, named grants that
    end soon, selectors and accounts that name nothing; and that one person decides, where it says so.
    """
    unknown = estate.catalogue.unknown_rules or {}
    found = [
        Finding(kind=FindingKind.RULE_NOT_KNOWN, rule=rule, why=Code.TOGETHER(reasons=why))
        for rule, why in sorted(unknown.items())
    ]
    found += [
        Finding(kind=FindingKind.FILTER_REFUSED, rule=rule, why=why) for rule, why in sorted(estate.asked_wider.items())
    ]
    if estate.people_complete:
        found += [
            Finding(kind=FindingKind.COMPARISON_MET_BY_NOBODY, rule=dead.rule, why=dead.why)
            for dead in dead_comparisons(app.policy, estate.people.values())
            if dead.rule not in unknown
        ]
    found += ending(app.policy, estate.catalogue, estate.read_at)
    accounts = [account.name for account in estate.listing.accounts]
    found += [
        Finding(kind=FindingKind.POLICY_NAMES_NOTHING, key=key, why=why)
        for key, why in names_nothing(app.policy, estate.catalogue, accounts)
    ]
    if app.policy.two_people is not None and app.policy.two_people.is_none:
        why = Code.ONE_PERSON_DECIDES()
        found.append(Finding(kind=FindingKind.ONE_PERSON_DECIDES, key="decisions.two_people", why=why))
    return found


def ending(policy: Policy, catalogue: Catalogue, now: datetime) -> list[Finding]:
    """The named grants that end within a week, each with the person whom it is for, where that is known."""
    return [
        Finding(
            kind=FindingKind.GRANT_ENDS,
            rule=rule.name,
            principal=rule.grant.object_id or catalogue.addresses.get(rule.grant.address, ""),
            why=Code.GRANT_ENDS(grant=bare_name(rule), until=rule.grant.until.isoformat()),
        )
        for rule in policy.grants
        if rule.grant is not None and rule.grant.end is not None and rule.grant.until is not None
        if timedelta() < rule.grant.end - now <= TOLD_BEFORE
    ]


async def unknown_protected(app: App, estate: Estate) -> list[Finding]:
    """The protected object ids of which the directory knows no person: nobody is protected by them.

    One listing for every 15 ids of which the sweep has not seen anybody. Raises as `Directory.people` does.
    """
    asked = sorted(app.policy.protected - estate.people.keys())
    known = await people_by_id(app.directory, asked)
    return [
        Finding(
            kind=FindingKind.POLICY_NAMES_NOTHING,
            key="protected",
            principal=object_id,
            why=no_such_person(object_id, estate.people.keys() | known),
        )
        for object_id in asked
        if object_id not in known
    ]
