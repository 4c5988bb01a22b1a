"""`dexjax hands check`: a hand's description held against its MJCF file."""

import dataclasses
from collections.abc import Sequence

from tyro.conf import Positional

from dexjax.cli.arguments import parse
from dexjax.hands import load_hand, report_hand


@dataclasses.dataclass(frozen=True)
class Options:
    """Checks a hand's description against its MJCF file, then simulates the hand.

    Attributes:
        hand: a built-in hand, or the .yaml file of your own.
    """

    hand: Positional[str] = "shadow"


def run(arguments: Sequence[str]) -> dict:
    """Checks, and prints the hand in a few lines."""
    options = parse(Options, arguments, Options(), "hands check")
    print("\n".join(report_hand(options.hand)))
    hand = load_hand(options.hand)
    return {
        "hand": hand.name,
        "mjcf": str(hand.xml),
        "joints": list(hand.joints),
        "actions": hand.action_size,
        "fingertips": list(hand.fingertips),
    }
