"""What others gave: where it could be made managed, and what follows from that."""
