"""Who receives a profile's invoices, and whether they are as many people as the policy asks for.

Lives here: who counts as a recipient. Too few are told and block nothing.
"""

from collections.abc import Collection, Iterable

from shared.domain.billing import OTHER_RECIPIENT_ROLES, Assignment
from shared.domain.policy.model import Policy
from shared.domain.reasons import Code, Reason


def too_few(policy: Policy, rows: Iterable[Assignment], cannot_read: Collection[str] = ()) -> Reason | None:
    """Says how many people receive a profile's invoices by its assignments, where the policy asks for more.

    Whoever cannot read mail is none of them.
    """
    holders = {row.principal_id for row in rows if is_recipient(row)}
    reached = holders.difference(cannot_read)
    if len(reached) >= policy.min_recipients:
        return None
    if holders > reached:
        missed = len(holders - reached)
        return Code.FEW_CAN_READ(reached=len(reached), asked=policy.min_recipients, missed=missed)
    return Code.FEW_RECIPIENTS(reached=len(reached), asked=policy.min_recipients)


def is_recipient(row: Assignment, tenant: str | None = None) -> bool:
    """Whether a row has somebody get the invoices: a person, and of this tenant where one is asked for."""
    if tenant is not None and row.principal_tenant not in {None, tenant.lower()}:
        return False
    is_person = (row.principal_type or "User").lower() == "user"
    return is_person and (row.is_invoice_manager or row.role in OTHER_RECIPIENT_ROLES)
