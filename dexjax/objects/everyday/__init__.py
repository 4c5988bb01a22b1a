"""The everyday set: which procedural objects, how large, made of what; built once."""
