"""From a work item to what is written to Azure: the wing of the queue `access-work`."""
