"""The use cases: intake, reconcile, sweep. Written against ports; the order of steps is here, decisions are not."""
