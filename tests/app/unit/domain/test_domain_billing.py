"""What a profile's answer says besides what decisions rest on."""

from typing import Any

import pytest

from shared.domain.billing import BillingProfile
from shared.domain.keys import ProfileKey


def profile(**properties: Any) -> BillingProfile:
    return BillingProfile(ProfileKey("MCA:1", "NL-BG7"), "NL", "Active", True, properties=properties)


def test_a_profile_tells_its_currency_its_invoice_day_and_its_addresses() -> None:
    told = profile(currency="EUR", invoiceDay=5, invoiceRecipients=["a@contoso.example", "b@contoso.example"])
    assert (told.currency, told.invoice_day) == ("EUR", 5)
    assert told.invoice_recipients == ("a@contoso.example", "b@contoso.example")


def test_a_profile_that_is_kept_without_its_answer_knows_none_of_them() -> None:
    kept = profile()
    assert (kept.currency, kept.invoice_day, kept.invoice_recipients) == (None, None, ())


@pytest.mark.parametrize("odd", [None, 0, 32, -1, 5.0, "5", True, [5], {}])
def test_a_day_that_no_month_has_is_not_known(odd: Any) -> None:
    assert profile(invoiceDay=odd).invoice_day is None


@pytest.mark.parametrize("odd", [None, "", "  ", 978, True, ["EUR"]])
def test_a_currency_that_is_no_text_is_not_known(odd: Any) -> None:
    assert profile(currency=odd).currency is None


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, ()),
        ("a@contoso.example", ()),
        ({"a@contoso.example": 1}, ()),
        (["a@contoso.example", None, 7, " ", ["x"]], ("a@contoso.example",)),
        ([" a@contoso.example ", "a@contoso.example"], ("a@contoso.example",)),
    ],
)
def test_of_odd_addresses_those_that_are_texts_are_read(given: Any, read: tuple[str, ...]) -> None:
    assert profile(invoiceRecipients=given).invoice_recipients == read
