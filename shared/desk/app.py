"""What the desk is given: the store, the queues and the policy. It has neither billing nor the directory."""

import random
from dataclasses import dataclass

from shared.domain.policy.model import Policy
from shared.ports import Clock, Ledger, Queues, State
from shared.settings import DeskSettings


@dataclass(frozen=True, slots=True)
class Desk:
    """The ports in hand, the policy and the settings. One per process, built by `bootstrap_desk`."""

    policy: Policy
    settings: DeskSettings
    clock: Clock
    random: random.Random
    queues: Queues
    ledger: Ledger
    state: State
