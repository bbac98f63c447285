"""Who should have what, and what follows from it: employment, rules, ownership, evidence, the plan."""
