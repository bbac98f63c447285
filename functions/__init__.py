"""One module per trigger: parse, call a service, return. No decisions."""
