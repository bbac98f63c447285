"""Billing's adapter: ARM's calls, what their bodies mean, and the port that only says what it would write."""
