"""What stands between a plan and its writes: brake, budgets, holds."""
