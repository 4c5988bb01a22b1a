"""`python -m dexjax.hands HAND`: checks a hand and says what a policy sees of it."""

import dataclasses
import sys
from typing import Annotated

import tyro

from dexjax.errors import main_guard
from dexjax.hands import check_hand, load_hand


@dataclasses.dataclass(frozen=True)
class Options:
    """Checks a hand's description against its MJCF file, then simulates the hand."""

    hand: Annotated[str, tyro.conf.Positional] = "shadow"
    """a built-in hand, or the .yaml file of your own"""


@main_guard
def main() -> None:
    """Checks, and prints the hand in a few lines."""
    options = tyro.cli(Options, args=sys.argv[1:])
    hand = load_hand(options.hand)
    check_hand(hand)
    print(f"{hand.name}: {hand.xml}")
    print(f"{len(hand.joints)} joints: {', '.join(hand.joints)}")
    print(
        f"{6 + len(hand.actuated)} actions: 6 of the wrist, {len(hand.actuated)} joints"
    )
    print(f"{len(hand.fingertips)} fingertips: {', '.join(hand.fingertips)}")
    print("fits its MJCF file, does not collide with itself, rests")


if __name__ == "__main__":
    main()
