"""The page in Dutch and Swedish, whose words are longer: it never scrolls sideways."""

import pytest

from tests.app.e2e.page.reader import Reader
from tests.app.e2e.page.test_page_in_chromium import ADDRESSES, WIDTHS
from tests.simulation.page_words import OTHERS


@pytest.mark.parametrize("code", OTHERS)
def test_longer_words_make_no_page_scroll_sideways(reader: Reader, code: str) -> None:
    reader.opens(f"/language?to={code}&back=/words")
    beyond = {}
    for width in WIDTHS[:3]:
        reader.as_wide_as(width)
        for path in ADDRESSES:
            reader.opens(path)
            assert reader.chrome.execute_script("return document.documentElement.lang") == code
            if (by := reader.chrome.execute_script("return document.documentElement.scrollWidth - innerWidth")) > 0:
                beyond[f"{path} at {width} px"] = by
    assert beyond == {}
