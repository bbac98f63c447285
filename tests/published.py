"""Where published payloads are: requests and answers as vendors document them, kept beside this repository.

Lives here: the folder, and the one mark of tests that need it. What a payload proves is said by those tests.
"""

from pathlib import Path

import pytest

PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "conformance"
"""The folder; one subfolder per service."""

needs_published = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published payloads (../shared/conformance) are not part of this repository"
)
"""Skips a test, or a whole module as its `pytestmark`, where the folder is not there."""
