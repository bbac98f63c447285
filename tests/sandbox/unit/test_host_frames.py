"""A worker that is gone has said everything, however the operating system puts it."""

import asyncio

import pytest

from sandbox.host import frames


@pytest.mark.parametrize("how", [BrokenPipeError(), ConnectionResetError(), ConnectionAbortedError()])
async def test_a_peer_that_is_gone_ends_the_frames_also_when_a_write_noticed_it(how: OSError) -> None:
    reader = asyncio.StreamReader()
    reader.set_exception(how)
    assert await frames.read(reader) is None
