"""Mutants of writing: its order, its records, its read-back, and that there is one writer."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

_ACTIONS: Final = "shared/services/reconcile/apply.py"

MUTANTS: Final = (
    Mutant(
        name="revoke-before-grant",
        promise="Who moves on is given the new before the old is taken away.",
        file=_ACTIONS,
        old="planned: tuple[Grant | Revoke, ...] = (*plan.grants, *revokes)",
        new="planned: tuple[Grant | Revoke, ...] = (*revokes, *plan.grants)",
        caught_by=("grants_come_first",),
    ),
    Mutant(
        name="no-intent",
        promise="An intent is in the ledger before every write.",
        file=_ACTIONS,
        old="        if actions:\n            await self._record_intents(actions)\n",
        new="        if len(actions) > 1:\n            await self._record_intents(actions)\n",
        caught_by=("intent_before_write",),
    ),
    Mutant(
        name="intent-after-write",
        promise="The intent is recorded before the write, and not after.",
        file=_ACTIONS,
        old=(
            "        if actions:\n"
            "            await self._record_intents(actions)\n"
            "        for action in actions:\n"
            "            wanted = guarded[action.profile]\n"
            "            result = await self._act(action, wanted)\n"
            "            results.append(result)\n"
        ),
        new=(
            "        made = [await self._act(action, guarded[action.profile]) for action in actions]\n"
            "        if actions:\n"
            "            await self._record_intents(actions)\n"
            "        for action, result in zip(actions, made, strict=True):\n"
            "            wanted = guarded[action.profile]\n"
            "            results.append(result)\n"
        ),
        caught_by=("intent_before_write",),
    ),
    Mutant(
        name="read-back-skipped",
        promise="A write is done when it was read back, and not when the service accepted it.",
        file=_ACTIONS,
        old="            outcome, why = await self._judge(action, written)\n",
        new="            outcome, why = Outcome.DONE, action.reason\n",
        caught_by=("done_was_read_back", "done_is_true"),
    ),
    Mutant(
        name="unseen-is-done",
        promise="A write that the read-back does not show is unverified, and checked again.",
        file=_ACTIONS,
        old="            if row is None:\n                return Outcome.UNVERIFIED, None\n",
        new="            if row is None:\n                return done, action.reason\n",
        caught_by=("done_was_read_back", "done_is_true"),
    ),
    Mutant(
        name="lost-answer-is-not-written",
        promise="A write whose answer was lost may have happened: it is read back, and its intent is kept.",
        file=_ACTIONS,
        old="        except MaybeWritten as lost:\n            doubt = Code.SAID(said=lost.reason)\n",
        new="        except MaybeWritten as lost:\n            return failed(verb, profile, lost)\n",
        caught_by=("what_was_written_is_known",),
    ),
    Mutant(
        name="young-write-repeated",
        promise="A write that is not visible yet is not repeated while its intent is young.",
        file=_ACTIONS,
        old=("        return is_young(moment, self._app.clock.now(), self._app.settings.intent_seconds)\n"),
        new="        return is_young(moment, self._app.clock.now(), 0)\n",
        caught_by=("not_repeated_at_once",),
    ),
    Mutant(
        name="handlers-time-ignored",
        promise="A handler starts no write after its time is over.",
        file=_ACTIONS,
        old="        if left <= 0:\n",
        new="        left = max(left, 60.0)\n        if left <= 0:\n",
        caught_by=("no_write_after_the_handlers_time",),
    ),
    Mutant(
        name="session-at-random",
        promise="One writer per key: the same key is always of the same session.",
        file="shared/domain/keys.py",
        old="return str(int.from_bytes(digest) % SHARDS)",
        new='return str((int.from_bytes(digest) + __import__("random").randrange(2)) % SHARDS)',
        caught_by=("one_check_at_a_time",),
    ),
    Mutant(
        name="conflict-swallowed",
        promise="Who lost a lock loses the append, and stops.",
        file="shared/adapters/store/ledger.py",
        old=(
            "            raise Conflict(f\"somebody else appended to '{self._key}' after record "
            '{sequence - 1}") from error\n'
        ),
        new=(
            "            behind = await RowsLedger(self._rows).open(self._key)\n"
            "            if behind._head == self._head:\n"
            "                raise Conflict(f\"'{self._key}' cannot be appended to\") from error\n"
            "            self._head = behind._head\n"
            "            return await self.append(at, body)\n"
        ),
        caught_by=("who_loses_the_lock_stops", "one_writer"),
    ),
    Mutant(
        name="chain-not-linked",
        promise="A record carries the digest of the record before it.",
        file="shared/adapters/store/ledger.py",
        old="row, digest = signed(self._key, sequence, when, body.KIND, text, previous)",
        new='row, digest = signed(self._key, sequence, when, body.KIND, text, "")',
        caught_by=("chains_verify",),
    ),
    Mutant(
        name="link-broken-midway",
        promise="Every record follows the one before it, in the middle of a chain as well.",
        file="shared/adapters/store/ledger_rows.py",
        old="    return Head(sequence, digest, row.etag)",
        new=('    digest = digest if sequence % 4 else "f" * 64\n    return Head(sequence, digest, row.etag)'),
        caught_by=("chains_verify",),
    ),
    Mutant(
        name="names-in-the-ledger",
        promise="The ledger has ids, and no names.",
        file="shared/domain/keys.py",
        old='return f"identity:{key.kind}:{hashlib.sha256(key.value.encode()).hexdigest()}"',
        new='return f"identity:{key.kind}:{key.value}"',
        caught_by=("ids_and_no_names",),
    ),
)
"""What writes at the wrong time, twice, or without a record."""
