"""Who the app is: its managed identity, as a credential.

Lives here: making the credential, and nothing about what it is used for. One credential serves Azure
Resource Manager, Graph, Service Bus and Table Storage; it keeps each token until it is about to expire.
There are no secrets: the platform tells the identity's endpoint in the environment (`IDENTITY_ENDPOINT`,
`IDENTITY_HEADER`).
"""

from azure.core.credentials_async import AsyncTokenCredential
from azure.identity.aio import ManagedIdentityCredential


def managed_identity(client_id: str | None) -> AsyncTokenCredential:
    """The managed identity's credential; whoever makes it closes it.

    `client_id` names a user-assigned identity; without it the system-assigned one is meant. Source:
    Microsoft Learn, "How to use managed identities for App Service and Azure Functions".
    """
    return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()
