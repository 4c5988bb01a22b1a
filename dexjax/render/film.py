"""Video and contact sheet of recorded episodes."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from dexjax.physics.engine import PhysicsState
from dexjax.render.picture import render_trajectory
from dexjax.render.video import contact_sheet, pick_frames, write_video
from dexjax.scene import Scene

FRAME_EVERY = 2  # control steps of 20 ms: 25 frames per second
SHEET_EPISODES = 2
SHEET_FRAMES = 6  # of each episode


def film(folder: Path, name: str, scene: Scene, recorded: PhysicsState) -> None:
    """Writes `name`.mp4 and `name`.png; a failure costs one line, not the run.

    Args:
        folder: where to.
        name: of both files.
        scene: what the worlds hold.
        recorded: (steps, episodes, …), shown one after the other.
    """
    count = recorded.qpos.shape[1]
    # Casting rays is nearly all of the time, and holds no interpreter lock.
    with ThreadPoolExecutor() as threads:
        episodes = list(threads.map(partial(frames, scene, recorded), range(count)))
    joined = [frame for episode in episodes for frame in episode]
    trouble = write_video(folder / f"{name}.mp4", joined, fps=50 / FRAME_EVERY)
    if trouble:
        print(trouble, file=sys.stderr)
    shown = episodes[:SHEET_EPISODES]
    sheet = [frame for e in shown for frame in pick_frames(e, SHEET_FRAMES)]
    picture = folder / f"{name}.png"
    try:
        contact_sheet(sheet, picture, columns=SHEET_FRAMES)
    except OSError as error:
        print(f"no picture {picture}: {error.strerror or error}", file=sys.stderr)


def frames(scene: Scene, recorded: PhysicsState, episode: int) -> list[np.ndarray]:
    """Pictures (240, 320, 3) uint8 of one recorded episode."""
    model = scene.models[int(recorded.object_id[0, episode])]
    return render_trajectory(model, np.asarray(recorded.qpos[::FRAME_EVERY, episode]))
