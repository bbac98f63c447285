"""Which billing accounts and profiles are meant, among those that whoever signed in sees.

Lives here: reading them and finding them by name or id. Nobody is asked twice about one account.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cli.faults import UsageError
from cli.setup.billing import Owners
from cli.setup.table import Owner
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.lookup import Candidate, look_up


@dataclass(frozen=True, slots=True)
class Asked:
    """Where an app is to be owner, as it was typed."""

    profiles: Sequence[str] = ()
    profiles_of: Sequence[str] = ()
    accounts: Sequence[str] = ()

    @property
    def is_any(self) -> bool:
        """Whether any was named."""
        return bool(self.profiles or self.profiles_of or self.accounts)


async def owners(billing: Owners, asked: Asked, principal_id: str) -> Sequence[Owner]:
    """What is asked for, each with whether the app has it.

    Raises `UsageError` where no account or profile is called so, or several are, and as `Owners` does.
    """
    if not asked.is_any:
        return ()
    accounts = {one.name: one for one in await billing.accounts()}
    if not accounts:
        raise UsageError(
            "you see no billing account",
            code="not-found",
            mend="Sign in as somebody with a role at one. docs/how-to/set-up-permissions.md says who may take one.",
        )
    wanted_accounts = {text: _account(accounts, text, "--account-owner") for text in asked.accounts}
    each_of = {text: _account(accounts, text, "--profiles-of") for text in asked.profiles_of}
    read = accounts.values() if asked.profiles else each_of.values()
    profiles = {one.name: await billing.profiles(one.name) for one in read if one.is_manageable}
    found = {
        profile.key: profile for account in each_of.values() for profile in profiles[account.name] if profile.is_active
    }
    for text in asked.profiles:
        profile = _profile([each for many in profiles.values() for each in many], text)
        found[profile.key] = profile
    distinct = {account.name: account for account in wanted_accounts.values()}
    return [
        *[await billing.of_account(one.name, one.display_name, principal_id) for one in distinct.values()],
        *[await billing.of_profile(one.key, one.display_name, principal_id) for one in found.values()],
    ]


def _account(accounts: Mapping[str, BillingAccount], text: str, option: str) -> BillingAccount:
    candidates = [Candidate(one.name, (one.display_name,), "billing account") for one in accounts.values()]
    account = accounts[_only(text, candidates, option, "billing account")]
    if not account.is_manageable:
        raise UsageError(
            f"{option}: {account.display_name} ({account.agreement_type or 'no agreement'}, {account.status}) has no "
            "profiles with Invoice managers: only an active Microsoft Customer or Partner Agreement has"
        )
    return account


def _profile(profiles: Iterable[BillingProfile], text: str) -> BillingProfile:
    known = {str(one.key): one for one in profiles}
    candidates = [Candidate(name, (one.display_name, one.key.profile), "") for name, one in known.items()]
    return known[_only(text, candidates, "--profile", "billing profile")]


def _only(text: str, candidates: Sequence[Candidate], option: str, what: str) -> str:
    found = look_up(text, candidates)
    if found.only is not None:
        return found.only.id
    if found.matches:
        several = sorted(f"{one.best} ({one.id})" for one in found.matches)
        raise UsageError(
            f"{option}: {len(several)} {what}s are called {text!r}; give the id", code="ambiguous", nearest=several
        )
    nearest = [f"{one.best} ({one.id})" for one in found.nearest]
    raise UsageError(f"{option}: you see no {what} that is called {text!r}", code="not-found", nearest=nearest)
