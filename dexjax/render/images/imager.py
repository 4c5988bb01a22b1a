"""What policies see through cameras: depth, colours and segmentation of a scene.

Written for one world; `vmap` draws many. On a CPU numba casts the rays, a slice of the
worlds on each core; elsewhere JAX does.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.physics.engine import PhysicsState
from dexjax.physics.host_call import Arrays, HostFunction
from dexjax.render.images.pixels import draw as draw_in_jax
from dexjax.render.images.pixels import pixel_rays
from dexjax.render.images.solids import solids
from dexjax.render.images.view import Frames, Images, Mounts, View
from dexjax.scene import Scene
from dexjax.scene.poses import body_poses


class Look(NamedTuple):
    """How a world is coloured, [0, 1].

    Attributes:
        colours: (things, 3) of what is in it, in the order of `Solids.things`.
        background: (3,).
        light: (3,) unit vector towards the light, world frame.
        ambient: () share of the light that comes from everywhere.
    """

    colours: jax.Array
    background: jax.Array
    light: jax.Array
    ambient: jax.Array


class Imager:
    """Draws what the cameras of a scene see.

    Attributes:
        things: names of what segmentation tells apart, see `Solids.things`.
        views: the cameras.
        size: width and height in pixels.
    """

    def __init__(
        self,
        scene: Scene,
        views: tuple[View, ...],
        size: tuple[int, int] = (64, 64),
        channels: tuple[str, ...] = ("depth",),
        on_host: bool = True,
    ):
        """Makes the solids of the scene.

        Args:
            scene: what is looked at.
            views: by which cameras.
            size: width and height in pixels.
            channels: which of `Images` are drawn.
            on_host: numba draws, on the CPU; otherwise JAX, where it computes.

        Raises:
            DexjaxError: for no camera or channel, one that does not exist, or a size
                below a pixel.
        """
        _check(size, channels)
        self.views, self.size, self._channels = views, size, channels
        self._mounts = Mounts(scene.model, views)
        self._poses = body_poses(scene.model)
        seen = solids(scene)
        self.things = seen.things
        self._solids = (seen.polyhedra, seen.tubes, seen.rectangles)
        self._thing = np.concatenate([part.thing for part in self._solids])
        self._on_host = on_host
        self._rays = [pixel_rays(float(lens), size) for lens in self._mounts.lens]
        self._range = np.array([[v.near, v.far] for v in views], np.float32)
        self._threads = ThreadPoolExecutor(
            os.cpu_count() or 1, thread_name_prefix="rays"
        )
        self._host = HostFunction(self._draw)

    def frames(self, physics: PhysicsState) -> Frames:
        """The cameras' frames in a world."""
        return self._mounts.frames(self._poses(physics.qpos))

    def __call__(
        self,
        physics: PhysicsState,
        frames: Frames | None = None,
        look: Look | None = None,
    ) -> Images:
        """Draws one world.

        Args:
            physics: the world.
            frames: of the cameras; where their bodies carry them by default.
            look: its colours; those of `plain_look` by default.
        """
        bodies = self._poses(physics.qpos)
        frames = frames or self._mounts.frames(bodies)
        look = look or self.plain_look
        model = jnp.asarray(physics.object_id, jnp.int32)
        if not self._on_host:
            world = (model, bodies, frames, look)
            seen = draw_in_jax(self._solids, self._rays, self._range, self.size, world)
            return Images(**{name: getattr(seen, name) for name in self._channels})
        drawn = self._host(self._shapes(), model, *bodies, *frames, *look)
        return Images(**dict(zip(self._channels, drawn, strict=True)))

    @property
    def plain_look(self) -> Look:
        """Every thing in a colour of its own, white light from above."""
        hue = np.arange(len(self.things)) / max(len(self.things), 1)
        angle = 2 * np.pi * (hue[:, None] + np.array([0.0, 1 / 3, 2 / 3]))
        return Look(
            jnp.asarray(0.55 + 0.35 * np.cos(angle), jnp.float32),
            jnp.full(3, 0.75),
            jnp.array([0.36, -0.48, 0.8]),
            jnp.asarray(0.35),
        )

    def _shapes(self) -> list[jax.ShapeDtypeStruct]:
        width, height = self.size
        shape = (len(self.views), height, width)
        return [
            jax.ShapeDtypeStruct(shape + (3,) * (name == "rgb"), jnp.uint8)
            for name in self._channels
        ]

    def _draw(self, inputs: Arrays, outputs: Arrays) -> None:
        """Draws all worlds of a batch, a slice on each thread."""
        # Numba takes a second to import.
        from dexjax.render.images.casting import draw

        rank = inputs[0].ndim
        flat = [x.reshape(-1, *x.shape[rank:]) for x in inputs]
        images = {
            name: output.reshape(-1, *output.shape[rank:])
            for name, output in zip(self._channels, outputs, strict=True)
        }
        none = {"depth": (0,) * 4, "rgb": (0,) * 5, "segmentation": (0,) * 4}
        empty = {name: np.empty(shape, np.uint8) for name, shape in none.items()}

        def part(start: int, stop: int) -> None:
            own = [x[start:stop] for x in flat]
            wanted = (empty | {n: x[start:stop] for n, x in images.items()}).values()
            draw(
                self._solids,
                self._thing,
                self._mounts.lens,
                self._range,
                tuple(own[:5]),
                tuple(own[5:]),
                tuple(wanted),
            )

        worlds = len(flat[0])
        each = -(-worlds // (os.cpu_count() or 1))
        starts = range(0, worlds, each)
        for done in [self._threads.submit(part, s, s + each) for s in starts]:
            done.result()


def _check(size: tuple[int, int], channels: tuple[str, ...]) -> None:
    if min(size) < 1:
        raise DexjaxError(f"image size {size}: give at least 1 x 1 pixel")
    for name in channels:
        if name not in Images._fields:
            raise DexjaxError(
                f"unknown channel {name!r}: choose from {', '.join(Images._fields)}"
            )
    if not channels:
        raise DexjaxError(f"no channel: choose from {', '.join(Images._fields)}")
