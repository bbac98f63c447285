"""Mutants of kinds that went unnoticed: days of a place, memories, spellings, odd records, writes that belong together.

Most break a promise that no history of the simulation comes to by chance, so that a story has to notice them.
"""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

_EMPLOYMENT: Final = "shared/domain/access/employment.py"
_EMPLOYMENT_TESTS: Final = "tests/app/unit/domain/access/test_domain_employment.py"
_KEYS: Final = "shared/domain/keys.py"
_ONE_KEY: Final = (
    "tests/app/unit/domain/test_keys_spelling.py::test_however_a_key_is_spelled_it_has_one_session_chain_and_message",
)
_SHELF: Final = "shared/services/catalogue.py"
_SHELF_TESTS: Final = "tests/app/unit/services/test_catalogue_shelf.py"

_DAYS: Final = (
    Mutant(
        name="last-day-ends-in-utc",
        promise="A last day ends where the policy is.",
        file=_EMPLOYMENT,
        old="_midnight(day + timedelta(days=1), policy.time_zone)",
        new="_midnight(day + timedelta(days=1), UTC)",
        stories=(f"{_EMPLOYMENT_TESTS}::test_a_leave_date_without_a_time_ends_with_that_day_where_the_policy_is",),
    ),
    Mutant(
        name="first-day-begins-in-utc",
        promise="A first day begins where the policy is.",
        file=_EMPLOYMENT,
        old="return _utc(moment) if day is None else _midnight(day, policy.time_zone)",
        new="return _utc(moment) if day is None else _midnight(day, UTC)",
        stories=(f"{_EMPLOYMENT_TESTS}::test_a_hire_date_without_a_time_begins_with_that_day_where_the_policy_is",),
    ),
    Mutant(
        name="local-midnight-is-a-time",
        promise="Midnight where the policy is is a date without a time.",
        file=_EMPLOYMENT,
        old="for zone in (policy.time_zone, *policy.date_zones):",
        new="for zone in policy.date_zones:",
        caught_by=("no_leaver_holds_managed", "no_revoke_without_evidence", "actual_is_desired"),
        stories=(f"{_EMPLOYMENT_TESTS}::test_a_last_day_ends_in_the_policys_zone_whichever_zone_stored_its_midnight",),
    ),
    Mutant(
        name="date-zones-forgotten",
        promise="Midnight in one of `date_zones` is a date without a time.",
        file=_EMPLOYMENT,
        old="for zone in (policy.time_zone, *policy.date_zones):",
        new="for zone in (policy.time_zone,):",
        stories=(f"{_EMPLOYMENT_TESTS}::test_a_hire_date_stored_as_midnight_elsewhere_begins_that_day_in_our_zone",),
    ),
    Mutant(
        name="days-of-the-machine",
        promise="Where the machine is means nothing.",
        file=_EMPLOYMENT,
        old="        return moment.astimezone(UTC)\n",
        new="        return moment.astimezone()\n",
        stories=(f"{_EMPLOYMENT_TESTS}::test_days_are_the_policy_s_wherever_the_machine_is",),
    ),
    Mutant(
        name="effective-day-of-utc",
        promise="The day that an event names begins where the policy is.",
        file="shared/services/intake/intake.py",
        old="datetime.combine(effective, time(), app.policy.time_zone)",
        new="datetime.combine(effective, time(), UTC)",
        caught_by=("no_event_is_lost",),
    ),
)

