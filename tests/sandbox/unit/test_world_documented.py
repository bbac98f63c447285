"""The world in docs/how-to/sandbox.md is one that a sandbox starts from."""

import json
import random
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.billing import BillingModel
from sandbox.contoso import STANDARD_WORLD, contoso, names
from sandbox.world import load_world, main

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "sandbox.md"


def test_the_documented_world_has_standard_identities_and_billing_the_app_may_write(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(users:.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "world.yaml"
    file.write_text(block, encoding="utf-8")
    world = load_world(file)
    directory = world.directory(clock=lambda: datetime.now(UTC), random_source=random.Random(1))
    billing = BillingModel(
        world.billing(),
        clock=lambda: datetime.now(UTC),
        rng=random.Random(1),
        principal_type=directory.principal_type,
    )
    assert {identity.object_id for identity in world.principals()} == {names.PORTAL_OBJECT_ID, names.APP_OBJECT_ID}
    assert [identity.name for identity in world.principals() if identity.default] == [names.PORTAL_NAME]
    assert billing.audit == []


def test_the_standard_world_printed_is_a_world_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == contoso()
    file = tmp_path / "world.json"
    file.write_text(printed, encoding="utf-8")
    assert load_world(file) == load_world(STANDARD_WORLD)
