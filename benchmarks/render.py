"""How fast policies' cameras see, and how right, against MuJoCo's own rays.

    python benchmarks/render.py [--worlds 512] [--engines numba jax]

Every scene is drawn of worlds with fingers bent at random and objects in all poses.
MuJoCo casts one `mj_multiRay` per image on one thread, as often as there are cores.
Writes benchmarks/results/render.json, a row per scene, camera, size and renderer, with
images/s and the share of depths that are wrong by more than a step of 255 and half.
"""

import dataclasses
import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import tyro

from dexjax.errors import main_guard
from dexjax.hands import load_hand
from dexjax.limits import Limits, check
from dexjax.objects import load_objects
from dexjax.physics.engine import PhysicsState
from dexjax.render.images import Imager, View
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json
from dexjax.scene import Scene, make_scene
from dexjax.scene.carriers import Arm, Floating
from dexjax.scene.fixtures import Fixture
from dexjax.tasks.grasp.cameras import views

OUT = Path(__file__).resolve().parent / "results" / "render.json"
ROUNDS = 5
_CAST = 32  # images by MuJoCo


@dataclasses.dataclass(frozen=True)
class Options:
    """Measures.

    Attributes:
        worlds: images at once.
        engines: "numba" or "jax".
        sizes: pixels along each side.
        out: file for the rows.
    """

    worlds: int = 512
    engines: tuple[str, ...] = ("numba", "jax")
    sizes: tuple[int, ...] = (64, 32)
    out: Path = OUT

    LIMITS: ClassVar[Limits] = {
        "worlds": (1, 1_000_000),
        "engines": ("numba", "jax"),
        "sizes": (8, 1024),
    }


def scenes() -> Iterator[tuple[str, Scene, View]]:
    """Names, scenes, and a camera of each."""
    mug = load_objects(["mug"])
    for hand in ("shadow", "allegro"):
        table = make_scene(load_hand(hand), mug, carrier=Floating())
        front, palm = views(("front", "palm"), table.hand)
        yield f"{hand}, table, from the front", table, front
        yield f"{hand}, table, from the palm", table, palm
    drawer = Fixture(position=(0.1, 0.25, 0.0))
    arm = make_scene(load_hand("allegro"), mug, carrier=Arm(), fixtures=[drawer])
    yield "allegro, arm and drawer, from the front", arm, front


def posed(scene: Scene, worlds: int) -> PhysicsState:
    """Worlds at random."""
    rng = np.random.default_rng(0)
    qpos = np.tile(scene.model.qpos0, (worlds, 1))
    low, high = scene.hand.joint_range.T
    bent = rng.uniform(low, 0.5 * (low + high), (worlds, len(low)))
    qpos[:, scene.finger_qpos] = bent
    if "root" in scene.joints:
        qpos[:, scene.root_qpos] = [0.0, 0.0, 0.22, *scene.hand.start_quat]
    else:
        qpos[:, scene.qpos_of("arm")] = Arm().home
    place = rng.uniform([-0.1, -0.1, 0.04], [0.1, 0.1, 0.15], (worlds, 3))
    turn = rng.normal(size=(worlds, 4))
    turn /= np.linalg.norm(turn, axis=1, keepdims=True)
    qpos[:, scene.object_qpos] = np.concatenate([place, turn], axis=1)
    own = scene.model
    return PhysicsState(
        jnp.asarray(qpos, jnp.float32),
        *(jnp.zeros((worlds, size)) for size in (own.nv, own.na, own.nv)),
        jnp.zeros(worlds),
        jnp.zeros((worlds, own.nsensordata)),
        jnp.zeros(worlds, jnp.int32),
    )


def drawn(imager: Imager, state: PhysicsState) -> tuple[float, np.ndarray]:
    """Images/s, the median of some rounds, and the images of the first channel."""
    draw = jax.jit(jax.vmap(imager))
    found = jax.block_until_ready(draw(state))
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = jax.block_until_ready(draw(state))
        taken.append(time.perf_counter() - began)
    images = next(x for x in found if x is not None)
    return len(images) / statistics.median(taken), np.asarray(images)


def cast(scene: Scene, imager: Imager, state: PhysicsState) -> tuple[float, np.ndarray]:
    """Images/s of `mj_multiRay` on all cores, and depths (n, H, W) by it, m."""
    width, height = imager.size
    (view,) = imager.views
    top = np.tan(np.radians(view.camera.fovy) / 2)
    x = ((np.arange(width) + 0.5) / width * 2 - 1) * top * width / height
    y = (1 - (np.arange(height) + 0.5) / height * 2) * top
    frames = jax.device_get(jax.jit(jax.vmap(imager.frames))(state))

    def one(number: int) -> np.ndarray:
        data = mujoco.MjData(scene.model)
        data.qpos[:] = np.asarray(state.qpos[number])
        mujoco.mj_kinematics(scene.model, data)
        axes = frames.axes[number, 0].astype(float)
        rays = axes[2] + x[:, None] * axes[0] + y[:, None, None] * axes[1]
        length = np.linalg.norm(rays, axis=-1).ravel()
        unit = rays.reshape(-1, 3) / length[:, None]
        geoms, distance = np.empty(len(unit), np.int32), np.empty(len(unit))
        mujoco.mj_multiRay(
            scene.model,
            data,
            frames.position[number, 0].astype(float),
            unit.ravel(),
            None,
            True,
            -1,
            geoms,
            distance,
            None,
            len(unit),
            20.0,
        )
        depth = np.where(distance < 0, np.inf, distance / length)
        return depth.reshape(height, width)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(one, range(2)))
        began = time.perf_counter()
        found = list(threads.map(one, range(_CAST)))
        return _CAST / (time.perf_counter() - began), np.stack(found)


def wrong(depth: np.ndarray, images: np.ndarray, view: View) -> float:
    """Share of pixels (n, H, W) of images (n, 1, H, W) that are not as cast."""
    share = np.clip((depth - view.near) / (view.far - view.near), 0, 1)
    return float((np.abs(255 * share - images[: len(depth), 0]) > 1.5).mean())


def rows(options: Options) -> Iterator[dict]:
    """All of them."""
    for name, scene, view in scenes():
        state = posed(scene, options.worlds)
        for size in options.sizes:
            told = {"scene": name, "size": size, "worlds": options.worlds}
            first = Imager(scene, (view,), (size, size))
            rate, depth = cast(scene, first, state)
            yield told | {
                "renderer": "mj_multiRay",
                "channel": "depth",
                "images_per_s": round(rate, 1),
            }
            for engine in options.engines:
                for channel in ("depth", "rgb"):
                    imager = Imager(
                        scene, (view,), (size, size), (channel,), engine == "numba"
                    )
                    rate, images = drawn(imager, state)
                    row = told | {
                        "renderer": engine,
                        "channel": channel,
                        "images_per_s": round(rate, 1),
                    }
                    if channel == "depth":
                        row["wrong"] = wrong(depth, images, view)
                    yield row


@main_guard
def main() -> None:
    """Measures and writes."""
    options = tyro.cli(Options, description=__doc__)
    check(options)
    found = []
    for row in rows(options):
        print(row, flush=True)
        device = jax.devices()[0].device_kind
        found.append(row | {"cores": os.cpu_count(), "device": device} | provenance())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, found)


if __name__ == "__main__":
    main()
