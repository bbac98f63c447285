"""The app's settings: each with its unit, default, range and reason. Read once, at the start, from the environment.

Application settings of a function app are environment variables; the field's alias is the variable's name.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from shared import settings_values as values
from shared.errors import Misconfigured
from shared.laptop import laptop_mistakes
from shared.settings_mistakes import HOST_PREFIXES, no_such_setting, say_all, unfit

_CATALOGUE_HOURS: Final = 3
"""Reading the catalogue costs a call for each billing account. No check should do that because one sweep was missed."""


class Part(StrEnum):
    """Which half of the app a deployment runs; `all` is both in one."""

    ALL = "all"
    FRONT = "front"
    """The public HTTP part: takes events in, and may send to `people-events` and nothing else."""
    CORE = "core"
    """The part that holds the billing role: queues and timers, no public HTTP."""
    DESK = "desk"
    """The page, and the same as JSON, behind the platform's sign-in: it has neither billing nor the directory."""

    @property
    def has_front(self) -> bool:
        """Whether this part takes events in over HTTP."""
        return self in {Part.ALL, Part.FRONT}

    @property
    def has_core(self) -> bool:
        """Whether this part checks people and writes to Azure."""
        return self in {Part.ALL, Part.CORE}


type Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(values.secrets), AfterValidator(values.strong)]
"""Secrets that are all valid at once, so that one can be rotated; separated by blanks."""


type Address = Annotated[SecretStr | None, AfterValidator(values.secret_address)]
"""An address that is a secret: whoever knows it may send there."""


class _Read(BaseModel):
    """Settings that are read from environment variables: some of them, or all."""

    # What is not read is not built: a command that needs the store alone would build all of them.
    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=False, hide_input_in_errors=True, defer_build=True
    )

    judges_all: ClassVar[bool] = False
    """Whether all settings have to be right, as in a deployment, or only those that one command needs."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads the settings from environment variables; raises `Misconfigured` with every mistake at once.

        An empty variable counts as not set. A name that begins with `INVOICE_ACCESS_`, or resembles a setting's, and is
        no setting of any part is a mistake. So is, in any setting of the app or of its host, a placeholder, and a
        reference that the platform did not resolve. A secret is never shown.
        """
        given = {name: value for name, value in environment.items() if value.strip()}
        known = {str(field.alias) for field in Settings.model_fields.values()}
        judged = known if cls.judges_all else {str(field.alias) for field in cls.model_fields.values()}
        mistakes: dict[str, str] = {}
        for name, value in sorted(given.items()):
            found = no_such_setting(name, known)
            if name in judged or (cls.judges_all and name.startswith(HOST_PREFIXES)):
                found = unfit(name, value, is_secret=name in SECRET_NAMES, is_list=name in _LISTS)
            if found is not None:
                mistakes[name] = found
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            mistakes = {**say_all(error.errors(), SECRET_NAMES), **mistakes}
        if cls.judges_all:
            mistakes = {**laptop_mistakes(given), **mistakes}
        if mistakes:
            raise Misconfigured("settings", [f"{name}: {mistakes[name]}" for name in sorted(mistakes)])
        return settings


class StoreSettings(_Read):
    """What reading ledger and state needs: the place where they are."""

    store: Annotated[str, AfterValidator(values.store)] = Field(alias="INVOICE_ACCESS_STORE")
    """Where ledger and state live: `sqlite:<path>`, or a storage account's table endpoint."""


class SourceSettings(_Read):
    """Who may send events over HTTP. A source that has no secret here does not exist."""

    graph_client_states: Secrets = Field((), alias="INVOICE_ACCESS_GRAPH_CLIENT_STATES")
    """Secret. The `clientState` of our Graph subscriptions: the first for new ones, every one is accepted."""

    hr_keys: Secrets = Field((), alias="INVOICE_ACCESS_HR_KEYS")
    """Secret. Keys with which HR systems sign what they post to `/api/events/hr`; two while one is rotated."""

    bamboohr_keys: Secrets = Field((), alias="INVOICE_ACCESS_BAMBOOHR_KEYS")
    """Secret. The private keys of BambooHR's webhooks, as its settings page shows them once."""

    personio_secrets: Secrets = Field((), alias="INVOICE_ACCESS_PERSONIO_SECRETS")
    """Secret. What `?secret=` of the URL given to Personio must be, because its signature is not public."""

    function_key_sources: Annotated[frozenset[str], BeforeValidator(values.words)] = Field(
        frozenset(), alias="INVOICE_ACCESS_FUNCTION_KEY_SOURCES"
    )
    """Which sources exist that have no secret of their own but a function key: `event-grid`, `lifecycle-workflows`."""


