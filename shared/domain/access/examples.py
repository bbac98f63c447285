"""Whether a policy's own examples hold: somebody made up, what the rules give them, and what they should get.

Lives here: the judgement of examples, with the same matching as decisions. They decide nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from shared.domain.access.explain import RuleVerdict, explain
from shared.domain.access.rules import managed_accounts, wanted
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.example import Example, ExampleProfile, Whole
from shared.domain.policy.example_schema import USER_TYPE
from shared.domain.policy.model import Everything, Policy, Selection
from shared.domain.policy.selectors import filled_by
from shared.domain.policy.unresolved import but
from shared.domain.reasons import Code, Reason

_ACCOUNT: Final = "example"
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that an example expects and that is not so.

    `profile` is what the example calls it, and `key` the profile, where there is one. `gets` says whether it is given,
    and `rules` which give it; where none does, `verdicts` are those that could, with why they do not. `unknown` is set
    where there is no such profile.
    """

    profile: str
    key: ProfileKey | None
    gets: bool
    rules: tuple[str, ...] = ()
    verdicts: tuple[RuleVerdict, ...] = ()
    unknown: Reason | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """An example with what the rules give, and what of it is not as expected: nothing, where it holds."""

    example: Example
    gets: tuple[ProfileKey, ...]
    failures: tuple[Failure, ...]

    @property
    def holds(self) -> bool:
        """Whether it holds."""
        return not self.failures


def described(policy: Policy) -> Catalogue:
    """The profiles that the examples describe, in accounts that the policy manages."""
    accounts = {one.account for one in policy.tests.profiles if one.account is not None} | {_default_account(policy)}
    made = tuple(BillingAccount(name, name, "MicrosoftCustomerAgreement", "Active") for name in sorted(accounts))
    profiles = (_profile(one, number, policy) for number, one in enumerate(policy.tests.profiles, start=1))
    return Catalogue(_NEVER, made, tuple(profiles))


def _default_account(policy: Policy) -> str:
    """An account for a profile of which the examples do not say one: one that the policy names, where it names any."""
    return _ACCOUNT if isinstance(policy.accounts, Everything) else min(policy.accounts, default=_ACCOUNT)


def _profile(one: ExampleProfile, number: int, policy: Policy) -> BillingProfile:
    key = ProfileKey(one.account or _default_account(policy), one.profile or f"{_ACCOUNT}-{number}")
    return BillingProfile(key, one.name, "Active", None, one.tags)


def judge_examples(policy: Policy, catalogue: Catalogue) -> tuple[Judged, ...]:
    """Every example of a policy, in the order of the file, with the profiles of this catalogue.

    They are about its rules: a named grant is for nobody who is made up.
    """
    policy = replace(policy, rules=tuple(rule for rule in policy.rules if rule.grant is None))
    return tuple(_judge(example, policy, catalogue) for example in policy.tests.examples)


def _judge(example: Example, policy: Policy, catalogue: Catalogue) -> Judged:
    person = _person(example)
    given = wanted(person, policy, catalogue, _NEVER).rules
    called = {profile.key: profile.display_name for profile in catalogue.profiles}
    failures: list[Failure] = []
    if example.gets is Whole.NONE:
        failures += [Failure(called[key], key, gets=True, rules=rules) for key, rules in given.items()]
    elif example.gets is Whole.ALL:
        managed = managed_accounts(policy, catalogue.manageable)
        keys = [one.key for one in catalogue.index.profiles if one.key.account.lower() in managed]
        failures += [_not_given(called[key], key, person, policy, catalogue) for key in keys if key not in given]
    else:
        for name in example.gets or ():
            keys = list(_called(name, catalogue))
            failures += [_not_given(name, key, person, policy, catalogue) for key in keys if key not in given]
            failures += [] if keys else [_unknown(name, catalogue)]
    for name in example.gets_not:
        keys = list(_called(name, catalogue))
        failures += [Failure(name, key, gets=True, rules=given[key]) for key in keys if key in given]
        failures += [] if keys else [_unknown(name, catalogue)]
    return Judged(example, tuple(given), tuple(failures))


def _person(example: Example) -> Person:
    texts = {name: text for name, text in example.texts.items() if name != USER_TYPE}
    return Person(
        _NOBODY,
        True,
        example.texts.get(USER_TYPE, "Member"),
        None,
        None,
        dict.fromkeys(TEXT_ATTRIBUTES) | texts,
        example.groups,
    )


def _called(name: str, catalogue: Catalogue) -> Iterator[ProfileKey]:
    """The profiles that are called so: by display name, or by id, whole or its last part."""
    read = name.casefold()
    for profile in catalogue.index.profiles:
        if read in {profile.display_name.casefold(), profile.key.profile.casefold(), profile.key.folded}:
            yield profile.key


def _unknown(name: str, catalogue: Catalogue) -> Failure:
    text = but(name, (profile.display_name for profile in catalogue.profiles))
    return Failure(name, None, gets=False, unknown=Code.NO_PROFILE_OF_NAME(text=text))


def _not_given(name: str, key: ProfileKey, person: Person, policy: Policy, catalogue: Catalogue) -> Failure:
    managed = managed_accounts(policy, catalogue.manageable)
    every = [explain(rule, person, catalogue, managed, _NEVER, key) for rule in policy.rules]
    profile = catalogue.index.by_key[key]
    able = {rule.name for rule in policy.rules if _could_give(rule.profiles, profile, catalogue)}
    verdicts = [one for one in every if one.rule in able] or every
    return Failure(name, key, gets=False, verdicts=tuple(verdicts))


def _could_give(selection: Selection, profile: BillingProfile, catalogue: Catalogue) -> bool:
    """Whether a rule gives a profile to anybody: as it is written, or by what a template may become."""
    picked = catalogue.index.pick(selection)  # without the selectors that have a template
    return profile in picked.profiles or any(True for _ in filled_by(selection, (profile,)))
