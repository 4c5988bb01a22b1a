"""Tables of policies that see through cameras."""

from collections.abc import Callable

from result_tables.columns import fixed, word

RENDER: dict[str, Callable[[dict], str]] = {
    "scene": word("scene"),
    "pixels": lambda row: f"{row['size']} x {row['size']}",
    "by": word("renderer"),
    "channel": word("channel"),
    "images/s": fixed("images_per_s", 0),
    "other than MuJoCo's %": fixed("wrong", 3, 100),
    "device": word("device"),
}