class PartSettings(_Read):
    """Which part of the app runs here, and what every part needs."""

    part: Part = Field(Part.ALL, alias="INVOICE_ACCESS_PART")
    """Which part runs here: `all`, `front` (public HTTP), `core` (queues and timers), or `desk` (the page)."""

    service_bus: Annotated[str, AfterValidator(values.namespace)] = Field(
        alias="ServiceBusConnection__fullyQualifiedNamespace"
    )
    """The Service Bus namespace, as the triggers use it (`contoso.servicebus.windows.net`)."""

    emulator: Annotated[SecretStr | None, AfterValidator(values.emulator)] = Field(
        None, alias="ServiceBusConnection", repr=False
    )
    """For a developer's machine: the connection string of the Service Bus emulator there. Any other is a mistake."""

    @field_validator("emulator")
    @classmethod
    def _of_this_machine(cls, emulator: SecretStr | None, told: ValidationInfo) -> SecretStr | None:
        if emulator is not None and not values.is_local(str(told.data.get("service_bus", "localhost"))):
            raise ValueError(
                "it is for the emulator: ServiceBusConnection__fullyQualifiedNamespace is localhost:5672 then"
            )
        return emulator

    client_id: Annotated[str | None, AfterValidator(values.client_id)] = Field(None, alias="AZURE_CLIENT_ID")
    """Client id of the user-assigned managed identity; without it the system-assigned one is used."""


class FrontSettings(SourceSettings, PartSettings):
    """What taking events in over HTTP needs: no policy, no store, no billing, no directory."""

    judges_all: ClassVar[bool] = True


type _Identifier = Annotated[str, AfterValidator(values.identifier)]
"""A GUID, as it is compared."""


class SignInSettings(_Read):
    """Who may sign in to the page. In the part `all` there is no page unless both are set."""

    desk_tenant: _Identifier | None = Field(None, alias="INVOICE_ACCESS_DESK_TENANT")
    """Id of the tenant whose people may sign in to the page; everybody else's token is refused."""

    desk_audience: _Identifier | None = Field(None, alias="INVOICE_ACCESS_DESK_AUDIENCE")
    """Client id of the page's app registration, for which tokens are; its app roles say who may do what."""


class AzureSettings(_Read):
    """Which policy is in force, and how the app meets Azure and Graph."""

    policy: str = Field("policy.yaml", alias="INVOICE_ACCESS_POLICY")
    """Path of the policy file, relative to the app's folder. It is deployed with the app."""

    former_identities: Annotated[frozenset[str], BeforeValidator(values.words), AfterValidator(values.object_ids)] = (
        Field(frozenset(), alias="INVOICE_ACCESS_FORMER_IDENTITIES")
    )
    """Object ids under which this app wrote before: what they made is managed as well."""

    arm_url: Annotated[str, AfterValidator(partial(values.service, public="management.azure.com"))] = Field(
        "https://management.azure.com", alias="INVOICE_ACCESS_ARM_URL"
    )
    """Azure Resource Manager."""

    graph_url: Annotated[str, AfterValidator(partial(values.service, public="graph.microsoft.com"))] = Field(
        "https://graph.microsoft.com", alias="INVOICE_ACCESS_GRAPH_URL"
    )
    """Microsoft Graph, without the version."""

    graph_calls_per_second: int = Field(100, ge=1, le=2000, alias="INVOICE_ACCESS_GRAPH_CALLS_PER_SECOND")
    """Calls a second to Graph, once it says that its limit is near: a small tenant has 350 units, a person costs 5."""

    notification_url: str = Field("", alias="INVOICE_ACCESS_NOTIFICATION_URL", repr=False)
    """Where Graph reaches our `/api/graph/notifications`, its query included. Empty: nothing is subscribed."""

    @field_validator("notification_url")
    @classmethod
    def _a_notification_url(cls, url: str, told: ValidationInfo) -> str:
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in values.LOOPBACK
        if not (local or (parts.scheme == "https" and parts.hostname)) or not parts.path.endswith("/notifications"):
            raise ValueError("give an https:// address that ends in /api/graph/notifications, and its query if any")
        if not told.data.get("graph_client_states", ("wrong, and said so",)):
            raise ValueError("it needs INVOICE_ACCESS_GRAPH_CLIENT_STATES: nothing else tells Graph from others")
        return url


