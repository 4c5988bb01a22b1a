"""An object in a hand whose palm stands still, as a person wishes."""

import jax.numpy as jnp
import numpy as np
from scipy.spatial.transform import Rotation

from dexjax.errors import DexjaxError
from dexjax.grasps.sets.palm import GRAVITY, palm_pose
from dexjax.policies.controller import Controller
from dexjax.policies.policy import Policy
from dexjax.policies.prompt import FARTHEST_M
from dexjax.tasks.inhand import InhandTask
from dexjax.viewer.live_world import LiveWorld
from dexjax.viewer.palm.recording import Recording, Row, policy_digest


class PalmWorld(LiveWorld):
    """A world of the in-hand task; see `LiveWorld`.

    Attributes:
        turns: names of the turns of the palm.
        centre: (3,) m, of the palm, world frame.
        reached: finger -> where its tip is dragged to, (3,) m, world frame.
        wanted: what a controller is told otherwise, a number for each of its commands.
    """

    task: InhandTask

    def __init__(self, task: InhandTask, policy: Policy, seed: int = 0):
        """Begins the first episode, see `LiveWorld`.

        Args:
            task: one that neither ends episodes by time nor turns the palm itself.
            policy: what acts.
            seed: of the first episode.
        """
        self.turns = task.bank.turn_names
        self.centre, palm = palm_pose(task.engine.scene)
        self._palm = Rotation.from_quat(palm, scalar_first=True)
        self.reached: dict[int, np.ndarray] = {}
        self._rows: list[Row] = []
        self._recorder: Policy | None = None
        self._recording_of = ("", 0)
        self.records = False
        super().__init__(task, policy, seed)
        self.wanted = {own.name: own.start for own in self.commands}

    @property
    def is_prompted(self) -> bool:
        """See `LiveWorld`."""
        return isinstance(self.policy, Controller)

    @property
    def turn(self) -> str:
        """How the palm is held."""
        return self.turns[int(self.state.physics.object_id) % len(self.turns)]

    @property
    def gravity(self) -> np.ndarray:
        """Where it pulls, (3,) of length 1, world frame."""
        return self.model.opt.gravity / GRAVITY

    @property
    def held_s(self) -> float:
        """Seconds since the last reset or drop."""
        return int(self.state.step) * self.step_s

    @property
    def recorded_s(self) -> float:
        """Seconds of the recording."""
        return len(self._rows) * self.step_s

    def take_over(self, other: LiveWorld) -> None:
        """See `LiveWorld`."""
        super().take_over(other)
        assert isinstance(other, PalmWorld)
        self.wanted, self.reached = other.wanted, other.reached

    def take_turn(self, turn: str) -> None:
        """Turns the palm, with what is in it.

        Raises:
            DexjaxError: for a turn that the grasp sets do not have.
        """
        if turn not in self.turns:
            raise DexjaxError(
                f"turn of the palm {turn!r}: choose from {', '.join(self.turns)}"
            )
        physics = self.state.physics
        model = self.index * len(self.turns) + self.turns.index(turn)
        turned = jnp.asarray(model, physics.object_id.dtype)
        self.state = self.state.replace(physics=physics._replace(object_id=turned))

    def reset(self, seed: int) -> None:
        """See `LiveWorld.reset`; a recording ends."""
        self.records = False
        super().reset(seed)

    def step(self) -> None:
        """See `LiveWorld.step`; a hand whose policy does not act keeps its targets."""
        if not bool(self.state.done):
            if self.is_prompted:
                self._prompt()
            if not self.acts:
                still = jnp.zeros_like(self._memory.action)
                self._memory = self._memory._replace(action=still)
        super().step()

    def record(self) -> None:
        """Begins the episode again and records what the controller is told."""
        self.reset(self.seed)
        self._rows, self._recorder = [], self.policy
        self._recording_of = (self.names[self.index], self.seed)
        self.records = True

    def recording(self) -> Recording:
        """What has been recorded.

        Raises:
            DexjaxError: if it is nothing, or another policy acts by now.
        """
        if not self._rows:
            raise DexjaxError("nothing is recorded: press record, then play")
        if self._recorder is not self.policy:
            raise DexjaxError("another policy acts since: record anew")
        assert isinstance(self.policy, Controller)
        digest = policy_digest(self.policy)
        return Recording(digest, *self._recording_of, tuple(self._rows))

    def report(self) -> str:
        """See `LiveWorld`; an episode ends by a drop alone."""
        drops = self.tally.episodes - self.tally.broken
        now = "dropped after" if bool(self.state.terminated) else "held"
        told = f"{now} **{self.held_s:.1f} s**; drops before: **{drops}**"
        return told + f"; broken {self.tally.broken}" * bool(self.tally.broken)

    def goal_pose(self) -> tuple[np.ndarray, np.ndarray]:
        """Where an expert brings the object: (3,) m and (4,) wxyz, world frame."""
        goal = self.state.memory.goal
        turned = Rotation.from_quat(goal.quaternion, scalar_first=True)
        return (
            self.centre + self._palm.apply(goal.position),
            (self._palm * turned).as_quat(scalar_first=True),
        )

    def out_of_palm(self, offset: np.ndarray) -> np.ndarray:
        """An offset (3,) of the palm's frame in the world's."""
        return self._palm.apply(offset)

    def offsets(self) -> np.ndarray:
        """What the controller is told now, (F, 3) m in the palm's frame.

        Where a tip is dragged, it is the way there, at most `FARTHEST_M`.
        """
        size = 3 * len(self.scene.hand.fingertips)
        told = np.reshape([*self.wanted.values()][:size], (-1, 3)).astype(float)
        tips, _ = self.fingertips()
        for finger, point in self.reached.items():
            way = self._palm.inv().apply(point - tips[finger])
            length = float(np.linalg.norm(way))
            told[finger] = way * min(1.0, FARTHEST_M / max(length, 1e-9))
        return told

    def _prompt(self) -> None:
        """Tells the controller what holds in the next step, and records it."""
        offsets = self.offsets()
        numbers = offsets.ravel().tolist()
        self.tell(self.wanted | dict(zip(self.wanted, numbers, strict=False)))
        if self.records:
            self._rows.append(
                Row(
                    int(self.state.step),
                    offsets.tolist(),
                    self.wanted["guidance"],
                    round(self.wanted["mode"]),
                    round(self.wanted["on"]) == 1,
                    self.turn,
                    self._push.tolist(),
                )
            )
