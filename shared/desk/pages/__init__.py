"""The pages: each reads what it shows and puts it into a document. Nothing is decided here, and no words are."""
