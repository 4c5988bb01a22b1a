"""Learners: each `make_*` returns jitted pure functions."""

# Before brax, which imports MJX with all that it prints.
from dexjax.physics import quiet as quiet
