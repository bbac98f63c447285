"""The domain: facts, policy and decisions. Pure. No clock, no I/O, no azure import; time comes in as an argument."""
