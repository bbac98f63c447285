"""Time zones: the pinned database is the one that is used, and a wrong name is told without a wrong suggestion."""

import ast
import shutil
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest
from tzlocal.windows_tz import win_tz

from shared.domain.policy.load import load_policy
from shared.domain.time_zones import zone
from shared.errors import Misconfigured

ROOT = Path(__file__).parents[4]
JULY = datetime(2026, 7, 15, 12, tzinfo=UTC)


@pytest.fixture
def another_database(tmp_path: Path) -> Iterator[None]:
    """The system has a database in which Kiritimati's time, 14 hours ahead, goes for every place of these tests."""
    with resources.as_file(resources.files("tzdata") / "zoneinfo" / "Pacific" / "Kiritimati") as far:
        for name in ("Europe/Amsterdam", "America/Vancouver", "UTC"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(far, tmp_path / name)
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    zoneinfo.ZoneInfo.clear_cache()
    zone.cache_clear()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("another_database")
@pytest.mark.parametrize(
    ("name", "hours"), [("Europe/Amsterdam", 2), ("America/Vancouver", -7), ("UTC", 0), ("Asia/Tokyo", 9)]
)
def test_a_zone_is_the_pinned_databases_also_where_the_system_has_another(name: str, hours: int) -> None:
    policy = load_policy(f"version: 1\nrules: []\nemployment: {{ time_zone: {name}, date_zones: [{name}] }}")
    for read in (policy.time_zone, *policy.date_zones):
        assert read.key == name
        assert JULY.astimezone(read).utcoffset() == timedelta(hours=hours)


def test_nothing_else_in_the_app_makes_a_zone_by_its_name() -> None:
    made = [
        str(path.relative_to(ROOT))
        for folder in ("shared", "functions", "cli")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "ZoneInfo"
    ]
    assert made == []


def test_every_windows_name_is_translated_to_a_zone_that_there_is() -> None:
    for name, iana in win_tz.items():
        if name == "UTC":
            continue
        with pytest.raises(ValueError, match="Windows' name of a time zone") as raised:
            zone(name.upper())
        assert f"write {iana!r}" in str(raised.value)
        assert zone(iana).key == iana


def test_windows_name_for_western_europe_is_no_small_country_in_it() -> None:
    with pytest.raises(ValueError, match="write 'Europe/Berlin', or the place where your days begin and end"):
        zone("W. Europe Standard Time")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("Europe/Amsterdm", "Europe/Amsterdam"),
        ("europe/amsterdam", "Europe/Amsterdam"),
        ("Amsterdam", "Europe/Amsterdam"),
        ("America/New York", "America/New_York"),
        ("Asia/Calcuta", "Asia/Calcutta"),
        ("utc", "UTC"),
    ],
)
def test_a_slip_of_the_pen_gets_the_name_that_was_meant(wrong: str, meant: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone; did you mean") as raised:
        zone(wrong)
    assert str(raised.value).endswith(f"did you mean {meant!r}?")


@pytest.mark.parametrize(
    "wrong",
    [
        "Europe",
        "Europe/Frankfurt",
        "Europe/Bern",
        "Asia/Delhi",
        "Asia/Beijing",
        "Central",
        "CEST",
        "GMT+1",
        "UTC+2",
        "Pacific Time (US & Canada)",
        "../zoneinfo/UTC",
        "/etc/localtime",
        "Factory",
        "",
    ],
)
def test_nothing_is_suggested_where_it_would_be_another_place(wrong: str) -> None:
    with pytest.raises(ValueError, match="write the name of a place, such as Europe/Amsterdam"):
        zone(wrong)


def test_a_wrong_zone_in_a_list_is_told_with_its_place() -> None:
    text = "version: 1\nrules: []\nemployment: { date_zones: [Asia/Tokyo, Pacific Standard Time] }"
    with pytest.raises(Misconfigured) as raised:
        load_policy(text)
    (mistake,) = raised.value.mistakes
    assert mistake.startswith("line 3, column 40: employment.date_zones[1]: 'Pacific Standard Time' is Windows' name")
    assert "'America/Los_Angeles'" in mistake


@pytest.mark.parametrize("said", ["date_zones: [Asia/Tokyo]", "stale_leave_days: 31"])
def test_what_a_policy_says_of_dates_is_part_of_its_meaning_and_a_default_is_not(said: str) -> None:
    begin = "version: 1\nrules: []\nemployment: { time_zone: Europe/Amsterdam"
    plain = load_policy(f"{begin} }}")
    assert load_policy(f"{begin}, stale_leave_days: 30 }}").digest == plain.digest
    assert load_policy(f"{begin}, {said} }}").digest != plain.digest
