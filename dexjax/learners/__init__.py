"""Learners: each `make_*` returns jitted pure functions."""