_MEMORIES: Final = (
    Mutant(
        name="copy-trusted-for-an-hour",
        promise="A process trusts its copy of the catalogue for half a minute.",
        file=_SHELF,
        old="_MEMORY: Final = timedelta(seconds=30)",
        new="_MEMORY: Final = timedelta(hours=1)",
        stories=(f"{_SHELF_TESTS}::test_a_copy_is_trusted_for_half_a_minute_and_no_longer",),
    ),
    Mutant(
        name="copy-young-by-use",
        promise="Half a minute counts from when a copy was taken, not from its latest use.",
        file=_SHELF,
        old="            return copy\n        reading",
        new="            self._taken_at = now\n            return copy\n        reading",
        stories=(f"{_SHELF_TESTS}::test_half_a_minute_counts_from_the_copy_and_not_from_its_latest_use",),
    ),
    Mutant(
        name="copy-of-a-time-to-come",
        promise="A clock that was set back makes no copy younger.",
        file=_SHELF,
        old="return not timedelta(0) <= now - self._taken_at < _MEMORY",
        new="return now - self._taken_at >= _MEMORY",
        stories=(f"{_SHELF_TESTS}::test_a_clock_that_was_set_back_trusts_no_copy",),
    ),
    Mutant(
        name="copy-never-stored-again",
        promise="What is read anew is stored, so that the others need not read it as well.",
        file=_SHELF,
        old="                await self.state.put_catalogue_over(found, fresh)\n",
        new="",
        stories=(f"{_SHELF_TESTS}::test_what_is_too_old_is_read_anew_once_for_everybody",),
    ),
)

_ROWS: Final = (
    Mutant(
        name="hint-at-what-nobody-lists",
        promise="A hint only leads to profiles that billing lists.",
        file="shared/services/reconcile/person.py",
        old="*(hint for hint in item.hints if hint in catalogue.index.by_key)",
        new="*item.hints",
        stories=("tests/simulation/test_sim_hints.py::test_a_hint_at_a_profile_that_nobody_lists_leads_nowhere",),
    ),
    Mutant(
        name="another-row-adopted",
        promise="What is adopted is the very row that was shown.",
        file="shared/services/operate/adopt.py",
        old="    if before == after and before is not None:\n",
        new="    if before is not None and after is not None:\n",
        stories=(
            "tests/simulation/test_sim_adopt.py::test_a_row_that_changed_since_it_was_shown_is_refused_with_the_difference",
        ),
    ),
    Mutant(
        name="remade-row-stays-adopted",
        promise="A row that somebody made anew is not the one that was adopted.",
        file="shared/domain/access/ownership.py",
        old="self.created_on.replace(microsecond=0)",
        new="self.created_on.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)",
        stories=("tests/simulation/test_sim_adopt.py::test_a_row_that_the_same_hand_made_anew_is_unmanaged",),
    ),
    Mutant(
        name="record-before-its-head",
        promise="A record and the head that names it are one write.",
        file="shared/adapters/store/ledger.py",
        old=(
            "            _, moved = await self._rows.write(\n"
            "                partition_of(self._key),\n"
            '                Insert(f"{RECORD}{sequence:012}", row),\n'
            "                Insert(HEAD, head) if etag is None else Replace(HEAD, head, etag),\n"
            "            )\n"
        ),
        new=(
            "            await self._rows.write(partition_of(self._key), "
            'Insert(f"{RECORD}{sequence:012}", row))\n'
            "            (moved,) = await self._rows.write(\n"
            "                partition_of(self._key), Insert(HEAD, head) if etag is None else "
            "Replace(HEAD, head, etag)\n"
            "            )\n"
        ),
        caught_by=("record_and_head_together",),
    ),
    Mutant(
        name="head-before-its-record",
        promise="A record and the head that names it are one write.",
        file="shared/adapters/store/ledger.py",
        old=(
            "            _, moved = await self._rows.write(\n"
            "                partition_of(self._key),\n"
            '                Insert(f"{RECORD}{sequence:012}", row),\n'
            "                Insert(HEAD, head) if etag is None else Replace(HEAD, head, etag),\n"
            "            )\n"
        ),
        new=(
            "            (moved,) = await self._rows.write(\n"
            "                partition_of(self._key), Insert(HEAD, head) if etag is None else "
            "Replace(HEAD, head, etag)\n"
            "            )\n"
            "            await self._rows.write(partition_of(self._key), "
            'Insert(f"{RECORD}{sequence:012}", row))\n'
        ),
        caught_by=("record_and_head_together",),
    ),
)

