"""The app itself: a pure core (`domain`), the use cases (`services`), and the edges (`sources`, `adapters`)."""
