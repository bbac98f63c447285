"""Reads the policy file: all that some commands need, so that they load neither services nor clients."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from shared.domain.policy.model import Policy
from shared.errors import Misconfigured
from shared.settings import Settings

_APP_FOLDER: Final = Path(__file__).resolve().parent.parent


def read_both[Read](
    read_settings: Callable[[Mapping[str, str]], Read],
    environment: Mapping[str, str],
    what: str,
    *,
    wrong_in: Callable[[Read], Iterable[str]] = lambda _: (),
) -> tuple[Read, Policy]:
    """Settings and policy; raises `Misconfigured` for `what` with every mistake of both at once.

    `wrong_in` are mistakes that show in the settings as a whole.
    """
    mistakes: list[str] = []
    settings: Read | None = None
    policy: Policy | None = None
    try:
        settings = read_settings(environment)
    except Misconfigured as wrong:
        mistakes += [f"setting {mistake}" for mistake in wrong.mistakes]
    try:
        policy = read_policy(environment)
    except Misconfigured as wrong:
        mistakes += wrong.mistakes
    if settings is not None:
        mistakes += [f"setting {mistake}" for mistake in wrong_in(settings)]
    if settings is None or policy is None or mistakes:
        raise Misconfigured(what, mistakes)
    return settings, policy


def read_policy(environment: Mapping[str, str]) -> Policy:
    """Reads only the policy; raises `Misconfigured` with every mistake in it."""
    path = policy_path(environment)
    try:
        return read_policy_file(path)
    except Misconfigured as wrong:
        raise Misconfigured("policy", [f"{path.name}: {mistake}" for mistake in wrong.mistakes]) from wrong
    except OSError as wrong:
        mistake = f"{path}: {wrong.strerror}; INVOICE_ACCESS_POLICY names the policy file"
        raise Misconfigured("policy", [mistake]) from wrong


def policy_path(environment: Mapping[str, str]) -> Path:
    """Where the app's policy is."""
    named = environment.get("INVOICE_ACCESS_POLICY", "")
    return _APP_FOLDER / (named if named.strip() else str(Settings.model_fields["policy"].default))


def read_policy_file(path: Path) -> Policy:
    """Reads a policy file; raises `Misconfigured` with every mistake in it, and OSError where it cannot be opened."""
    from shared.domain.policy.load import load_policy  # noqa: PLC0415 - YAML, a grammar, and a model of each key

    try:
        return load_policy(path.read_text(encoding="utf-8"), path.name)
    except UnicodeDecodeError as wrong:
        mistake = f"byte {wrong.start} is not UTF-8; save the file as UTF-8"
        raise Misconfigured("policy", [mistake]) from wrong
