"""What to try in a sandbox that runs: commands for another terminal.

Lives here: the words. Which names they are about is taken from the world.
"""

import shlex
from pathlib import Path
from typing import Final

from sandbox.settings import sign_in_variable
from sandbox.world import World

_PROFILE: Final = "Contoso UK"
_PERSON: Final = "E00175"
"""Of the standard world: a profile of which much can be said, and somebody of whom as much can."""


def to_try(world: World, environment: Path) -> list[str]:
    """How a shell becomes an operator's, and five commands: what there is, who, why, what would change, what waits."""
    names = [str(profile["properties"]["displayName"]) for profile in _profiles(world)]
    profile = next((name for name in names if name == _PROFILE), next(iter(names), _PROFILE))
    numbers = {str(user.properties().get("employeeId")): user for user in world.users}
    person = _PERSON if _PERSON in numbers else next((one.user_principal_name for one in world.users), "somebody")
    signing_in = world.people_signing_in()
    reading = f"set -a; . {shlex.quote(str(environment))}; set +a"
    if signing_in:
        reading += f'; export AZURE_CLIENT_ID="${sign_in_variable(signing_in[0])}"'
    return [
        reading,
        "invoice-access status",
        f'invoice-access who "{profile}"',
        f'invoice-access why {person} "{profile}"',
        "invoice-access plan",
        "invoice-access holds",
    ]


def _profiles(world: World) -> list[dict[str, dict[str, object]]]:
    return [profile for account in world.billing_accounts for profile in account.get("billingProfiles", ())]
