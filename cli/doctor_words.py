"""What `doctor` says of each conclusion: what it found, and what mends it.

`{n:one|several}` is a number with its noun; a list is said with commas, and mistakes in full.
"""

import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cli.answer import counted
from cli.sighted import ago
from shared.domain.diagnosis import Check
from shared.domain.reasons import Reason
from shared.wording.say import say

_SHOWN: Final = 3
"""How many things of a list are said."""

_STORE: Final = "is INVOICE_ACCESS_STORE the app's, and has your sign-in a role there? docs/reference/settings.md"

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "not-read": ("not known: {why}", "mend what it says, then give the command again"),
    "settings-good": ("every one can be used", ""),
    "settings-wrong": ("{mistakes:all}", "correct them in the app's settings: docs/reference/settings.md"),
    "settings-first": (
        "not known: it takes settings and a policy without a mistake",
        "mend those first, then give the command again",
    ),
    "policy-good": ("{digest:.8} without a mistake", ""),
    "policy-wrong": ("{mistakes:all}", "correct them; `invoice-access policy check` tells them as well"),
    "policy-other": (
        "{digest:.8} without a mistake, but the last full check used {used:.8}",
        "deploy this one and wait for a full check, or give INVOICE_ACCESS_POLICY the file that is deployed",
    ),
    "host-good": ("as the app needs it", ""),
    "host-wrong": ("{wrong:all}", "deploy the file that comes with the app: docs/reference/settings.md says why each"),
    "host-overridden": ("{names} would override it", "take these settings away"),
    "host-nowhere": ("not known: there is no host.json beside this command", "run it from what is deployed"),
    "signed-in": ("{name}", ""),
    "not-signed-in": ("nobody is signed in", "`az login`, then give the command again"),
    "store-good": ("can be read", ""),
    "store-missing": ("{why}", "name the store that the app uses; it is made at the app's first start"),
    "check-good": ("{age}, everything could be read", ""),
    "never-checked": (
        "there never was one",
        "is the function app started, with its timers enabled (SWEEP_SCHEDULE)? Else: " + _STORE,
    ),
    "check-old": ("the last one began {age}", "is the function app started? Its log says why a full check failed"),
    "check-incomplete": ("{age}, not everything could be read: {failures:all}", "mend what it says; the next tells"),
    "not-paused": ("nothing stops writes", ""),
    "paused": ("{paused:all}", "mend the cause, then `invoice-access resume`"),
    "no-full-check": ("not known: no full check has said it", "wait for the first one"),
    "sees-no-account": (
        "the identity {us} sees no billing account",
        "give it Billing account owner, or Billing profile owner on each profile",
    ),
    "manages-no-account": (
        "none of {accounts:billing account|billing accounts} is managed",
        "name one in `accounts` of the policy; it has to be active, and MCA or MPA: `invoice-access report` says why",
    ),
    "role-lost": ("the identity {us} has lost its role on {where}", "give it back, then `invoice-access resume`"),
    "role-lacking": (
        "the identity {us} may not give Invoice manager on {where}",
        "`invoice-access setup permissions {us} --profile PROFILE` makes it owner there",
    ),
    "role-not-told": (
        "not known on {where}: who has a role there could not be read, or a group is owner",
        "Azure, Cost Management + Billing, Access control tells",
    ),
    "role-good": ("may give access on {profiles:profile|profiles} of {accounts:managed account|managed accounts}", ""),
    "created-by-us": ("names us on {rows:assignment|assignments}", ""),
    "created-by-nobody-yet": (
        "not known: no assignment names {us} as its maker yet",
        "look again once the app gave somebody access",
    ),
    "people-good": ("{people:person|people} read, {matched} matched by a rule", ""),
    "people-none": (
        "{people:person|people} read, and no rule means any of them",
        "`invoice-access policy explain` tells whom each rule means",
    ),
    "people-unreadable": (
        "{unreadable:person|people} cannot be read",
        "`invoice-access status --full` lists them, and what is odd about each",
    ),
    "no-people": ("not known: no full check has read anybody", "wait for one"),
    "leave-dates-good": ("{dated} of {people:person|people} show one", ""),
    "leave-dates-blank": (
        "none of {people:person|people} shows one: Graph leaves the attribute out without User-LifeCycleInfo.Read.All",
        "`invoice-access setup permissions {us}` gives it, and it may count a day later. Nobody may have one, too",
    ),
    "names-good": ("{all:principal|principals} with a role; {apps:app|apps} shown by object id", ""),
    "names-blank": (
        "of {all:principal|principals} with a role, {people:person has|people have} none, and {groups:group|groups}",
        "`invoice-access setup permissions {us}` gives what it takes, GroupMember.Read.All for groups included",
    ),
    "names-none": (
        "of {all:principal|principals} with a role nobody has one",
        "`invoice-access setup permissions {us}` gives User.Read.All",
    ),
    "nobody-to-name": ("not known: nobody has a role yet", "look again once somebody has"),
    "no-groups": ("no rule names one", ""),
    "groups-good": ("{all:group|groups} of the policy, and all are there", ""),
    "groups-missing": ("the directory has no {groups}", "correct the object id, or remove the rule"),
    "queues-good": ("{all} of {all} take a link", ""),
    "queues-missing": ("{missing} is missing or disabled", "make it: docs/reference/settings.md#queues"),
    "queues-refused": (
        "not known: you may not send to {refused}",
        "the app may all the same. Azure Service Bus Data Sender lets you look",
    ),
    "queues-silent": ("not known: no answer from {silent}", "give the command again"),
    "queue-settings": (
        "not known: sessions and duplicate detection are shown only to who may manage {namespace}",
        "`az servicebus queue show --namespace-name {namespace} -g <group> -n access-work`: both have to be true",
    ),
    "subscriptions-off": ("off", ""),
    "subscriptions-good": ("{wanted:subscription|subscriptions}, and none ends soon", ""),
    "subscriptions-not-told": (
        "not known: {wanted:is|are} wanted, and Graph shows them to the app alone",
        "the app's log has a line 'subscriptions:' each hour",
    ),
    "subscriptions-missing": (
        "none to {missing}",
        "is INVOICE_ACCESS_NOTIFICATION_URL reached from the internet? Members of groups take Group.Read.All",
    ),
    "subscriptions-ending": ("that to {ending} ends within a day", "the app's log says why it was not renewed"),
    "record-good": ("digest {sequence} unbroken, {compared} of {named:chain|chains} compared", ""),
    "record-broken": ("digest {sequence}: {faults:all}", "`invoice-access ledger verify --digest` with one of the log"),
    "digest-old": (
        "the last digest, {sequence}, is of {age}",
        "the app's log says why none was taken: `ledger digest:`",
    ),
    "no-digest": ("not known: there is no digest yet", "the first full check takes one"),
    "messages-none": ("rejected {rejected}, dead letters {dead}, {age}", ""),
    "messages-kept": (
        "rejected {rejected}, dead letters {dead}, {age}",
        "`invoice-access events rejected` and `invoice-access events dead` say what each needs",
    ),
    "look-old": (
        "the last look was {age}: rejected {rejected}, dead letters {dead}",
        "is the function app started? Its function `health` looks every five minutes",
    ),
    "look-refused": (
        "not known: {why}",
        "give the app's identity Azure Service Bus Data Receiver on people-events, access-work and rejected-events",
    ),
    "no-look": ("not known: nobody has looked yet", "the function `health` looks every five minutes"),
    "proof-good": ("{chains:chain|chains}, {records:record|records} unbroken, {age}", ""),
    "proof-broken": (
        "{faulty:fault|faults}: {faults:all}",
        "`invoice-access ledger verify --digest` with a line of the log that was kept outside tells what is proved",
    ),
    "proof-old": ("the last one was {age}", "the app's log says why none was taken: `ledger proof`"),
    "no-proof": ("not known: there is none yet", "the function `proof` takes one within a day"),
    "clock-good": ("{seconds:.1f} s from billing's clock", ""),
    "clock-off": ("{seconds:.0f} s from billing's clock", "set the clock of this machine; the app's is Azure's own"),
    "no-time": ("not known: billing did not say the time", "give the command again"),
}


def found(check: Check) -> str:
    """What a check found."""
    return _Filled().format(_WORDS[check.code][0], **check.facts)


def mend(check: Check) -> str:
    """What mends it; "" where nothing is to mend."""
    return _Filled().format(_WORDS[check.code][1], **check.facts)


class _Filled(string.Formatter):
    """Words with their facts."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        if "|" in format_spec:
            return counted(value, *format_spec.split("|", 1))
        if format_spec == "all":
            return "; ".join(map(_said, value))
        match value:
            case timedelta():
                return ago(value)
            case list() | tuple():
                return _some(value)
            case _:
                return super().format_field(value, format_spec)


def _said(one: object) -> str:
    match one:
        case Reason():
            return say(one)
        case (str(name), Reason() as why):
            return f"{name}: {say(why)}"
        case datetime():
            return one.isoformat()
        case _:
            return str(one)


def _some(listed: Sequence[object]) -> str:
    told = ", ".join(map(str, listed[:_SHOWN]))
    return told if len(listed) <= _SHOWN else f"{told} and {len(listed) - _SHOWN} more"
