"""What is told of the past: who held what, since when, and what others gave."""
