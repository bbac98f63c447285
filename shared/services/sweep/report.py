"""What a sweep reports: counts, what is left alone and why, and findings.

Words and figures for people live here. Nothing in a report is acted upon.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from shared.domain.access.ownership import Held, ManagedAssignment, UnmanagedAssignment
from shared.domain.access.plan import Note, NoteKind
from shared.domain.access.rules import is_named, managed_accounts
from shared.domain.billing import MANAGED_AGREEMENTS
from shared.domain.recipients import too_few
from shared.services.app import App
from shared.services.estate import Estate


def counts(app: App, estate: Estate, held: Mapping[str, Sequence[Held]]) -> dict[str, int]:
    """How much there is of everything."""
    every = [one for rows in held.values() for one in rows]
    return {
        "accounts": len(estate.catalogue.accounts),
        "managed_accounts": len(managed_accounts(app.policy, estate.catalogue.accounts)),
        "profiles": len(estate.catalogue.profiles),
        "assignments": sum(map(len, estate.rows.values())),
        "managed": sum(isinstance(one, ManagedAssignment) for one in every),
        "unmanaged": sum(isinstance(one, UnmanagedAssignment) for one in every),
        "people_listed": estate.listed,
        "people": len(estate.people),
        "people_unreadable": len(estate.unreadable),
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


def findings(app: App, estate: Estate) -> list[dict[str, str]]:
    """What a person should know of the estate and nothing is done about.

    Assignments that could not be read, accounts with something managed that nobody sees, accounts and profiles on which
    nothing can be done as they are, profiles with few recipients.
    """
    in_sight = {account.name.lower() for account in estate.listing.accounts}
    remembered = Counter(profile.account.lower() for state in estate.states.values() for profile in state.holdings)
    found = [
        {
            "kind": "account-out-of-sight",
            "account": account,
            "text": f"{count} managed assignments are remembered there, and nothing of it is listed: they stay, "
            "leavers' too, until our role there is back, or the policy no longer names it",
        }
        for account, count in sorted(remembered.items())
        if account not in in_sight and is_named(app.policy, account)
    ]
    found += [
        {
            "kind": "assignment-not-read",
            "profile": str(row.profile),
            "assignment": row.name,
            "text": f"left out of account, {row.why}: check it in the portal",
        }
        for row in estate.unread
    ]
    found += _not_active(app, estate)
    for profile in estate.catalogue.index.pick(app.policy.opt_in).profiles:
        if not profile.is_active or profile.key not in estate.rows:
            continue
        if (few := too_few(app.policy, estate.rows[profile.key], estate.catalogue.cannot_read)) is not None:
            found.append({"kind": NoteKind.FEW_RECIPIENTS.value, "profile": str(profile.key), "text": few})
    return found


def _not_active(app: App, estate: Estate) -> list[dict[str, str]]:
    """Accounts and profiles that the policy means, on which nothing can be done as they are."""
    accounts = [account for account in estate.listing.accounts if is_named(app.policy, account.name)]
    managed = managed_accounts(app.policy, estate.listing.accounts)
    found = [
        {
            "kind": "account-not-active",
            "account": account.name,
            "text": f"its status is {account.status or 'not said'}: nothing is given or taken there until it is Active",
        }
        for account in accounts
        if account.agreement_type.lower() in MANAGED_AGREEMENTS and not account.is_manageable
    ]
    found += [
        {
            "kind": "account-without-profiles",
            "account": account.name,
            "text": "it is listed and none of its billing profiles is: it has none, or our role lets us see none",
        }
        for account in accounts
        if account.name.lower() in managed - estate.listing.in_sight - estate.lost.keys()
    ]
    if estate.listing.accounts and not managed:
        text = "none of the billing accounts that are listed is managed: see those that are left alone"
        found.append({"kind": "no-account-managed", "text": text})
    for profile in estate.listing.profiles:
        if not profile.is_active:
            reason = profile.properties.get("statusReasonCode")
            said = f"{profile.status or 'not said'}{f' ({reason})' if reason else ''}"
            text = f"its status is {said}: nobody is given access and no invoice e-mail is turned on until it is Active"
            found.append({"kind": "profile-not-active", "profile": str(profile.key), "text": text})
    return found


def of_people(notes: Iterable[tuple[str, Note]]) -> list[dict[str, str]]:
    """The findings about people, by principal: what a sweep noted of each that somebody has to see to."""
    found = [
        {"kind": note.kind.value, "principal": principal}
        | ({} if note.profile is None else {"profile": str(note.profile)})
        | {"text": note.text}
        for principal, note in notes
    ]
    return sorted(found, key=lambda one: (one["principal"], one["kind"], one.get("profile", ""), one["text"]))
