"""The policy that the app of a sandbox reads: a copy of the one that was given, as the mode wants it.

Lives here: when the copy is made anew. Whoever edits `enforce`, in the given file or in the copy, has the last word.
"""

from pathlib import Path

from sandbox.settings import Mode, effective_policy, enforce_of


class PolicyInForce:
    """A copy at `place` of the policy `given`.

    A mode changes the `enforce` that stood there when the sandbox was started, and no other: so a sandbox that began to
    observe can be left to enforce. Without a mode the policy at `place` is the app's as it is.
    """

    def __init__(self, given: Path, place: Path, mode: Mode | None) -> None:
        self._given, self._place, self._mode = given, place, mode
        self._began_with = enforce_of(given.read_bytes())
        self._copied: bytes | None = None

    def render(self) -> None:
        """Makes the copy where there is none or the given file is another than before. Raises OSError."""
        if self._mode is None:
            self._place.read_bytes()
            return
        text = self._given.read_bytes()
        if text == self._copied and self._place.is_file():
            return  # what stands in the copy may be somebody's since
        is_as_given = enforce_of(text) == self._began_with
        self._place.write_bytes(effective_policy(text, self._mode) if is_as_given else text)
        self._copied = text
