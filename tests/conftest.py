"""Hypothesis here is quick: many small examples, no deadline on a shared machine."""

from hypothesis import settings

settings.register_profile("quick", max_examples=100, deadline=None)
settings.load_profile("quick")
