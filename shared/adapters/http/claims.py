"""What an access token says of whom it speaks for.

Lives here: reading the claims of a token that our own credential gave us. The signature is not verified: the service
that the token is for does that, and what is read here decides nothing that the service would not.
"""

from collections.abc import Mapping
from typing import Any, Final

import jwt
from azure.core.credentials_async import AsyncTokenCredential

from shared.adapters.http.credentials import Tokens
from shared.domain.actors import Actor, actor_of
from shared.errors import Transient

ARM_SCOPE: Final = "https://management.azure.com/.default"
"""The audience of Azure Resource Manager, with every right that was consented to."""


def claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a token. Raises ValueError where it is none that can be read."""
    try:
        found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise ValueError(f"{error}") from error
    return found


async def signed_in(credential: AsyncTokenCredential) -> Actor:
    """Who signed in, by their token for Azure Resource Manager.

    Raises `NotSignedIn` where nobody did, and `Transient` where the token does not come or does not say whose it is.
    """
    token = (await Tokens(credential, "Azure Resource Manager").get_token(ARM_SCOPE)).token
    try:
        return actor_of(claims_of(token))
    except ValueError as error:
        raise Transient(
            f"the token that the sign-in gave for Azure Resource Manager does not say who you are: {error}"
        ) from error
