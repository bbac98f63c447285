"""The page: what finance, operators and auditors see in a browser, and the same as JSON. It decides nothing."""
