"""What a sweep reports: counts, what is left alone and why, and findings.

Words and figures for people live here. Nothing in a report is acted upon.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from shared.domain.access.ownership import Held, ManagedAssignment, UnmanagedAssignment
from shared.domain.access.plan import Note
from shared.domain.access.rules import is_named, managed_accounts
from shared.domain.billing import MANAGED_AGREEMENTS, manageable_of
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.report import Counts, LeftAlone
from shared.domain.reasons import Code
from shared.domain.recipients import too_few
from shared.services.app import App
from shared.services.estate import Estate


def counts(app: App, estate: Estate, held: Mapping[str, Sequence[Held]]) -> Counts:
    """How much there is of everything."""
    every = [one for rows in held.values() for one in rows]
    return Counts(
        accounts=len(estate.catalogue.accounts),
        managed_accounts=len(managed_accounts(app.policy, estate.catalogue.manageable)),
        profiles=len(estate.catalogue.profiles),
        assignments=sum(map(len, estate.rows.values())),
        managed=sum(isinstance(one, ManagedAssignment) for one in every),
        unmanaged=sum(isinstance(one, UnmanagedAssignment) for one in every),
        people_listed=estate.listed,
        people=len(estate.people),
        people_unreadable=len(estate.unreadable),
    )


def left_alone(app: App, estate: Estate) -> list[LeftAlone]:
    """Accounts that are not managed, each with the one reason."""
    reasons = []
    managed = managed_accounts(app.policy, estate.catalogue.manageable)
    for account in estate.catalogue.accounts:
        if account.name.lower() in managed:
            continue
        if not account.is_manageable:
            why = Code.HAS_NO_INVOICE_MANAGERS(agreement=account.agreement_type, status=account.status)
        else:
            why = Code.NOT_NAMED()
        reasons.append(LeftAlone(account.name, why))
    return reasons


def findings(app: App, estate: Estate) -> list[Finding]:
    """What a person should know of the estate and nothing is done about.

    Assignments that could not be read, accounts with something managed that nobody sees, accounts and profiles on which
    nothing can be done as they are, profiles with few recipients.
    """
    in_sight = {account.name.lower() for account in estate.listing.accounts}
    remembered: Counter[str] = Counter()
    for account, count in Counter(one.account for state in estate.states.values() for one in state.holdings).items():
        remembered[account.lower()] += count
    found = [
        Finding(kind=FindingKind.ACCOUNT_OUT_OF_SIGHT, account=account, why=Code.ACCOUNT_OUT_OF_SIGHT(count=count))
        for account, count in sorted(remembered.items())
        if account not in in_sight and is_named(app.policy, account)
    ]
    found += [
        Finding(
            kind=FindingKind.ASSIGNMENT_NOT_READ,
            profile=row.profile,
            assignment=row.name,
            why=Code.ASSIGNMENT_NOT_READ(said=row.why),
        )
        for row in estate.unread
    ]
    found += _not_active(app, estate)
    for profile in estate.catalogue.index.pick(app.policy.opt_in).profiles:
        if not profile.is_active or profile.key not in estate.rows:
            continue
        if (few := too_few(app.policy, estate.rows[profile.key], estate.catalogue.cannot_read)) is not None:
            found.append(Finding(kind=FindingKind.FEW_RECIPIENTS, profile=profile.key, why=few))
    return found


def _not_active(app: App, estate: Estate) -> list[Finding]:
    """Accounts and profiles that the policy means, on which nothing can be done as they are."""
    accounts = [account for account in estate.listing.accounts if is_named(app.policy, account.name)]
    managed = managed_accounts(app.policy, manageable_of(estate.listing.accounts))
    found = [
        Finding(
            kind=FindingKind.ACCOUNT_NOT_ACTIVE,
            account=account.name,
            why=Code.ACCOUNT_NOT_ACTIVE(status=account.status),
        )
        for account in accounts
        if account.agreement_type.lower() in MANAGED_AGREEMENTS and not account.is_manageable
    ]
    found += [
        Finding(
            kind=FindingKind.ACCOUNT_WITHOUT_PROFILES,
            account=account.name,
            why=Code.ACCOUNT_WITHOUT_PROFILES(),
        )
        for account in accounts
        if account.name.lower() in managed - estate.listing.in_sight - estate.lost.keys()
    ]
    if estate.listing.accounts and not managed:
        found.append(Finding(kind=FindingKind.NO_ACCOUNT_MANAGED, why=Code.NO_ACCOUNT_MANAGED()))
    for profile in estate.listing.profiles:
        if not profile.is_active:
            why = Code.PROFILE_NOT_ACTIVE(status=profile.status)
            if cause := profile.properties.get("statusReasonCode"):
                why = Code.PROFILE_NOT_ACTIVE_BECAUSE(status=profile.status, cause=str(cause))
            found.append(Finding(kind=FindingKind.PROFILE_NOT_ACTIVE, profile=profile.key, why=why))
    return found


def of_people(notes: Iterable[tuple[str, Note]]) -> list[Finding]:
    """The findings about people, by principal: what a sweep noted of each that somebody has to see to."""
    found = [
        Finding(kind=FindingKind(note.kind.value), principal=principal, profile=note.profile, why=note.why)
        for principal, note in notes
    ]
    return sorted(found, key=lambda one: (one.principal, one.kind, str(one.profile or ""), str(one.why)))
