"""GUIDs: what names people, groups, apps, tenants and subscriptions in Microsoft Entra."""

from shared.domain.keys import PersonKey

EXAMPLE = "7c0f5a0e-0000-4000-8000-000000000001"


def is_guid(text: str) -> bool:
    """Whether a text is a GUID, in any case: the check of `PersonKey`, also for what is nobody's id."""
    try:
        PersonKey(text)
    except ValueError:
        return False
    return True
