"""The baseline's row: everything comes back, and one of an earlier release knows no accounts."""

import json
from datetime import UTC, datetime

from shared.adapters.store.guard_codec import baseline_body, baseline_of
from shared.adapters.store.rows import Row
from shared.domain.guards.baseline import Baseline

BASELINE = Baseline(datetime(2026, 3, 2, 9, tzinfo=UTC), 4, 3, 17, "d" * 64, {"one": "e" * 64}, ("a", "b"))


def test_a_baseline_comes_back_as_it_was() -> None:
    assert baseline_of(Row("guards", "baseline", json.dumps(baseline_body(BASELINE)), "1")) == BASELINE


def test_one_that_an_earlier_release_stored_knows_no_accounts() -> None:
    body = baseline_body(BASELINE)
    del body["accounts"]
    assert baseline_of(Row("guards", "baseline", json.dumps(body), "1")).accounts == ()
