"""In-hand manipulation: from any grasp to any near one (DexterityGen, section III)."""

from dexjax.tasks.inhand.config import InhandConfig
from dexjax.tasks.inhand.goals import Episode
from dexjax.tasks.inhand.task import InhandTask

__all__ = ["Episode", "InhandConfig", "InhandTask"]
