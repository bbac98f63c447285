"""What a sweep found is judged by what the sweep read, whichever instance checks, and however fresh its own copy is."""

from dataclasses import replace
from datetime import timedelta

from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.services.catalogue import CatalogueStore
from shared.services.reconcile.reconcile import reconcile
from tests.simulation.small_world import DIETER, FEMKE, HOLDING, NL
from tests.simulation.stage import Stage

SECONDS = 5
"""Well within the time for which an instance trusts its copy."""


def another_instance(stage: Stage) -> None:
    """From now on the stage's checks are another instance's, with a copy of the catalogue of its own."""
    app = stage.app
    catalogues = CatalogueStore(app.state, app.billing, app.policy, timedelta(hours=app.settings.catalogue_hours))
    stage.app = replace(app, catalogues=catalogues)


async def sweep_elsewhere(stage: Stage) -> None:
    """A sweep by the first instance; the other one takes what it enqueued."""
    other = stage.app
    another_instance(stage)
    await stage.sweep()
    stage.app = other


async def test_a_person_whom_a_sweep_found_is_given_what_it_read(stage: Stage) -> None:
    another_instance(stage)
    await stage.check(PersonKey(DIETER))  # its copy is fresh
    account = stage.billing.account(HOLDING.account)
    assert account is not None
    account.profiles["holding-bg7"].tags = {"company": "Contoso Nederland"}
    await stage.advance(seconds=SECONDS)
    await sweep_elsewhere(stage)
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {NL, HOLDING}


async def test_a_profile_that_a_sweep_found_is_known(stage: Stage) -> None:
    account = stage.billing.account(NL.account)
    assert account is not None
    profile = account.profiles.pop("holding-bg7")
    another_instance(stage)
    await stage.sweep()
    await stage.run_until_quiet()
    await stage.check(PersonKey(DIETER))
    account.profiles["holding-bg7"] = profile
    stage.set_profile(HOLDING, invoiceEmailOptIn=False)
    await stage.advance(seconds=SECONDS)
    await sweep_elsewhere(stage)
    message = next(one for one in stage.queues.waiting if one.item.key == HOLDING)
    assert await reconcile(stage.app, message.item) is Outcome.WAITING


async def test_an_event_in_between_is_checked_with_the_copy_at_hand(stage: Stage) -> None:
    another_instance(stage)
    await stage.check(PersonKey(DIETER))
    reads = stage.app.calls()["billing reads"]
    await stage.check(PersonKey(FEMKE))
    assert stage.app.calls()["billing reads"] - reads == 1, "her assignment, and no catalogue"
