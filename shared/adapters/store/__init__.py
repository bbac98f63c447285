"""What the app keeps: rows, the ledger and the state on them, and how each value is spelled there."""
