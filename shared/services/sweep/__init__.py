"""From the whole estate to the drift in it: the wing of the timer."""
