"""What stands between a plan and its writes: pause, daily limits, holds."""
