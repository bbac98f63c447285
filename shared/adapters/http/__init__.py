"""How Azure's HTTP APIs are reached: credentials, the gate, the pace, retries, and what a refusal means."""
