"""Mutants of moments: who was overtaken, whose clock is ahead, which date is first, and what is older than what."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

_DAILY_LIMITS: Final = "shared/domain/guards/daily_limits.py"
_DECISIONS: Final = "shared/services/operate/decisions.py"
_PROFILE: Final = "shared/services/reconcile/profile.py"

MUTANTS: Final = (
    Mutant(
        name="overtaken-pause-is-set",
        promise="Whoever is overtaken while setting a pause sets it again.",
        file="shared/services/pauses.py",
        old='    await change_row(app, "the pause", app.state.pauses, with_it, app.state.put_pauses)\n',
        new=(
            "    from contextlib import suppress\n"
            "\n"
            "    from shared.errors import Conflict\n"
            "\n"
            "    with suppress(Conflict):\n"
            "        row = await app.state.pauses()\n"
            "        await app.state.put_pauses(row.becoming(with_it(row.value)))\n"
        ),
        stories=("tests/simulation/test_sim_overtaken.py::test_a_pause_that_was_overtaken_is_on",),
    ),
    Mutant(
        name="overtaken-resume-is-done",
        promise="Whoever is overtaken while resuming resumes again.",
        file=_DECISIONS,
        old=('    _, row = await change_row(app, "the pause", app.state.pauses, without_seen, put, remedy=remedy)\n'),
        new=(
            "    from contextlib import suppress\n"
            "\n"
            "    from shared.errors import Conflict\n"
            "\n"
            "    row = await app.state.pauses()\n"
            "    row = row.becoming(without_seen(row.value))\n"
            "    with suppress(Conflict):\n"
            "        await put(row)\n"
        ),
        stories=("tests/simulation/test_sim_overtaken.py::test_a_resume_that_was_overtaken_is_done",),
    ),
    Mutant(
        name="overtaken-release-is-done",
        promise="Whoever is overtaken while deciding about holds decides again.",
        file=_DECISIONS,
        old=(
            "        for together in batched(decision.on_rows(rows, chosen), _ROWS_AT_ONCE, "
            "strict=False):\n"
            "            await app.state.put_key_holds(*together, whole=True)\n"
        ),
        new=(
            "        from contextlib import suppress\n"
            "\n"
            "        from shared.errors import Conflict\n"
            "\n"
            "        for together in batched(decision.on_rows(rows, chosen), _ROWS_AT_ONCE, "
            "strict=False):\n"
            "            with suppress(Conflict):\n"
            "                await app.state.put_key_holds(*together, whole=True)\n"
        ),
        stories=("tests/simulation/test_sim_overtaken.py::test_a_release_that_was_overtaken_is_carried_out",),
    ),
    Mutant(
        name="overtaken-reservation-counts",
        promise="A reservation precedes the write, also where another instance reserved in between.",
        file="shared/services/reservations.py",
        old="    read, put = partial(app.state.reservations, kind), app.state.put_reservations\n",
        new=(
            "    from shared.errors import Conflict\n"
            "\n"
            "    read = partial(app.state.reservations, kind)\n"
            "\n"
            "    async def put(row):\n"
            "        try:\n"
            "            return await app.state.put_reservations(row)\n"
            "        except Conflict:\n"
            "            return row\n"
        ),
        stories=(
            "tests/simulation/test_sim_overtaken.py::test_a_reservation_that_was_overtaken_is_stored_before_the_write",
        ),
    ),
    Mutant(
        name="agreement-survives-an-update",
        promise="An update follows two reads that agree and came after the one before.",
        file=_PROFILE,
        old="        unjudged=now,\n        agreed=None,\n",
        new="        unjudged=now,\n",
        stories=(
            "tests/simulation/test_sim_agreement.py::test_what_agreed_before_an_update_that_does_not_show_allows_no_other",
        ),
    ),
    Mutant(
        name="agreement-survives-the-judgement",
        promise="What agreed while an update did not show allows no other once it does.",
        file="shared/services/reconcile/judged_updates.py",
        old="replace(state, unjudged=None, answered=None, agreed=None)",
        new="replace(state, unjudged=None, answered=None)",
        stories=(
            "tests/simulation/test_sim_agreement.py::test_what_agreed_while_an_update_did_not_show_allows_none_once_it_does",
        ),
    ),
    Mutant(
        name="intent-ahead-is-repeated",
        promise="A write whose intent is of a clock a little ahead is waited for, and not repeated.",
        file="shared/services/reconcile/apply.py",
        old="-2 * CLOCKS_APART < now - moment",
        new="timedelta(0) <= now - moment",
        stories=(
            "tests/simulation/test_sim_clocks_apart.py::test_a_grant_of_a_clock_a_little_ahead_is_waited_for_and_not_repeated",
        ),
    ),
    Mutant(
        name="reservation-ahead-is-none",
        promise="What a clock a little ahead reserved takes its room.",
        file="shared/domain/guards/daily_limits.py",
        old="-_KEPT < now - reserved_at",
        new="timedelta(0) <= now - reserved_at",
        stories=(
            "tests/simulation/test_sim_clocks_apart.py::test_what_a_clock_a_little_ahead_reserved_takes_its_room",
        ),
    ),
    Mutant(
        name="share-of-everything",
        promise="A limit is a percentage of what is managed, and not of what others gave as well.",
        file="shared/services/sweep/sweep.py",
        old="estate, counted.managed)",
        new='estate, counted["assignments"])',
        stories=(
            "tests/simulation/test_sim_shares.py::test_a_sweep_takes_its_percentage_of_what_is_managed_and_of_managed_profiles",
        ),
    ),
    Mutant(
        name="share-of-updates-is-of-ours",
        promise="The limit of profile updates is a percentage of the managed profiles.",
        file=_DAILY_LIMITS,
        old="            return baseline.profiles\n",
        new="            return baseline.managed\n",
        stories=(
            "tests/simulation/test_sim_shares.py::test_a_check_of_a_profile_takes_its_percentage_of_managed_profiles",
        ),
    ),
    Mutant(
        name="share-of-what-is-left",
        promise="A day's limit for revokes is a percentage of what was managed when the day began.",
        file=_DAILY_LIMITS,
        old="            return baseline.managed + len(counted(reservations, now, by=baseline.at))\n",
        new="            return baseline.managed\n",
        stories=(
            "tests/simulation/test_sim_many_leave.py::test_what_a_day_allows_is_a_share_of_what_was_held_when_it_began",
        ),
    ),
    Mutant(
        name="latest-date-first",
        promise="Of several dates to come the earliest is when the answer changes.",
        file="shared/domain/access/employment.py",
        old="return sorted(moment for moment in moments if moment > now)",
        new="return sorted((moment for moment in moments if moment > now), reverse=True)",
        stories=(
            "tests/simulation/test_sim_earliest.py::test_a_person_with_hire_and_leave_date_is_checked_on_the_earlier_day_first",
        ),
    ),
    Mutant(
        name="latest-evidence-first",
        promise="Evidence about several profiles is seen again when the first of it is due.",
        file="shared/services/reconcile/person.py",
        old="evidence = min((waiting.due",
        new="evidence = max((waiting.due",
        stories=(
            "tests/simulation/test_sim_earliest.py::test_evidence_about_several_profiles_is_seen_again_when_the_first_of_it_is_due",
        ),
    ),
    Mutant(
        name="person-by-an-older-catalogue",
        promise="A person whom a sweep found is judged by what that sweep read.",
        file="shared/services/reconcile/person.py",
        old="not_before=item.first_asked if found_by_sweep else None",
        new="not_before=None if found_by_sweep else None",
        stories=("tests/simulation/test_sim_two_shelves.py::test_a_person_whom_a_sweep_found_is_given_what_it_read",),
    ),
    Mutant(
        name="profile-by-an-older-catalogue",
        promise="A profile that a sweep found is judged by what that sweep read.",
        file=_PROFILE,
        old="not_before=item.first_asked if found_by_sweep else None",
        new="not_before=None if found_by_sweep else None",
        stories=("tests/simulation/test_sim_two_shelves.py::test_a_profile_that_a_sweep_found_is_known",),
    ),
)
"""What takes one moment for another."""
