"""Notices over HTTP: to a webhook of any kind, and to a workflow of Microsoft Teams."""
