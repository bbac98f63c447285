"""The app itself: what is pure (`domain`), the use cases (`services`), and the edges (`sources`, `adapters`)."""
