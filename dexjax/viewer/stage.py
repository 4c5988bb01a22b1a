"""The 3-D part of the page: bodies and what is marked, and where they are."""

from typing import Any, NamedTuple

import mujoco
import numpy as np
import viser
from scipy.spatial.transform import Rotation

from dexjax.tasks.task import Shown
from dexjax.viewer.bodies import body_meshes

# What is in the world stands below this node, and turns with it.
WORLD = "/world"
_EYE, _MIDDLE = (0.42, -0.54, 0.4), (0.0, 0.0, 0.13)  # m
_TABLE, _LINE = (205, 200, 192), (178, 172, 163)
_GOAL, _POINTS, _FORCE = (70, 170, 90), (30, 90, 200), (200, 40, 60)
# m of an arrow for a newton; weaker forces than the least are not drawn.
_PER_NEWTON, _LEAST_N = 0.008, 0.3


Vector = tuple[float, float, float]


class Poses(NamedTuple):
    """Where all bodies of a model are, world frame.

    Attributes:
        position: (bodies, 3) m.
        quaternion: (bodies, 4) wxyz.
    """

    position: np.ndarray
    quaternion: np.ndarray

    @staticmethod
    def of(model: mujoco.MjModel, data: mujoco.MjData, qpos: np.ndarray) -> "Poses":
        """By kinematics alone; `data` is overwritten."""
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        return Poses(data.xpos.copy(), data.xquat.copy())

    def towards(self, other: "Poses", share: float) -> "Poses":
        """Between two poses that are near each other."""
        same = np.sum(self.quaternion * other.quaternion, axis=1, keepdims=True) >= 0
        near = np.where(same, other.quaternion, -other.quaternion)
        turned = self.quaternion + share * (near - self.quaternion)
        turned /= np.linalg.norm(turned, axis=1, keepdims=True)
        moved = self.position + share * (other.position - self.position)
        return Poses(moved, turned)


class Stage:
    """Bodies, table and marks in the browser.

    Attributes:
        bodies: name -> what is drawn of it.
        turned: how the world is turned against the picture, whose up is +z.
    """

    def __init__(self, server: viser.ViserServer):
        """An empty table."""
        self._server, self._scene = server, server.scene
        self.look(_EYE, _MIDDLE)
        server.initial_camera.fov = 0.7
        self._world = self._scene.add_frame(WORLD, show_axes=False)
        self.turned = Rotation.identity()
        self._scene.add_box(
            "/table",
            color=_TABLE,
            dimensions=(1.0, 1.0, 0.02),
            position=(0.0, 0.0, -0.0105),
        )
        self._scene.add_grid(
            "/lines",
            width=1.0,
            height=1.0,
            cell_size=0.05,
            cell_color=_LINE,
            section_color=_LINE,
        )
        self.bodies: dict[str, viser.GlbHandle] = {}
        self._ids: dict[str, int] = {}
        self._marks: dict[str, viser.SceneNodeHandle] = {}

    def look(self, eye: Vector, middle: Vector) -> None:
        """Where new tabs look from, and at what; m, picture's frame."""
        self._server.initial_camera.position = eye
        self._server.initial_camera.look_at = middle

    def turn(self, turned: Rotation, about: np.ndarray) -> None:
        """Turns the world about one of its points, (3,) m; the table stays."""
        self.turned = turned
        self._world.wxyz = turned.as_quat(scalar_first=True)
        self._world.position = about - turned.apply(about)

    def into_world(self, point: Vector) -> np.ndarray:
        """A point of the picture (3,) m in the world's frame."""
        there = np.asarray(point) - np.asarray(self._world.position)
        return self.turned.inv().apply(there)

    def into_picture(self, point: np.ndarray) -> np.ndarray:
        """A point of the world (3,) m in the picture's frame."""
        return self.turned.apply(np.asarray(point)) + self._world.position

    def fill(self, model: mujoco.MjModel) -> None:
        """Shows the bodies of a model in the place of those before."""
        with self._server.atomic():
            for handle in self.bodies.values():
                handle.remove()
            meshes = body_meshes(model)
            self.bodies = {
                name: self._scene.add_mesh_trimesh(f"{WORLD}/bodies/{name}", mesh)
                for name, mesh in meshes.items()
            }
        self._ids = {name: model.body(name).id for name in self.bodies}

    def place(self, poses: Poses) -> None:
        """Moves the bodies."""
        with self._server.atomic():
            for name, handle in self.bodies.items():
                handle.position = poses.position[self._ids[name]]
                handle.wxyz = poses.quaternion[self._ids[name]]

    def mark(
        self,
        shown: Shown,
        tips: np.ndarray,
        forces: np.ndarray,
        points: bool,
        goal: bool = True,
    ) -> None:
        """Marks the goal, forces on the fingertips and what cameras see.

        Args:
            shown: of the world.
            tips: (F, 3) m, where the fingertips are.
            forces: (F, 3) N on them.
            points: whether the points are shown.
            goal: whether the goal is.
        """
        strong = np.linalg.norm(forces, axis=1) >= _LEAST_N
        ends = np.stack([tips, tips + _PER_NEWTON * forces], axis=1)[strong]
        seen = shown.points if points else None
        with self._server.atomic():
            if goal:
                self._mark_goal(shown)
            self._mark_forces(ends.astype(np.float32))
            self._mark_points(seen)

    def _mark_goal(self, shown: Shown) -> None:
        if "goal" not in self._marks:
            self._marks["goal"] = self._scene.add_icosphere(
                f"{WORLD}/goal", radius=shown.near, color=_GOAL, opacity=0.25
            )
        self._marks["goal"].position = np.asarray(shown.goal, float)

    def _mark_forces(self, ends: np.ndarray) -> None:
        """Arrows from (n, 0, 3) to (n, 1, 3)."""
        if "forces" not in self._marks and len(ends):
            self._marks["forces"] = self._scene.add_arrows(
                f"{WORLD}/forces",
                ends,
                _FORCE,
                shaft_radius=0.002,
                head_radius=0.005,
                head_length=0.012,
            )
        self._update("forces", ends if len(ends) else None)

    def _mark_points(self, points: Any) -> None:
        if "points" not in self._marks and points is not None:
            self._marks["points"] = self._scene.add_point_cloud(
                f"{WORLD}/points", points, _POINTS, point_size=0.003
            )
        self._update("points", points)

    def _update(self, name: str, points: np.ndarray | None) -> None:
        """Moves a mark, or hides it."""
        if name not in self._marks:
            return
        mark: Any = self._marks[name]
        mark.visible = points is not None
        if points is not None:
            mark.points = points