class NoticeSettings(_Read):
    """Who outside is told what needs a person, and what the week's invoices look like. Without an address, nobody."""

    webhook_url: Address = Field(None, alias="INVOICE_ACCESS_WEBHOOK_URL", repr=False)
    """Secret. Where notices are sent as JSON; empty: nowhere."""

    teams_url: Address = Field(None, alias="INVOICE_ACCESS_TEAMS_URL", repr=False)
    """Secret. The address of a Teams workflow that posts notices to a channel; empty: none."""

    digest_url: Address = Field(None, alias="INVOICE_ACCESS_DIGEST_URL", repr=False)
    """Secret. The address of a Teams workflow for the week's digest, such as one of finance; empty: no digest."""

    page_url: Annotated[str, AfterValidator(values.page)] = Field("", alias="INVOICE_ACCESS_PAGE_URL")
    """Where people open the page, for the links in notices; empty: no links."""

    language: Literal["en", "nl", "sv"] = Field("en", alias="INVOICE_ACCESS_LANGUAGE")
    """The language of cards in Teams. On the page each reader has their own, and JSON is English."""

    @property
    def tells_somebody(self) -> bool:
        """Whether anybody outside is told anything."""
        return any((self.webhook_url, self.teams_url, self.digest_url))


class SweepSettings(_Read):
    """How often everything is checked, how fast what is found goes to work, and when a finding is too big."""

    sweep_schedule: Annotated[str, AfterValidator(values.daily)] = Field("0 0 * * * *", alias="SWEEP_SCHEDULE")
    """When the sweep runs (NCRONTAB, 6 fields, UTC): hourly. It rests for a day at the most."""

    sweep_batch: int = Field(200, ge=1, le=1000, alias="INVOICE_ACCESS_SWEEP_BATCH")
    """Drifted keys that a sweep enqueues at a time. 200 keys are at most some 20 s of ARM's write rate."""

    sweep_batch_seconds: int = Field(60, ge=1, le=600, alias="INVOICE_ACCESS_SWEEP_BATCH_SECONDS")
    """Seconds between two such batches: events get their turn in between."""

    population_shrink_percent: int = Field(20, ge=1, le=100, alias="INVOICE_ACCESS_POPULATION_SHRINK_PERCENT")
    """Percent of the people; where more are gone since the last good sweep, or are unreadable, it sets a pause."""

    population_shrink_people: int = Field(5, ge=1, le=10_000, alias="INVOICE_ACCESS_POPULATION_SHRINK_PEOPLE")
    """People who must be gone or unreadable as well for that: in a company of four, one who leaves is a quarter."""

    @cached_property
    def sweep_hours(self) -> int:
        """The longest rest between two sweeps, in whole hours: what changes by itself before then gets a check."""
        rest = values.schedule(self.sweep_schedule).longest_rest
        assert rest is not None, "it was judged when it was read"
        return max(1, math.ceil(rest / timedelta(hours=1)))

    @property
    def catalogue_hours(self) -> int:
        """Hours after which a check no longer trusts the catalogue and reads it anew: two missed hourly sweeps."""
        return max(_CATALOGUE_HOURS, self.sweep_hours)


