"""Flax modules and what they read: nothing of tasks or learners."""

# Before brax, which imports MJX with all that it prints.
from dexjax.physics import quiet as quiet
