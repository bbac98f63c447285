"""The declarations of verbs and nouns, a module each: arguments and help. What a verb does, its body imports."""
