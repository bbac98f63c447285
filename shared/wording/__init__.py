"""The words of reasons: a table for each language, and the one function that says a reason. It decides nothing."""
