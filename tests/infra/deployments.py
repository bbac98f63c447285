"""The deployments that infra/ can make: the smallest, one app with every source, and everything that is optional."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from tests.infra.expanded import Made, UnknownError, expand

SECRETS: Final = "graph-client-states hr-keys bamboohr-keys personio-secrets webhook-url teams-url digest-url"
EVERYTHING: Final[Mapping[str, Any]] = {
    "frontApart": True,
    "desk": True,
    "deskClientId": "3b0f5a0e-0000-4000-8000-0000000000dd",
    "secretsInVault": SECRETS,
    "functionKeySources": "event-grid lifecycle-workflows",
    "alertEmail": "finance-it@contoso.example",
    "network": True,
    "alwaysReady": True,
    "telemetry": True,
    "partnerAuthorizedUntil": "2027-01-31T00:00:00Z",
    "partnerTopic": "graph-topic",
}
IN_ONE: Final[Mapping[str, Any]] = {
    "secretsInVault": SECRETS,
    "functionKeySources": "event-grid lifecycle-workflows",
    "alwaysReady": True,
}


@dataclass(frozen=True)
class Infra:
    """infra/ as it is, or with a mistake in it: texts and trees by file."""

    texts: Mapping[str, str]
    trees: Mapping[str, Mapping[str, Any]]

    @cached_property
    def smallest(self) -> Sequence[Made]:
        return expand(self.trees)

    @cached_property
    def in_one(self) -> Sequence[Made]:
        """One app of part `all`, with every source."""
        return expand(self.trees, **IN_ONE)

    @cached_property
    def whole(self) -> Sequence[Made]:
        """Three apps, and everything that is optional."""
        return expand(self.trees, **EVERYTHING)

    @property
    def each(self) -> Iterator[Sequence[Made]]:
        yield from (self.smallest, self.in_one, self.whole)


def of_type(made: Sequence[Made], kind: str) -> list[Made]:
    """What is made of one type, and not only named."""
    return [each for each in made if each.type == kind and not each.existing]


def settings_of(made: Sequence[Made]) -> dict[str, dict[str, str]]:
    """The settings of each app, by its part."""
    found = (each.config["properties"] for each in of_type(made, "Microsoft.Web/sites/config") if is_settings(each))
    return {settings["INVOICE_ACCESS_PART"]: settings for settings in found}


def is_settings(made: Made) -> bool:
    """Whether this is an app's settings, and not its sign-in."""
    return made.name.endswith("/appsettings")


type Promise = Callable[[Infra], list[str]]
"""What a deployment promises: it returns what breaks it, nothing where all is well."""


def broken(promise: Promise, infra: Infra) -> list[str]:
    """What breaks a promise; a file that cannot be unfolded any more breaks it, too."""
    try:
        return promise(infra)
    except (UnknownError, KeyError) as odd:
        return [repr(odd)]
