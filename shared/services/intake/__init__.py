"""From an event to work items: the wing of the queue `people-events`."""
