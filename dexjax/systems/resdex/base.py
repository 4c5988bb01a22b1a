"""Base policies: PPO on one object, or plain PPO on many (ResDex, section 3.2)."""

import dataclasses
import re
import time
from pathlib import Path

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.runs.launch import launch, ppo_learner
from dexjax.runs.run import PpoRun
from dexjax.tasks.grasp.observations import DEPTH, VISION


def train_base(run: PpoRun) -> dict:
    """Trains, evaluates and reports; again, it goes on. The summary.

    Raises:
        DexjaxError: for whatever is wrong with the run or its folder.
    """
    started = time.monotonic()
    run = with_folder(run)
    run.check()
    check_observation(run)
    return launch(run, ppo_learner(run), started)


def check_observation(run: PpoRun) -> None:
    """Refuses observations that dense layers do not see.

    Raises:
        DexjaxError: says which training takes them.
    """
    takers = dict.fromkeys(VISION, "student") | {DEPTH: "depth"}
    kind = run.task.observation
    if kind in takers:
        raise DexjaxError(
            f"task.observation is {kind!r}: take `dexjax train {takers[kind]}` for that"
        )


def with_folder(run: PpoRun) -> PpoRun:
    """The run with its folder: that of `base_folder`, unless it has one."""
    out = run.out or base_folder(run.scene.object, run.scene.hand)
    return dataclasses.replace(run, out=out)


def base_folder(name: str, hand: str = "shadow") -> Path:
    """Where a base policy is kept unless a folder is given: runs/base/<object>.

    Another hand than the ShadowHand stands before the object.
    """
    own = "" if hand == "shadow" else f"{load_hand(hand).name}-"
    return Path("runs/base") / slug(own + name)


def slug(name: str) -> str:
    """A name that can be that of a folder."""
    return re.sub(r"[^\w.@-]+", "-", name).strip("-.") or "object"