_SPELLINGS: Final = (
    Mutant(
        name="profile-by-its-spelling",
        promise="However a profile is spelled, its checks are one session.",
        file=_KEYS,
        old='return f"profile:{self.folded}"',
        new='return f"profile:{self}"',
        stories=_ONE_KEY,
    ),
    Mutant(
        name="person-by-their-spelling",
        promise="However an object id is spelled, the checks of it are one session.",
        file=_KEYS,
        old=(
            '        object.__setattr__(self, "object_id", self.object_id.lower())\n'
            "        if not _OBJECT_ID.fullmatch(self.object_id):\n"
        ),
        new="        if not _OBJECT_ID.fullmatch(self.object_id.lower()):\n",
        stories=_ONE_KEY,
    ),
    Mutant(
        name="name-by-its-spelling",
        promise="However a name is spelled, the checks for it are one session.",
        file=_KEYS,
        old="value = self.value.strip().lower()",
        new="value = self.value.strip()",
        stories=_ONE_KEY,
    ),
    Mutant(
        name="session-of-the-words",
        promise="A session follows from a key, not from how its words were written.",
        file=_KEYS,
        old="digest = hashlib.sha256(key.canonical.encode()).digest()",
        new=("digest = hashlib.sha256((str(key) if isinstance(key, ProfileKey) else key.canonical).encode()).digest()"),
        stories=_ONE_KEY,
    ),
)

_SLIPS: Final = (
    Mutant(
        name="what-looks-alike-is-a-move",
        promise="A text that only looks like the right one takes nothing away.",
        file="shared/services/reconcile/person.py",
        old=("    plan = with_near_misses(plan, person, app.policy, catalogue, app.catalogues.vocabulary("),
        new="    with_near_misses(plan, person, app.policy, catalogue, app.catalogues.vocabulary(",
        caught_by=("slips_wait_for_a_person",),
    ),
    Mutant(
        name="one-letter-is-a-move",
        promise="A text that is one letter away takes nothing away.",
        file="shared/services/reconcile/person.py",
        old="    return [*asked.revokes], []\n",
        new="    return [*revokes], []\n",
        stories=("tests/simulation/test_sim_near_misses.py::test_a_slip_of_the_pen_is_held_and_revokes_nothing",),
    ),
    Mutant(
        name="row-of-nobody-breaks-the-list",
        promise="A row that cannot be read costs that row.",
        file="shared/adapters/billing/wire.py",
        old='return UnreadRow(profile, name, misfit.reason.removeprefix(f"{what}: {_MISFIT}"))',
        new="raise",
        caught_by=("pause_clears", "actual_is_desired", "no_leaver_holds_managed"),
    ),
    Mutant(
        name="other-words-are-about-a-token",
        promise="A refusal of the service is the loss of our role, in whatever words.",
        file="shared/adapters/http/answers.py",
        old="        or not (refusal.structured or _is_services(response))\n",
        new="        or True\n",
        stories=(
            "tests/app/contract/adapters/billing/test_billing_adapter_standin.py::test_a_lost_role_is_told_for_reads_and_writes",
        ),
    ),
)

_RECORDS: Final = (
    Mutant(
        name="odd-record-passed-over",
        promise="A record that does not say what its kind says is refused, and nothing is concluded without it.",
        file="shared/adapters/store/ledger.py",
        old="                if misfits is None:\n                    raise\n",
        new="                if misfits is None:\n                    continue\n",
        stories=("tests/simulation/test_sim_as_of.py::test_a_chain_that_does_not_read_is_named_and_hides_no_other",),
    ),
    Mutant(
        name="odd-digest-ends-the-audit",
        promise="A record among the digests that cannot be read hides nothing of what later ones name.",
        file="shared/services/ledger_audit.py",
        old="        async for record in ledger.read(DIGEST, found.wrong):\n",
        new="        async for record in ledger.read(DIGEST):\n",
        stories=("tests/simulation/test_sim_proof.py::test_a_record_among_the_digests_that_names_no_heads_is_a_fault",),
    ),
    Mutant(
        name="shortened-to-nothing-read",
        promise="A record that was shortened does not say that nothing was read.",
        file="shared/domain/history/checks.py",
        old='    "read": None,\n',
        new='    "read": (),\n',
        stories=(
            "tests/app/unit/domain/history/test_checks.py::test_the_record_says_what_is_gone_and_how_much_it_was",
        ),
    ),
)

MUTANTS: Final = (*_RECORDS, *_DAYS, *_MEMORIES, *_ROWS, *_SPELLINGS, *_SLIPS)
"""What outside hunters got past the promises, each with its siblings."""
