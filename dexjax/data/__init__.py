"""Transitions on disk: sharded, checked, resumable; windows of them for training."""

from dexjax.data.export import export_minari
from dexjax.data.loader import loader, split
from dexjax.data.shards import open_folder, read_shard, write_shard, written
from dexjax.data.spec import TransitionSpec, read_spec, spec_of
from dexjax.data.steps import SAFE_STEPS, Steps, check_steps, mark_safe
from dexjax.data.windows import Windows

__all__ = [
    "SAFE_STEPS",
    "Steps",
    "TransitionSpec",
    "Windows",
    "check_steps",
    "export_minari",
    "loader",
    "mark_safe",
    "open_folder",
    "read_shard",
    "read_spec",
    "spec_of",
    "split",
    "write_shard",
    "written",
]
