"""The stand-in for ARM billing: Microsoft.Billing 2024-04-01, for customer and partner agreements.

What lives here: a state model built from a world, and the handler that speaks the service's HTTP over it. As
strict as the real service; what nobody knows of that is a switch (`Switches`). No sockets and no tokens:
shells and `authenticate` bring those.
"""

from sandbox.billing.door import billing_handler
from sandbox.billing.model import AuditEntry, BillingModel, Contact
from sandbox.billing.switches import Switches, read_switches

__all__ = ["AuditEntry", "BillingModel", "Contact", "Switches", "billing_handler", "read_switches"]
