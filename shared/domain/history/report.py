"""What a sweep's report says, by name, for whoever reads one."""

from typing import Final

IDENTITIES: Final = "identities"
"""Where a sweep's report says under which object ids the app writes or wrote."""
