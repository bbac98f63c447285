"""What a sweep reports: counts, what is left alone and why, what is foreign since when, and findings.

Words and figures for people live here. Nothing in a report is acted upon.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from shared.domain.billing import OTHER_RECIPIENT_ROLES, BillingProfile
from shared.domain.ownership import ForeignAssignment, Held, OwnAssignment
from shared.domain.rules import managed_accounts
from shared.domain.selectors import pick
from shared.services.app import App
from shared.services.estate import Estate

_SHOWN: Final = 500
"""The most foreign assignments that a report lists one by one; it always counts them all."""


def counts(app: App, estate: Estate, held: Mapping[str, Sequence[Held]]) -> dict[str, int]:
    """How much there is of everything."""
    every = [one for rows in held.values() for one in rows]
    return {
        "accounts": len(estate.catalogue.accounts),
        "managed_accounts": len(managed_accounts(app.policy, estate.catalogue.accounts)),
        "profiles": len(estate.catalogue.profiles),
        "assignments": sum(map(len, estate.rows.values())),
        "ours": sum(isinstance(one, OwnAssignment) for one in every),
        "foreign": sum(isinstance(one, ForeignAssignment) for one in every),
        "people_listed": estate.listed,
        "people": len(estate.people),
    }


def left_alone(app: App, estate: Estate) -> list[dict[str, str]]:
    """Accounts that are not managed, each with the one reason."""
    reasons = []
    managed = managed_accounts(app.policy, estate.catalogue.accounts)
    for account in estate.catalogue.accounts:
        if account.name.lower() in managed:
            continue
        if not account.is_manageable:
            why = f"{account.agreement_type}, {account.status}: only active MCA and MPA accounts have Invoice managers"
        else:
            why = "the policy does not name it"
        reasons.append({"account": account.name, "why": why})
    return reasons


def foreign(
    estate: Estate, held: Mapping[str, Sequence[Held]], latest: Mapping[str, Any], now: datetime
) -> list[dict[str, Any]]:
    """Invoice manager assignments that are not ours, with when a sweep first saw each.

    `latest` is the report before. What it says of profiles whose list could not be read now still stands.
    """
    known = {(row["profile"], row["principal"]): row for row in latest.get("foreign", ())}
    rows = [
        {
            "profile": str(one.profile),
            "principal": one.assignment.principal_id,
            "principal_type": one.assignment.principal_type,
            "why": one.why,
            "first_seen": known.get((str(one.profile), one.assignment.principal_id), {}).get(
                "first_seen", now.isoformat()
            ),
        }
        for ones in held.values()
        for one in ones
        if isinstance(one, ForeignAssignment)
    ]
    unread = {str(profile.key) for profile in estate.catalogue.profiles} - {str(key) for key in estate.rows}
    rows += [row for row in known.values() if row["profile"] in unread]
    return sorted(rows, key=lambda row: (row["profile"], row["principal"]))[:_SHOWN]


def findings(app: App, estate: Estate) -> list[dict[str, str]]:
    """What a person should know and nothing is done about: rules that match nothing, profiles with few recipients."""
    found = [
        {"kind": "rule-not-known", "rule": rule, "text": why}
        for rule, why in sorted((estate.catalogue.unknown_rules or {}).items())
    ]
    for profile in pick(app.policy.opt_in, estate.catalogue.profiles).profiles:
        if profile.is_active and profile.key in estate.rows:
            found += _few_recipients(app, estate, profile)
    return found


def _few_recipients(app: App, estate: Estate, profile: BillingProfile) -> list[dict[str, str]]:
    recipients = {
        row.principal_id
        for row in estate.rows[profile.key]
        if (row.is_invoice_manager or row.role in OTHER_RECIPIENT_ROLES)
        and (row.principal_type or "User").lower() == "user"
    }
    if len(recipients) >= app.policy.min_recipients:
        return []
    text = f"{len(recipients)} people receive its invoices, the policy asks for {app.policy.min_recipients}"
    return [{"kind": "few-recipients", "profile": str(profile.key), "text": text}]
