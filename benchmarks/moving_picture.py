"""The README's picture that moves: the shipped hyper-policy at work on a few objects.

    python benchmarks/moving_picture.py

Writes docs/grasps.gif.
"""

import dataclasses
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

import dexjax
from dexjax.errors import main_guard
from dexjax.evaluation.episodes import evaluate
from dexjax.render.picture import render_trajectory

OUT = Path(__file__).resolve().parents[1] / "docs" / "grasps.gif"
EVERY = 4  # control steps between two frames
FRAME_MS = 80  # real time
SIZE = (400, 300)
MIDDLE = slice(20, 270), slice(90, 320)  # of it that is shown: rows, columns
COLOURS = 96


@dataclasses.dataclass(frozen=True)
class Options:
    """Films side by side.

    Attributes:
        policy: that acts.
        objects: one picture of each, three at most.
        seed: of the episodes.
        out: GIF file.
    """

    policy: str = "resdex/hyper"
    objects: tuple[str, ...] = ("mug", "hammer", "apple")
    seed: int = 0
    out: Path = OUT


@main_guard
def main() -> None:
    """Reads the command line and films."""
    options = tyro.cli(Options)
    policy = dexjax.load(options.policy)
    task = dexjax.make("grasp", objects=",".join(options.objects), sees=policy)
    task = task.fresh(1, options.seed)
    found = evaluate(task, policy, task.episodes(1), options.seed)
    strips = []
    for i in range(found.recorded.qpos.shape[1]):
        model = task.engine.scene.models[int(found.recorded.object_id[0, i])]
        qpos = np.asarray(found.recorded.qpos[::EVERY, i])
        drawn = render_trajectory([model] * len(qpos), qpos, size=SIZE, supersample=2)
        strips.append([frame[MIDDLE] for frame in drawn])
    frames = [np.concatenate(side, axis=1) for side in zip(*strips, strict=True)]
    # One palette for all: colours do not flicker.
    every = Image.fromarray(np.concatenate(frames[::10]))
    palette = every.quantize(COLOURS, Image.Quantize.MAXCOVERAGE)
    images = [Image.fromarray(f).quantize(palette=palette, dither=0) for f in frames]
    images[0].save(
        options.out,
        save_all=True,
        append_images=images[1:],
        duration=FRAME_MS,
        loop=0,
        optimize=True,
    )
    held = ", ".join(
        f"{name} {'held' if ok else 'NOT held'}"
        for name, ok in zip(options.objects, found.succeeded, strict=True)
    )
    print(f"wrote {options.out} ({options.out.stat().st_size / 1e6:.2f} MB): {held}")


if __name__ == "__main__":
    main()
