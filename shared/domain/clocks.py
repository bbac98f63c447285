"""By how much clocks may differ: one figure for every place that compares times of two of them."""

from datetime import timedelta
from typing import Final

CLOCKS_APART: Final = timedelta(minutes=5)
"""By how much an instance's clock may differ from a service's, or from what is true.

Five minutes is what Kerberos and most verifiers of tokens tolerate: whoever is further off is noticed elsewhere. Two
instances may be twice as far apart.
"""
