"""The queues' adapter: sending to Service Bus, and what a work item looks like there."""
