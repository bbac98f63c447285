"""Who should hold what, and what follows from it: employment, rules, ownership, evidence, the plan."""
