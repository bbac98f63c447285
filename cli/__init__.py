"""The operator's command line: `python -m cli <command>`. One module per command; no decision about access."""
