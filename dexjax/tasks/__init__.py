"""Tasks: pure reset and step of one world over an engine."""
