"""The past: who had what, since when, and what others gave."""
