"""The operators' command line: `invoice-access`. One module per verb or noun; no decision about access."""
