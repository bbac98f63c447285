"""What a policy names and nobody finds: a typing error in it says so, wherever it is.

Lives here: the findings of a sweep about the policy's own words. Nothing is done about them; what an unknown rule gave
stays.
"""

from collections.abc import Iterable
from itertools import batched

from shared.domain.access.rules import dead_comparisons
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.policy.filter_tree import quote
from shared.domain.policy.unresolved import names_nothing, no_such_person
from shared.domain.reasons import Code
from shared.services.app import App
from shared.services.estate import Estate
from shared.services.sweep.recipients import IDS_A_QUERY


def policy_findings(app: App, estate: Estate) -> list[Finding]:
    """What of the policy's own words is amiss.

    Rules that are not known or whose filter the directory refused, comparisons that nobody meets, and selectors and
    accounts that name nothing; and that one person decides, where it says so.
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
    accounts = [account.name for account in estate.listing.accounts]
    found += [
        Finding(kind=FindingKind.POLICY_NAMES_NOTHING, key=key, why=why)
        for key, why in names_nothing(app.policy, estate.catalogue, accounts)
    ]
    if app.policy.two_people is not None and app.policy.two_people.is_none:
        why = Code.ONE_PERSON_DECIDES()
        found.append(Finding(kind=FindingKind.ONE_PERSON_DECIDES, key="decisions.two_people", why=why))
    return found


async def unknown_protected(app: App, estate: Estate) -> list[Finding]:
    """The protected object ids of which the directory knows no person: nobody is protected by them.

    One listing for every 15 ids of which the sweep has not seen anybody. Raises as `Directory.people` does.
    """
    asked = sorted(app.policy.protected - estate.people.keys())
    known: set[str] = set()
    for ids in batched(asked, IDS_A_QUERY, strict=False):
        known |= await _known(app, ids)
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


async def _known(app: App, ids: Iterable[str]) -> set[str]:
    odata_filter = f"id in ({', '.join(map(quote, ids))})"
    return {person.object_id.lower() async for person in app.directory.people(odata_filter)}
