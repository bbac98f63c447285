"""What operators ask for and decide: the wing of the command line."""
