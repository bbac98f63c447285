"""The pure core: facts, policy and decisions. No clock, no I/O, no azure import; time comes in as an argument."""
