"""A profile's invoice e-mail: which fields a PUT must carry, what is kept of a profile, and how two reads are compared.

PUT replaces the whole profile and there is no etag, so everything writable that a read returned is sent back.
Source: Microsoft.Billing 2024-04-01, BillingProfiles_CreateOrUpdate; that `soldTo` and `currentPaymentTerm` are
refused although the schema calls them writable was reported for the 2024-08-01-preview and is assumed here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from shared.domain.billing import BillingProfile

FLAG: Final = "invoiceEmailOptIn"

WRITABLE: Final = (
    "billTo",
    "displayName",
    "enabledAzurePlans",
    "indirectRelationshipInfo",
    FLAG,
    "invoiceRecipients",
    "poNumber",
    "shipTo",
)
"""The properties that a PUT carries when a GET returned them. `tags` stand beside them, outside `properties`."""


def writable(profile: BillingProfile) -> dict[str, Any]:
    """Every writable property that the read returned, as it came."""
    return {name: profile.properties[name] for name in WRITABLE if name in profile.properties}


def fingerprint(profile: BillingProfile) -> str:
    """SHA-256 over every writable field and the tags: two reads agree when theirs are equal."""
    return _digest([writable(profile), dict(profile.tags)])


def image(profile: BillingProfile) -> dict[str, Any]:
    """Everything that the read returned, to be kept: an update may change also what it did not carry."""
    return {"properties": dict(profile.properties), "tags": dict(profile.tags)}


def image_digest(kept: Mapping[str, Any]) -> str:
    """SHA-256 over an image: who has the image can prove that it is the one."""
    return _digest(kept)


def as_kept(kept: Mapping[str, Any], profile: BillingProfile) -> BillingProfile:
    """The profile as an image has it, to be compared with a read of the same profile."""
    return replace(profile, properties=kept["properties"], tags=kept["tags"])


def differences(before: BillingProfile, after: BillingProfile) -> Mapping[str, tuple[Any, Any]]:
    """What differs between two reads: property name to (before, after). `tags` are compared as one.

    Everything that came over the wire counts, not only what is writable: an update that changed something else has
    done harm wherever it was.
    """
    names = before.properties.keys() | after.properties.keys()
    found = {
        name: (before.properties.get(name), after.properties.get(name))
        for name in sorted(names)
        if before.properties.get(name) != after.properties.get(name)
    }
    if dict(before.tags) != dict(after.tags):
        found["tags"] = (dict(before.tags), dict(after.tags))
    return found


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
