"""Mutants of profiles' e-mail invoicing."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

_PROFILE: Final = "shared/services/reconcile/profile.py"

MUTANTS: Final = (
    Mutant(
        name="update-drops-a-field",
        promise="An update sends back every writable field that was read.",
        file="shared/adapters/billing/wire.py",
        old="    properties = writable(profile) | {FLAG: True}\n",
        new=(
            "    properties = {name: value for name, value in writable(profile).items() if name != "
            '"poNumber"} | {FLAG: True}\n'
        ),
        caught_by=("update_carries_everything", "flag_alone"),
    ),
    Mutant(
        name="tags-not-sent-back",
        promise="An update sends back a profile's tags.",
        file="shared/adapters/billing/wire.py",
        old='    if profile.tags:\n        body["tags"] = dict(profile.tags)\n',
        new="",
        caught_by=("update_carries_everything", "flag_alone"),
    ),
    Mutant(
        name="field-forgotten",
        promise="Every writable field is known as writable.",
        file="shared/domain/access/opt_in.py",
        old='    "invoiceRecipients",\n',
        new="",
        caught_by=("flag_alone", "update_carries_everything"),
    ),
    Mutant(
        name="unsaid-flag-is-off",
        promise="A profile is updated only where the flag is literally false.",
        file=_PROFILE,
        old="    if profile.invoice_email_opt_in is None:\n        return Code.MAIL_NOT_SAID()\n",
        new="",
        caught_by=("update_carries_everything",),
    ),
    Mutant(
        name="one-read-is-enough",
        promise="A profile is updated only when two reads, the settling time apart, agree in every writable field.",
        file=_PROFILE,
        old=(
            "    if state.agreed is None or state.agreed[0] != fingerprint(profile):\n"
            "        return now + app.settings.settle, Code.READ_ONCE()\n"
            "    first = state.agreed[1]\n"
        ),
        new="    first = now - app.settings.settle if state.agreed is None else state.agreed[1]\n",
        caught_by=("two_reads_agree",),
    ),
    Mutant(
        name="profile-without-intent",
        promise="An intent is in the ledger before a profile is updated.",
        file=_PROFILE,
        old="    await chain.append(app.clock.now(), IntentBody((intended,)))\n",
        new=(
            "    if not guard.enforces(profile.key):\n"
            "        await chain.append(app.clock.now(), IntentBody((intended,)))\n"
        ),
        caught_by=("intent_before_write",),
    ),
    Mutant(
        name="harm-not-noticed",
        promise="An update that changed more than the flag is told of, and nothing is updated by itself any more.",
        file="shared/services/reconcile/judged_updates.py",
        old="    if shows and changed - by_others:\n",
        new="    if shows and changed < by_others:\n",
        caught_by=("harm_is_told",),
        stories=("tests/simulation/test_sim_unjudged_updates.py::test_harm_is_told_where_the_read_back_failed_once",),
    ),
    Mutant(
        name="updated-without-end",
        promise="A profile is updated three times in 24 hours, and then a person has to decide.",
        file=_PROFILE,
        old="    elif len(state.updates) >= app.settings.profile_updates_per_day:\n",
        new="    elif len(state.updates) > 24 * app.settings.profile_updates_per_day:\n",
        caught_by=("updates_are_rare",),
    ),
    Mutant(
        name="updated-without-rest",
        promise="A profile is left alone for 10 minutes after each update.",
        file=_PROFILE,
        old="    if since is not None and since < rest:\n        return",
        new="    if since is not None and since < timedelta(0):\n        return",
        caught_by=("updates_are_rare",),
    ),
)
"""What changes more of a profile than the flag, or changes it too early."""
