"""Two reads that agree allow one update: what agreed before it says nothing of what came after it."""

import pytest

from shared.domain.outcome import Outcome
from tests.english import english
from tests.simulation.small_world import NL
from tests.simulation.stage import Stage

READ_ONCE = "read once; a second read has to agree in every writable field"


def puts(stage: Stage) -> int:
    return sum(what == "put-profile" for what, _ in stage.writes())


@pytest.fixture
async def unseen(stage: Stage) -> Stage:
    """An update that billing accepted and that shows only hours later; nobody waits for it any more."""
    stage.turn(update_status=202, update_seconds=3 * 3600.0)
    stage.set_profile(NL, invoiceEmailOptIn=False)
    await stage.enqueue(NL)
    await stage.advance(minutes=25)
    assert puts(stage) == 1
    assert stage.profile(NL)["invoiceEmailOptIn"] is False
    return stage


async def test_what_agreed_before_an_update_that_does_not_show_allows_no_other(unseen: Stage) -> None:
    assert (await unseen.app.state.profile(NL)).value.unjudged is not None
    assert await unseen.check(NL) is Outcome.WAITING
    assert english((await unseen.last_check(NL)).why) == READ_ONCE
    assert puts(unseen) == 1


async def test_what_agreed_while_an_update_did_not_show_allows_none_once_it_does(unseen: Stage) -> None:
    assert await unseen.check(NL) is Outcome.WAITING
    unseen.queues.waiting.clear()  # nobody comes back before it shows
    await unseen.advance(hours=4)
    assert unseen.profile(NL)["invoiceEmailOptIn"] is True
    await unseen.check(NL)
    made = puts(unseen)
    unseen.set_profile(NL, invoiceEmailOptIn=False)
    assert await unseen.check(NL) is Outcome.WAITING
    assert english((await unseen.last_check(NL)).why) == READ_ONCE
    assert puts(unseen) == made


async def test_the_second_update_of_a_day_follows_two_reads_of_its_own(stage: Stage) -> None:
    stage.turn(update_status=200)
    for number in (1, 2):
        stage.set_profile(NL, invoiceEmailOptIn=False)
        assert await stage.check(NL) is Outcome.WAITING
        assert english((await stage.last_check(NL)).why) == READ_ONCE
        assert puts(stage) == number - 1
        await stage.advance(minutes=6)
        assert puts(stage) == number
        await stage.advance(minutes=15)
