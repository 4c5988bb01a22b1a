"""Tables of policies that see through cameras."""

from collections.abc import Callable

from result_tables.columns import fixed, word

DEPTH: dict[str, Callable[[dict], str]] = {
    "policy": word("policy"),
    "object": word("object"),
    "sees images": word("images"),
    "pixels": lambda row: row["resolution"].replace("x", " x "),
    "held %": lambda row: "{:.1f} ({:.1f}–{:.1f})".format(
        *(100 * x for x in (row["success_held"], *row["ci95"]))
    ),
    "reached %": fixed("success_reached", 1, 100),
    "episodes": fixed("episodes", 0),
    "steps": fixed("env_steps", 0),
    "minutes": fixed("wall_s", 0, 1 / 60),
    "seed": fixed("training_seed", 0),
    "device": word("device"),
}
RENDER: dict[str, Callable[[dict], str]] = {
    "scene": word("scene"),
    "pixels": lambda row: f"{row['size']} x {row['size']}",
    "by": word("renderer"),
    "channel": word("channel"),
    "images/s": fixed("images_per_s", 0),
    "other than MuJoCo's %": fixed("wrong", 3, 100),
    "device": word("device"),
}
