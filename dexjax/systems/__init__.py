"""Whole systems: presets, pipeline and tables of one paper each."""
