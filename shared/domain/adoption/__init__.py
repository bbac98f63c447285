"""What others gave: where it could be made ours, and what follows from that."""
