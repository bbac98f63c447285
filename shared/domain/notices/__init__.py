"""What is told to people outside: which facts are worth a notice, and what was told already. Pure."""
