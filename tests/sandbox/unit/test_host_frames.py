"""A worker that is gone has said everything, however the operating system puts it."""

import asyncio

import pytest

from sandbox.host import frames


@pytest.mark.parametrize("how", [BrokenPipeError(), ConnectionResetError(), ConnectionAbortedError()])
async def test_a_peer_that_is_gone_is_the_end_of_the_frames_also_when_a_write_was_what_noticed(how: OSError) -> None:
    reader = asyncio.StreamReader()
    reader.set_exception(how)
    assert await frames.read(reader) is None