class TrialSettings(_Read):
    """Waits, periods and caps. The defaults suit every deployment; a trial shortens them to see an end the same day."""

    settle_seconds: int = Field(300, ge=0, le=3600, alias="INVOICE_ACCESS_SETTLE_SECONDS")
    """Seconds between two sights of weak evidence. Graph's replicas lag behind its own notifications by minutes."""

    coalesce_seconds: int = Field(30, ge=1, le=300, alias="INVOICE_ACCESS_COALESCE_SECONDS")
    """Later checks are due at multiples of this many seconds, so that checks of one key fall together."""

    intent_seconds: int = Field(120, ge=1, le=3600, alias="INVOICE_ACCESS_INTENT_SECONDS")
    """Seconds for which a write that is not visible yet is not repeated: the service may still be at it."""

    verify_seconds: Annotated[tuple[Annotated[int, Field(ge=1, le=3600)], ...], BeforeValidator(values.words)] = Field(
        (30, 120, 600), alias="INVOICE_ACCESS_VERIFY_SECONDS", min_length=1
    )
    """Seconds until each further check of a write that is not visible yet; new identities were seen to take 30."""

    retry_cap_seconds: int = Field(900, ge=1, le=3600, alias="INVOICE_ACCESS_RETRY_CAP_SECONDS")
    """The longest wait between retries. They begin around 5 s and double, with full jitter."""

    retry_hours: int = Field(24, ge=1, le=168, alias="INVOICE_ACCESS_RETRY_HOURS")
    """Hours after which a key is given up with an alert; the sweep is the real retry."""

    identity_wait_days: int = Field(14, ge=0, le=90, alias="INVOICE_ACCESS_IDENTITY_WAIT_DAYS")
    """Days past its effective date for which an event waits for a person whom nobody knows yet."""

    identity_wait_seconds: int = Field(60, ge=1, le=3600, alias="INVOICE_ACCESS_IDENTITY_WAIT_SECONDS")
    """Seconds until the second check for such a person; each further wait doubles, up to six hours."""

    profile_update_seconds: int = Field(600, ge=0, le=86400, alias="INVOICE_ACCESS_PROFILE_UPDATE_SECONDS")
    """Least seconds between two updates of one profile: the service finishes the first before it sees a second."""

    profile_updates_per_day: int = Field(3, ge=1, le=24, alias="INVOICE_ACCESS_PROFILE_UPDATES_PER_DAY")
    """Updates of one profile in 24 h; more means that somebody keeps turning it off, which a person must settle."""

    outage_failures: int = Field(5, ge=2, le=100, alias="INVOICE_ACCESS_OUTAGE_FAILURES")
    """Addresses that fail in a row before a service counts as down. One object that always fails never does it."""

    outage_seconds: int = Field(30, ge=1, le=600, alias="INVOICE_ACCESS_OUTAGE_SECONDS")
    """Seconds until a service that is down is tried again, with one read; doubled each time that fails."""

    outage_cap_seconds: int = Field(30, ge=1, le=3600, validate_default=True, alias="INVOICE_ACCESS_OUTAGE_CAP_SECONDS")
    """The longest of those waits: a service that is back is seen that much later at the most."""

    @field_validator("outage_cap_seconds")
    @classmethod
    def _the_longest(cls, seconds: int, told: ValidationInfo) -> int:
        if (first := told.data.get("outage_seconds")) is not None and seconds < first:
            raise ValueError(f"give at least INVOICE_ACCESS_OUTAGE_SECONDS, which is {first}")
        return seconds

    @property
    def on_its_way(self) -> timedelta:
        """How long a write may be on its way without showing."""
        return timedelta(seconds=self.intent_seconds)

    @property
    def settle(self) -> timedelta:
        """`settle_seconds` as a duration."""
        return timedelta(seconds=self.settle_seconds)

    @property
    def coalesce(self) -> timedelta:
        """`coalesce_seconds` as a duration."""
        return timedelta(seconds=self.coalesce_seconds)


class ClientSettings(AzureSettings, TrialSettings):
    """What the clients of Azure Resource Manager and Graph need: no deployment has to be there yet."""


class DeskSettings(SignInSettings, SweepSettings, TrialSettings, PartSettings, StoreSettings):
    """What the page needs: the store, the queues and who may sign in; no billing, no directory, no source's secret."""

    judges_all: ClassVar[bool] = True

    desk_tenant: _Identifier = Field(alias="INVOICE_ACCESS_DESK_TENANT")
    """As `SignInSettings` has it; here it is required, as nobody signs in otherwise."""

    desk_audience: _Identifier = Field(alias="INVOICE_ACCESS_DESK_AUDIENCE")
    """The same."""


class Settings(SignInSettings, ClientSettings, NoticeSettings, SweepSettings, FrontSettings, StoreSettings):
    """Everything about the app that a deployment decides and the policy does not."""


_HIDDEN: Any = Secrets
SECRET_NAMES = frozenset(
    str(field.alias) for field in Settings.model_fields.values() if field.annotation is _HIDDEN or not field.repr
)
"""The settings whose values are shown nowhere, not even when they are wrong."""
_LISTS = frozenset(
    str(field.alias) for field in Settings.model_fields.values() if isinstance(field.default, tuple | frozenset)
)
