"""The policy: its file, its filters and selectors, and what is wrong with them."""
