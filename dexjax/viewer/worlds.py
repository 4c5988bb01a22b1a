"""Which world a page begins with, and what it may go on to."""

import dataclasses
from collections.abc import Callable

from dexjax.errors import DexjaxError
from dexjax.objects.loading import how_many, names_builtin
from dexjax.policies.policy import Policy
from dexjax.runs.measure import Where, measuring_task
from dexjax.runs.run import InhandRun
from dexjax.runs.storage import checkpoint
from dexjax.runs.stored import StoredPolicy, load_stored
from dexjax.tasks.inhand import InhandTask
from dexjax.viewer.live_world import STARTS, LiveWorld
from dexjax.viewer.palm.world import PalmWorld

# More objects than this are not listed on a page.
MOST_OBJECTS = 64
# What is shown of policies that were trained on more.
USUAL = "mug,bottle,can,bowl,box,apple,banana,hammer"

# Steps of an episode in the hand and of a goal in it: hours, and 17 minutes.
LONGEST, GOAL_STEPS = 100_000, 10_000


def usual_where(stored: StoredPolicy, where: Where) -> Where:
    """What a page begins with; at one world the CPU's engine is the quickest.

    Args:
        stored: the policy.
        where: objects that were asked for, if any.
    """
    names = where.object
    if not names and stored.run.scene.object.startswith("everyday/"):
        names = USUAL
    return dataclasses.replace(where, object=names, engine="native")


def live_world(stored: StoredPolicy, where: Where, seed: int) -> LiveWorld:
    """A world of some objects, with the policy in it.

    Raises:
        DexjaxError: for objects that are not there, or too many for a page.
    """
    count = how_many(where.object or stored.run.scene.object)
    if count > MOST_OBJECTS:
        raise DexjaxError(
            f"{count} objects: a page lists at most {MOST_OBJECTS}; name "
            "fewer, as in everyday/train:16"
        )
    where = dataclasses.replace(where, episodes=STARTS)
    task, _ = measuring_task(_endless(stored), where)
    if isinstance(task, InhandTask):
        return PalmWorld(task, stored.policy, seed)
    return LiveWorld(task, stored.policy, seed)


def _endless(stored: StoredPolicy) -> StoredPolicy:
    """A policy in the hand whose task leaves turn, end and goals to a person."""
    run = stored.run
    if not isinstance(run, InhandRun):
        return stored
    task = dataclasses.replace(
        run.task,
        turn_every=0,
        episode_steps=LONGEST,
        goal_steps=GOAL_STEPS,
        physics=1,
        rotation_share=0.0,
        free_share=0.0,
    )
    return stored.replace(run=dataclasses.replace(run, task=task))


def loader(stored: StoredPolicy, where: Where) -> Callable[[str], LiveWorld]:
    """What makes a world of other objects that a person at the page names.

    Files are left to the command line: whoever opens the page need not be who may
    read them.
    """

    def load(names: str) -> LiveWorld:
        if not names.strip():
            raise DexjaxError("name objects that are built in, such as mug,can:2")
        if not names_builtin(names):
            raise DexjaxError(
                f"{names!r} is not built in: see dexjax objects list; a mesh file can "
                "be given where the page is started"
            )
        other = dataclasses.replace(where, object=names, size=None)
        return live_world(stored, other, 0)

    return load


def newer(stored: StoredPolicy) -> Callable[[], Policy | None] | None:
    """What looks for a newer checkpoint of a training; None for a finished one."""
    if (stored.folder / "summary.json").exists():
        return None
    step = stored.step

    def look() -> Policy | None:
        nonlocal step
        latest = checkpoint.latest_step(stored.folder / "checkpoints")
        if latest is None or latest <= step:
            return None
        try:
            found = load_stored(stored.folder)
        except DexjaxError:  # Written or taken away at this moment: the next look.
            return None
        step = found.step
        return found.policy

    return look
