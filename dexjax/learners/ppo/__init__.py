"""Proximal policy optimisation."""

from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.learner import make_ppo
from dexjax.learners.ppo.loss import Networks

__all__ = ["Networks", "PpoConfig", "make_ppo"]
