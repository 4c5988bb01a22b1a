"""Video and contact sheet of recorded episodes."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from dexjax.physics.engine import Engine, PhysicsState
from dexjax.render.picture import render_trajectory
from dexjax.render.video import contact_sheet, pick_frames, write_video
from dexjax.scene import Scene

FRAMES_PER_S = 25  # at most
SHEET_EPISODES = 2
SHEET_FRAMES = 6  # of each episode


def film(folder: Path, name: str, engine: Engine, recorded: PhysicsState) -> None:
    """Writes `name`.mp4 and `name`.png; a failure costs one line, not the run.

    Args:
        folder: where to.
        name: of both files.
        engine: what stepped the worlds.
        recorded: (steps, episodes, …), shown one after the other, as fast as they were.
    """
    count = recorded.qpos.shape[1]
    every, fps = frame_rate(engine)
    # Casting rays is nearly all of the time, and holds no interpreter lock.
    with ThreadPoolExecutor() as threads:
        episodes = list(
            threads.map(partial(frames, engine.scene, recorded, every), range(count))
        )
    joined = [frame for episode in episodes for frame in episode]
    trouble = write_video(folder / f"{name}.mp4", joined, fps)
    if trouble:
        print(trouble, file=sys.stderr)
    shown = episodes[:SHEET_EPISODES]
    sheet = [frame for e in shown for frame in pick_frames(e, SHEET_FRAMES)]
    picture = folder / f"{name}.png"
    try:
        contact_sheet(sheet, picture, columns=SHEET_FRAMES)
    except OSError as error:
        print(f"no picture {picture}: {error.strerror or error}", file=sys.stderr)


def frame_rate(engine: Engine) -> tuple[int, float]:
    """Control steps from a frame to the next, and frames in a second of real time."""
    step_s = engine.substeps * engine.scene.model.opt.timestep
    every = max(round(1.0 / (FRAMES_PER_S * step_s)), 1)
    return every, 1.0 / (every * step_s)


def frames(
    scene: Scene, recorded: PhysicsState, every: int, episode: int
) -> list[np.ndarray]:
    """Pictures (240, 320, 3) uint8 of every so many steps of a recorded episode."""
    models = [scene.models[i] for i in np.asarray(recorded.object_id[::every, episode])]
    return render_trajectory(models, np.asarray(recorded.qpos[::every, episode]))
