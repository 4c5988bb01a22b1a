"""Hands as data: an MJCF file and a small description of it."""

from dexjax.hands.description import load_hand
from dexjax.hands.files import mjcf_path, world_spec
from dexjax.hands.hand import Hand, LinkTree
from dexjax.hands.kinematics import LinkPoses, forward_kinematics
from dexjax.hands.trial import check_hand, report_hand

__all__ = [
    "Hand",
    "LinkPoses",
    "LinkTree",
    "check_hand",
    "forward_kinematics",
    "load_hand",
    "mjcf_path",
    "report_hand",
    "world_spec",
]
