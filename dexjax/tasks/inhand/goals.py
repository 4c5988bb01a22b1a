"""Where episodes start and what their goals are: the grasps of a hand's grasp sets."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import rotations
from dexjax.errors import DexjaxError
from dexjax.grasps.sets.graph import UNIT_JOINTS_RAD, UNIT_M, UNIT_RAD
from dexjax.grasps.sets.grasp_set import GraspSets, digest
from dexjax.grasps.sets.palm import TURNS, next_turns
from dexjax.hands import Hand
from dexjax.objects.object_set import ObjectSet

# A goal of fine rotation: the object turned by so much, rad, and moved no farther, m.
ROTATION_RAD, ROTATION_M = (0.5, 1.2), 0.01


class Grasp(NamedTuple):
    """A grasp, or many with leading dimensions; object in the palm's frame.

    Attributes:
        position: (3,) m.
        quaternion: (4,) wxyz.
        joints: (J,) rad.
        targets: (A,) rad.
    """

    position: jax.Array
    quaternion: jax.Array
    joints: jax.Array
    targets: jax.Array


class Errors(NamedTuple):
    """How far a grasp is from another: m, rad, and rad (root mean square)."""

    place: jax.Array
    turn: jax.Array
    joints: jax.Array

    @property
    def of_object(self) -> jax.Array:
        """Of place and turn, in the units of `grasps.sets.graph.distances`."""
        return self.place / UNIT_M + self.turn / UNIT_RAD

    @property
    def of_all(self) -> jax.Array:
        """Of place, turn and joints, as `grasps.sets.graph.distances` has it."""
        return self.of_object + self.joints / UNIT_JOINTS_RAD


class Episode(NamedTuple):
    """What an evaluation fixes of an episode; () int, or (episodes,).

    Attributes:
        object_id: index in the task's object set.
        start: which of the object's grasps it starts in.
    """

    object_id: jax.Array | np.ndarray | int
    start: jax.Array | np.ndarray | int


def errors(one: Grasp, other: Grasp) -> Errors:
    """How far grasps (…) are apart."""
    bent = jnp.square(one.joints - other.joints).mean(-1)
    return Errors(
        jnp.linalg.norm(one.position - other.position, axis=-1),
        rotations.angle_between(one.quaternion, other.quaternion),
        jnp.sqrt(bent),
    )


class Bank:
    """The grasps of all objects with all turns of the palm: sets s = o T + t.

    The models of a scene are m = (o P + p) T + t, with P different physics.

    Attributes:
        turns: T.
        turn_names: of them.
        grasps: (n, …), set by set.
    """

    def __init__(
        self, sets: GraspSets, hand: Hand, objects: ObjectSet, physics: int = 1
    ):
        """Sorts them.

        Args:
            sets: of the objects, and perhaps of others.
            hand: that they are to be of.
            objects: that are held.
            physics: P of every object.

        Raises:
            DexjaxError: for sets of another hand or other shapes, or an object without
                a grasp.
        """
        own = _of_objects(sets, hand, objects)
        self.turn_names, self.turns = sets.turns, len(sets.turns)
        self._physics = physics
        number = own.object.astype(int) * self.turns + own.turn
        order = np.argsort(number, kind="stable")
        count = np.bincount(number, minlength=len(objects) * self.turns)
        self._count = jnp.asarray(count, jnp.int32)
        self._first = jnp.asarray(np.cumsum(count) - count, jnp.int32)
        per_object = count.reshape(-1, self.turns)
        for name, there in zip(objects.names, per_object.sum(axis=1), strict=True):
            if not there:
                raise DexjaxError(f"the grasp sets hold no grasp of {name!r}")
        self._per_object = jnp.asarray(per_object.sum(axis=1), jnp.int32)
        self._turn = jnp.asarray(own.turn[order], jnp.int32)
        self.grasps = Grasp(
            *(
                jnp.asarray(getattr(own, name)[order])
                for name in ("position", "quaternion", "joints", "targets")
            )
        )
        pulls = np.array([TURNS[turn] for turn in sets.turns])
        self._next = jnp.asarray(next_turns(pulls, per_object[:, None, :] > 0))

    def start(
        self,
        key: jax.Array,
        object_id: jax.Array | int,
        number: jax.Array | int | None = None,
    ) -> tuple[jax.Array, Grasp]:
        """A grasp of an object and the model that it is of.

        Args:
            key: draws it.
            object_id: () int.
            number: which of the object's grasps; drawn by default.
        """
        key, physics_key = jax.random.split(key)
        first = self._first[object_id * self.turns]
        total = self._per_object[object_id]
        if number is None:
            number = jax.random.randint(key, (), 0, total)
        row = first + number % total
        physics = jax.random.randint(physics_key, (), 0, self._physics)
        model = (object_id * self._physics + physics) * self.turns + self._turn[row]
        return model, jax.tree.map(lambda x: x[row], self.grasps)

    def object_of(self, model: jax.Array) -> jax.Array:
        """Index of the object that models (…) show."""
        return model // (self.turns * self._physics)

    def turn_of(self, model: jax.Array) -> jax.Array:
        """Index of the turn that models (…) have."""
        return model % self.turns

    def goal(
        self,
        key: jax.Array,
        model: jax.Array,
        here: Grasp,
        part: int,
        nearest: jax.Array | float,
        farthest: float,
        rotates: jax.Array | bool = False,
    ) -> Grasp:
        """The nearest of some grasps of a model's set that is not too near.

        A nearest neighbour within a range of distances of the object, searched in a
        random part of the set (DexterityGen, III-B). Where none is within the range it
        is the next beyond, or if all are too near the farthest of these.

        Args:
            key: draws the part.
            model: () int of the scene.
            here: what is held.
            part: how many are drawn.
            nearest: of the range, see `Errors.of_object`.
            farthest: of the range.
            rotates: () bool, to a grasp with the object turned and otherwise in its
                place, or what comes next to that; see `ROTATION_RAD`.
        """
        own = self.object_of(model) * self.turns + self.turn_of(model)
        drawn = jax.random.randint(key, (part,), 0, jnp.maximum(self._count[own], 1))
        rows = self._first[own] + drawn
        some = jax.tree.map(lambda x: x[rows], self.grasps)
        found = errors(some, here)
        apart = found.of_object
        # What is too near comes last, what is too far before it.
        rank = jnp.where(apart < nearest, 2e6 - apart, found.of_all)
        rank = jnp.where(apart > farthest, 1e6 + apart, rank)
        rank = jnp.where(rotates, _rotation_rank(found), rank)
        return jax.tree.map(lambda x: x[rank.argmin()], some)

    def turned(
        self, key: jax.Array, model: jax.Array, chance: jax.Array | float = 1.0
    ) -> jax.Array:
        """The model of the same object with the palm turned as little as can be.

        Turns without a grasp are left out; where no other is there, it stays.

        Args:
            key: draws the turn.
            model: () int of the scene.
            chance: that it turns at all.
        """
        key, chance_key = jax.random.split(key)
        turn = self.turn_of(model)
        allowed = self._next[self.object_of(model), turn]
        drawn = jax.random.uniform(key, (self.turns,))
        best = jnp.where(allowed, drawn, -1.0).argmax()
        turns = allowed.any() & (jax.random.uniform(chance_key) < chance)
        return jnp.where(turns, model - turn + best, model)


def _rotation_rank(found: Errors) -> jax.Array:
    """The least is the best goal of a fine rotation."""
    least, most = ROTATION_RAD
    beyond = jnp.maximum(least - found.turn, found.turn - most)
    lacking = (
        jnp.maximum(beyond, 0.0) / UNIT_RAD
        + jnp.maximum(found.place - ROTATION_M, 0.0) / UNIT_M
    )
    return jnp.where(lacking > 0.0, 1e6 * (1.0 + lacking), found.of_all)


def _of_objects(sets: GraspSets, hand: Hand, objects: ObjectSet) -> GraspSets:
    """The grasps of some objects, numbered as these are."""
    if sets.hand != hand.name:
        raise DexjaxError(
            f"the grasp sets are of hand {sets.hand}, the task has the {hand.name} hand"
        )
    known = {name: i for i, name in enumerate(sets.objects)}
    for name in objects.names:
        if name not in known:
            raise DexjaxError(
                f"the grasp sets have no object {name!r}, but {', '.join(sets.objects)}"
            )
    if sets.objects == objects.names and sets.digest != digest(hand, objects):
        raise DexjaxError(
            "the grasp sets are of other shapes or another version of the hand: make "
            "them anew with `dexjax grasp-sets`"
        )
    number = np.full(len(sets.objects), -1)
    number[[known[name] for name in objects.names]] = np.arange(len(objects))
    own = sets.subset(number[sets.object] >= 0)
    return dataclasses.replace(own, object=number[own.object])
