"""A live world in the browser: it goes on in real time and does what it is asked."""

import collections
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import mujoco
import numpy as np
import viser

from dexjax.errors import explained
from dexjax.policies.policy import Policy
from dexjax.render.picture import render
from dexjax.scene.objects import OBJECT
from dexjax.viewer.controls import LARGEST_SEED, Controls, camera_names
from dexjax.viewer.live_world import LiveWorld
from dexjax.viewer.server import close
from dexjax.viewer.stage import Poses, Stage

FRAME_S = 1 / 60
TOLD_S = 0.2  # between two tellings of numbers and forces
SEEN_S = 0.5  # between two pictures of the cameras
LOOKED_S = 5.0  # between two looks for a newer checkpoint
PICTURE = (120, 90)
# Steps that a slow machine catches up with; beyond, time goes slower than asked.
_MOST_STEPS = 4
# s of the world that an episode's end is looked at where it broke off.
_REST_S = 1.0


class Page:
    """A world, its server and what both have to do with each other.

    Pages of worlds that offer more derive from it.

    Attributes:
        address: to be opened in a browser.
        frames: how many have been sent.
        step_s: seconds of the last steps of policy and physics.
    """

    # Whether a ball marks the goal.
    _marks_goal = True

    def __init__(
        self,
        server: viser.ViserServer,
        world: LiveWorld,
        load: Callable[[str], LiveWorld] | None = None,
        newer: Callable[[], Policy | None] | None = None,
    ):
        """Shows the world; nothing moves before `run`.

        Args:
            server: from `serve`.
            world: that is shown first.
            load: gives a world of other objects, named as for a training.
            newer: gives a policy that has come since it was asked last, if any has.
        """
        self.address = f"http://{server.get_host()}:{server.get_port()}"
        self.frames = 0
        self.step_s: collections.deque[float] = collections.deque(maxlen=30_000)
        self._server, self._world = server, world
        self._load, self._newer = load, newer
        self._asked: queue.SimpleQueue[Callable[[Page], None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._loading: Future | None = None
        self._picture: Future | None = None
        self._look: Future | None = None
        self._behind = 0.0  # s of the world that are still to be stepped
        self._stage = Stage(server)
        self._controls = Controls(server, world, self._asked.put, newer is not None)
        self._furnish()
        self._fill()

    def run(self) -> None:
        """Goes on until `stop` is called or it is interrupted; then the server ends."""
        try:
            self._run()
        finally:
            self._aside.shutdown(wait=False, cancel_futures=True)
            close(self._server)

    def stop(self) -> None:
        """Ends `run`; may be called from any thread."""
        self._stop.set()

    def _run(self) -> None:
        last = told = seen = looked = time.perf_counter()
        while not self._stop.is_set():
            now = time.perf_counter()
            self._obey()
            self._go_on(now - last)
            last = now
            self._place(self._before.towards(self._after, self._share))
            self.frames += 1
            if now - told >= TOLD_S:
                told = now
                self._tell()
            if now - seen >= SEEN_S and self._controls.cameras:
                seen = now
                self._see()
            if now - looked >= LOOKED_S:
                looked = now
                self._look_for_newer()
            rest = FRAME_S - (time.perf_counter() - now)
            if rest > 0:
                self._stop.wait(rest)

    def step_once(self) -> None:
        """See `Wishes`, like those below; to be called on the thread of `run`."""
        self._controls.play(False)
        self._step()
        self._behind = self._world.step_s  # All the way.
        self._tell()

    def reset(self) -> None:
        """See `Wishes`."""
        self.seed(self._world.seed)

    def seed(self, seed: int) -> None:
        """See `Wishes`."""
        self._world.reset(min(max(seed, 0), LARGEST_SEED))
        self._stand()

    def choose(self, name: str) -> None:
        """See `Wishes`."""
        if name in self._world.names:
            self._world.choose(self._world.names.index(name), 0)
            self._fill()

    def let_act(self, acts: bool) -> None:
        """See `Wishes`."""
        self._world.acts = acts

    def tell(self, command: dict[str, float]) -> None:
        """See `Wishes`."""
        self._world.tell(command)

    def push(self, speed: np.ndarray) -> None:
        """See `Wishes`."""
        # As it is seen, the world may be turned.
        self._world.push(self._stage.turned.inv().apply(speed))

    def load(self, names: str) -> None:
        """See `Wishes`."""
        if self._load is None or self._loading is not None:
            return
        self._controls.say(f"making {names} …")
        self._loading = self._aside.submit(self._load, names)

    @property
    def world(self) -> LiveWorld:
        """What is shown now."""
        return self._world

    @property
    def speed(self) -> float:
        """Times real time, as asked for."""
        return self._controls.speed

    @property
    def _share(self) -> float:
        """How far from the last step to the next."""
        return min(self._behind / self._world.step_s, 1.0)

    @property
    def _due_s(self) -> float:
        """Seconds of the world from the last step to the next."""
        rest = _REST_S if bool(self._world.state.terminated) else 0.0
        return self._world.step_s + rest

    def _furnish(self) -> None:
        """Brings what a page has beside the stage and the usual controls."""

    def _place(self, poses: Poses) -> None:
        """Shows where everything is in this frame."""
        self._stage.place(poses)

    def _fill(self) -> None:
        """Shows the bodies of what the world holds now."""
        model = self._world.model
        self._data = mujoco.MjData(model)
        self._stage.fill(model)
        if OBJECT in self._stage.bodies:
            self._stage.bodies[OBJECT].on_click(self._clicked)
        self._stand()

    def _stand(self) -> None:
        """The world as it is, without a way from anywhere."""
        self._behind = 0.0
        self._before = self._after = self._poses()
        self._tell()

    def _poses(self) -> Poses:
        qpos = np.asarray(self._world.state.physics.qpos)
        return Poses.of(self._world.model, self._data, qpos)

    def _go_on(self, passed: float) -> None:
        """Steps the world for the seconds that have passed."""
        if not self._controls.playing:
            return
        self._behind += passed * self._controls.speed
        most = self._due_s + (_MOST_STEPS - 1) * self._world.step_s
        self._behind = min(self._behind, most)
        while self._behind >= self._due_s:
            self._behind -= self._due_s
            self._step()

    def _step(self) -> None:
        began = time.perf_counter()
        ended = bool(self._world.state.done)
        self._world.step()
        after = self._poses()
        self.step_s.append(time.perf_counter() - began)
        # Nothing flies from an episode's end to the next one's start.
        self._before, self._after = (after if ended else self._after), after

    def _tell(self) -> None:
        lag = 1e3 * float(np.median([*self.step_s][-50:] or [0.0]))
        self._controls.tell(self._world, lag)
        tips, forces = self._world.fingertips()
        shown = self._world.shown()
        self._stage.mark(shown, tips, forces, self._controls.points, self._marks_goal)

    def _see(self) -> None:
        """Has the cameras' pictures made aside, unless the last are not ready yet."""
        if self._picture is None or self._picture.done():
            qpos = np.asarray(self._world.state.physics.qpos)
            self._picture = self._aside.submit(self._draw, self._world.model, qpos)

    def _draw(self, model: mujoco.MjModel, qpos: np.ndarray) -> None:
        data = mujoco.MjData(model)
        data.qpos[:] = qpos
        mujoco.mj_forward(model, data)
        for name in camera_names(model):
            self._controls.show(name, render(model, data, name, PICTURE))

    def _look_for_newer(self) -> None:
        """Takes what the last look found, and has another look aside."""
        if self._newer is None or not self._controls.follows:
            return
        if self._look is not None and self._look.done():
            policy = self._look.result()
            if policy is not None:
                self._world.policy = policy
        if self._look is None or self._look.done():
            self._look = self._aside.submit(self._newer)

    def _obey(self) -> None:
        """Does what has been asked for since the last frame."""
        while not self._asked.empty():
            self._asked.get()(self)
        if self._loading is not None and self._loading.done():
            self._loaded()

    def _clicked(self, event: viser.SceneNodePointerEvent) -> None:
        """Pushes the object away from who looks, level."""
        x, y, _ = event.ray_direction
        level = np.array([x, y, 0.0]) / max(np.hypot(x, y), 1e-6)
        speed = self._controls.push_speed * level
        self._asked.put(lambda page: page.push(speed))

    def _loaded(self) -> None:
        loading, self._loading = self._loading, None
        assert loading is not None
        error = loading.exception()
        if error is not None:  # Whatever it is, the page goes on.
            self._controls.say(explained(error) or f"{type(error).__name__}: {error}")
            return
        world = loading.result()
        world.take_over(self._world)
        self._world = world
        self._controls.hold(world.names)
        self._controls.say("")
        self._fill()
