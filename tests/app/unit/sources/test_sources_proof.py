"""Signatures as other systems make them, each described in one line; and what must not count as one."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from shared import bootstrap_front
from shared.errors import Misconfigured
from shared.settings import FrontSettings
from shared.sources import registry as table
from shared.sources.event_model import Event
from shared.sources.http_cloud_events import read_structured
from shared.sources.posted import Posted
from shared.sources.signatures import Signature, moment
from shared.sources.source import CLOUD_EVENT, Source
from tests.app.unit.front_desk import ENVIRONMENT

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
KEY = "0123456789abcdef0123456789abcdef"
OLD = "fedcba9876543210fedcba9876543210"
RAW_KEY = bytes(range(200, 232))
BODY = b'{"type":"employee.left","data":{"employeeId":"\xc3\xa9 7"}}'
SECONDS = str(int(NOW.timestamp()))
ID = "evt_2026"


def made(message: bytes, algorithm: str = "sha256", key: bytes = KEY.encode()) -> bytes:
    return hmac.new(key, message, getattr(hashlib, algorithm)).digest()


def base64_of(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


@dataclass(frozen=True)
class Sender:
    """A signature as described, the headers that its sender writes, and the keys in force."""

    signature: Signature
    headers: Mapping[str, str]
    keys: tuple[str, ...] = (OLD, KEY)

    def holds(
        self,
        body: bytes = BODY,
        now: datetime = NOW,
        keys: tuple[str, ...] | None = None,
        changed: Mapping[str, str] = MappingProxyType({}),
    ) -> bool:
        headers = {name.lower(): value for name, value in self.headers.items()} | dict(changed)
        return self.signature.holds(Posted(body, headers), self.keys if keys is None else keys, now, WINDOW)


STAMPED = f"{SECONDS}.".encode() + BODY
STRIPE = Signature(header="Stripe-Signature", separator=",", prefix="v1=", stamp_entry="t=", signed="{stamp}.{body}")
STANDARD = Signature(
    header="webhook-signature",
    separator=" ",
    prefix="v1,",
    stamp_header="webhook-timestamp",
    signed="{webhook-id}.{stamp}.{body}",
    encoding="base64",
    keys="base64",
)
STANDARD_SIGNED = base64_of(made(f"{ID}.{SECONDS}.".encode() + BODY, key=RAW_KEY))
SENDERS = {
    "HiBob": Sender(
        Signature(header="Bob-Signature", algorithm="sha512", encoding="base64", signed="{body}"),
        {"Bob-Signature": base64_of(made(BODY, "sha512"))},
    ),
    "Deel": Sender(
        Signature(header="x-deel-signature", signed="POST{body}"), {"x-deel-signature": made(b"POST" + BODY).hex()}
    ),
    "Merge": Sender(
        Signature(header="X-Merge-Webhook-Signature", encoding="base64", signed="{body}"),
        {"X-Merge-Webhook-Signature": base64.urlsafe_b64encode(made(BODY)).decode()},
    ),
    "Remote": Sender(
        Signature(header="X-Remote-Signature", stamp_header="X-Remote-Timestamp", signed="{body}:{stamp}"),
        {"X-Remote-Signature": made(BODY + f":{SECONDS}123".encode()).hex(), "X-Remote-Timestamp": f"{SECONDS}123"},
    ),
    "Finch": Sender(
        STANDARD,
        {"webhook-id": ID, "webhook-timestamp": SECONDS, "webhook-signature": f"v1,{STANDARD_SIGNED}"},
        (base64_of(RAW_KEY),),
    ),
    "Stripe": Sender(STRIPE, {"Stripe-Signature": f"t={SECONDS},v1={made(STAMPED).hex()},v0=00"}),
    "GitHub": Sender(
        Signature(header="X-Hub-Signature-256", prefix="sha256=", signed="{body}"),
        {"X-Hub-Signature-256": "sha256=" + made(BODY).hex()},
    ),
    "SHA-384": Sender(
        Signature(header="S", algorithm="sha384", stamp_header="T", signed="{stamp}\n{body}"),
        {"S": made(f"{NOW.isoformat()}\n".encode() + BODY, "sha384").hex(), "T": NOW.isoformat()},
    ),
}
STAMPLESS = {"HiBob", "Deel", "Merge", "GitHub"}
every_sender = pytest.mark.parametrize("name", SENDERS)


@every_sender
def test_what_the_sender_signs_holds_and_nothing_else_does(name: str) -> None:
    sender = SENDERS[name]
    assert sender.holds()
    assert not sender.holds(BODY + b" ")
    assert not sender.holds(keys=())
    assert not sender.holds(keys=(OLD, base64_of(KEY.encode())))
    header = sender.signature.header.lower()
    for wrong in ("", sender.signature.prefix, "v1=", "\u00e4\ud800", sender.headers[sender.signature.header][:-10]):
        assert not sender.holds(changed={header: wrong})


@every_sender
def test_a_stamp_is_signed_and_within_the_window_and_without_one_a_repeat_passes(name: str) -> None:
    sender = SENDERS[name]
    for away in (timedelta(minutes=4), -timedelta(minutes=4)):
        assert sender.holds(now=NOW + away)
    for away in (timedelta(minutes=6), -timedelta(minutes=6), timedelta(days=400)):
        assert sender.holds(now=NOW + away) == (name in STAMPLESS)
    if sender.signature.stamp_header:
        assert not sender.holds(changed={sender.signature.stamp_header.lower(): str(int(SECONDS) + 1)})
        assert not sender.holds(changed={sender.signature.stamp_header.lower(): ""})


@every_sender
def test_hex_of_any_case_and_base64_of_either_alphabet_are_the_same_signature(name: str) -> None:
    sender = SENDERS[name]
    header = sender.signature.header
    given = sender.headers[header]
    if sender.signature.encoding == "hex":
        digits = given.rpartition("=")[2] if name == "GitHub" else made(STAMPED).hex() if name == "Stripe" else given
        spellings = [given.replace(digits, digits.upper())]
    else:
        head, digits = given[: len(sender.signature.prefix)], given[len(sender.signature.prefix) :]
        plain = digits.translate(str.maketrans("-_", "+/"))
        spellings = [head + plain, head + plain.rstrip("="), head + plain.translate(str.maketrans("+/", "-_"))]
    for spelling in spellings:
        assert sender.holds(changed={header.lower(): spelling})


def test_a_header_with_several_signatures_holds_where_one_of_them_does() -> None:
    """A sender who rotates its key signs with both."""
    right, wrong = made(STAMPED).hex(), made(STAMPED, key=b"another").hex()
    stripe, standard = SENDERS["Stripe"], SENDERS["Finch"]
    for header in (f"t={SECONDS},v1={wrong},v1={right}", f"t={SECONDS}, v1={right}, v1={wrong}"):
        assert stripe.holds(changed={"stripe-signature": header})
    assert not stripe.holds(changed={"stripe-signature": f"t={SECONDS},v1={wrong},v0={right}"})
    assert not stripe.holds(changed={"stripe-signature": f"v1={right}"})
    assert not stripe.holds(
        changed={"stripe-signature": f"t={SECONDS},t={int(SECONDS) + 1}," + f"v1={wrong}," * 20 + f"v1={right}"}
    )
    assert standard.holds(
        changed={"webhook-signature": f"v1,{base64_of(b'x' * 32)} v1a,{base64_of(b'y')} v1,{STANDARD_SIGNED}"}
    )
    assert not standard.holds(changed={"webhook-id": "another"})


def test_a_key_in_base64_may_have_its_prefix_and_what_is_none_is_no_key_at_all() -> None:
    finch = SENDERS["Finch"]
    assert finch.holds(keys=("whsec_" + base64_of(RAW_KEY),))
    assert finch.holds(keys=(base64_of(RAW_KEY).rstrip("="),))
    empty = base64_of(hmac.new(b"", f"{ID}.{SECONDS}.".encode() + BODY, hashlib.sha256).digest())
    assert not finch.holds(keys=("not-base-64-!!!!!",), changed={"webhook-signature": f"v1,{empty}"})


@pytest.mark.parametrize(
    ("description", "what"),
    [
        ({"signed": "{stamp}", "stamp_header": "T"}, "{body}"),
        ({"signed": "{body}", "stamp_header": "T"}, "{stamp}"),
        ({"signed": "{body}", "stamp_entry": "t="}, "{stamp}"),
        ({"signed": "{stamp}.{body}"}, "{stamp}"),
    ],
)
def test_a_description_that_protects_less_than_it_seems_to_is_no_signature(
    description: dict[str, str], what: str
) -> None:
    with pytest.raises(ValueError, match=what):
        Signature(header="S", **description)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SECONDS, NOW),
        (SECONDS + "250", NOW + timedelta(milliseconds=250)),
        ("2026-03-02T10:00:00+01:00", NOW),
        ("2026-03-02T09:00:00", None),
        ("12e4", None),
        ("\u0661\u0662", None),
        ("9" * 400, None),
        ("", None),
        ("-1", None),
    ],
)
def test_a_stamp_is_seconds_milliseconds_or_iso_8601(text: str, found: datetime | None) -> None:
    assert moment(text) == found


def test_a_key_that_is_not_base64_stops_the_start_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    finch = Source(
        name="finch",
        summary="Finch",
        proof=STANDARD,
        bodies={CLOUD_EVENT: Event},
        read=read_structured,
        example={},
        keys=lambda settings: settings.hr_keys,
    )
    monkeypatch.setattr(table, "SOURCES", (finch,))
    settings = {**ENVIRONMENT, "INVOICE_ACCESS_HR_KEYS": "hunter2-hunter2-hunter2!"}
    settings.pop("INVOICE_ACCESS_FUNCTION_KEY_SOURCES")
    (mistake,) = table.wrong_sources(FrontSettings.read(settings))
    assert "finch" in mistake
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    bootstrap_front.check.cache_clear()
    with pytest.raises(Misconfigured, match="finch") as caught:
        bootstrap_front.check()
    assert "hunter2" not in str(caught.value)
    assert table.wrong_sources(FrontSettings.read({**settings, "INVOICE_ACCESS_HR_KEYS": base64_of(RAW_KEY)})) == []
