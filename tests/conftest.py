"""Hypothesis here is quick: many small examples, no deadline on a shared machine. Commands have a cache of their own.

Tests run in several processes at once, which tell each other how each went: in UTF-8, whatever a test logged.
"""

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("quick", max_examples=100, deadline=None)
settings.load_profile("quick")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What commands leave for the next one is not left to whoever runs the tests."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """A report without lone surrogates: pytest-xdist's process would end over one in a captured log."""
    return encodable((yield))


def encodable(value: Any) -> Any:
    """The same value, with what UTF-8 cannot hold spelled out."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {encodable(key): encodable(each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(map(encodable, value))
        case _:
            return value
