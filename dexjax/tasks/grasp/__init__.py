"""Tabletop grasping (ResDex, section 3)."""

from dexjax.tasks.grasp.config import GraspConfig
from dexjax.tasks.grasp.starts import Episode
from dexjax.tasks.grasp.task import GraspTask

__all__ = ["Episode", "GraspConfig", "GraspTask"]
