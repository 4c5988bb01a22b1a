"""The procedural categories; each function builds one as it rests, base at z = 0."""
