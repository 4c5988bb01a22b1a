"""From a hand, objects and furniture to the models of a scene."""

import warnings
from collections.abc import Mapping, Sequence

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.hands import Hand
from dexjax.objects.object_set import ObjectSet
from dexjax.scene.carriers import Carrier, Floating, carrier_joints, carry
from dexjax.scene.fixtures import Fixture, add_fixture, fixture_joints
from dexjax.scene.objects import OBJECT, add_object
from dexjax.scene.scene import Scene
from dexjax.scene.sizes import check_equal_sizes
from dexjax.scene.variation import Variation, vary_objects, vary_world

TIMESTEP = 0.005  # s, as in tabletop.xml
MOST_TIMESTEP = 0.02
_TAKEN = (OBJECT, "hand", "root", "arm", "palm", "table")


def make_scene(
    hand: Hand,
    objects: ObjectSet,
    wrist: str = "servo",
    *,
    carrier: Carrier | None = None,
    others: Mapping[str, ObjectSet] | None = None,
    fixtures: Sequence[Fixture] = (),
    variations: Sequence[Variation] = (Variation(),),
    timestep: float = TIMESTEP,
) -> Scene:
    """Builds a scene, one model for every object in every variation.

    Args:
        hand: the hand.
        objects: n objects, one of which every world holds under the name "object".
        wrist: a name in `WRIST_DRIVES`, of a hand that floats.
        carrier: how the hand is carried; it floats by default.
        others: further objects of a world by name: sets of one object, which all
            worlds hold, or of n, which go with those of `objects`.
        fixtures: furniture.
        variations: of the physics of every object.
        timestep: s of a physics step. Steps longer than the usual ones are taken with
            implicit damping, and contacts become as soft as they have to be.

    Raises:
        DexjaxError: for an unknown wrist drive, an empty set, sets that do not go
            together, names that are taken, models that come out with unequal sizes, or
            a timestep that nothing held would bear.
    """
    carrier = Floating(wrist) if carrier is None else carrier
    if len(objects) == 0:
        raise DexjaxError("the object set is empty: give at least one object")
    if len(variations) == 0:
        raise DexjaxError("no variation of the physics: give at least Variation()")
    if not 0 < timestep <= MOST_TIMESTEP:
        raise DexjaxError(
            f"timestep {timestep} s: must be above 0 and at most {MOST_TIMESTEP}"
        )
    variations = tuple(variations)
    named = {OBJECT: vary_objects(objects, variations)}
    for name, other in (others or {}).items():
        named[name] = vary_objects(_matched(name, other, len(objects)), variations)
    _check_names([*(others or {}), *(fixture.name for fixture in fixtures)])

    def model(index: int) -> mujoco.MjModel:
        spec = carry(hand, carrier)
        try:
            _fill(spec, named, fixtures, index)
            vary_world(spec, variations[index % len(variations)])
            _step_by(spec, timestep)
            return compiled(spec)
        except DexjaxError:
            raise
        except ValueError as error:
            raise DexjaxError(f"scene: {' '.join(str(error).split())}") from None

    models = tuple(model(i) for i in range(len(named[OBJECT])))
    check_equal_sizes(models, named[OBJECT].names)
    joints = carrier_joints(carrier) | {"hand": hand.joints}
    joints |= {name: (name,) for name in named}
    joints |= {f.name: own for f in fixtures if (own := fixture_joints(f))}
    sensors = sensor_slices(models[0])
    return Scene(hand, named[OBJECT], models, sensors, joints, variations, carrier)


def _step_by(spec: mujoco.MjSpec, timestep: float) -> None:
    """Sets the physics step; see `make_scene`."""
    spec.option.timestep = timestep
    if timestep > TIMESTEP:
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST


def sensor_slices(model: mujoco.MjModel) -> dict[str, slice]:
    """Where each sensor of a model stands in `sensordata`, by name."""
    starts, sizes = model.sensor_adr, model.sensor_dim
    return {
        model.sensor(i).name: slice(int(starts[i]), int(starts[i] + sizes[i]))
        for i in range(model.nsensor)
    }


def _fill(
    spec: mujoco.MjSpec,
    named: Mapping[str, ObjectSet],
    fixtures: Sequence[Fixture],
    index: int,
) -> None:
    """Puts objects and furniture on the table."""
    for place, (name, objects) in enumerate(named.items()):
        add_object(spec, objects, index, name, place, meets=len(named) > 1)
    for fixture in fixtures:
        add_fixture(spec, fixture)
    # What MJX solves for at most, see tabletop.xml: as much for every further thing.
    bound = spec.numeric("max_contact_points")
    bound.data = np.array(bound.data) * (len(named) + len(fixtures))


def compiled(spec: mujoco.MjSpec) -> mujoco.MjModel:
    """The model of a spec, without a warning that says nothing here."""
    with warnings.catch_warnings():
        # That names without a prefix may not survive saving as XML.
        warnings.filterwarnings("ignore", "Attaching a spec with an empty prefix")
        return spec.compile()


def _matched(name: str, other: ObjectSet, count: int) -> ObjectSet:
    """A set of so many objects, of one that has as many or a single one."""
    if len(other) == count:
        return other
    if len(other) != 1:
        raise DexjaxError(
            f"{name!r} is a set of {len(other)} objects: give 1, or {count} as there "
            f"are of {OBJECT!r}"
        )
    return other.subset([0] * count)


def _check_names(names: Sequence[str]) -> None:
    """Raises if a thing has no name of its own."""
    for place, name in enumerate(names):
        if not name.isidentifier():
            raise DexjaxError(f"name {name!r}: give letters, digits and underscores")
        if name in (*_TAKEN, *names[:place]):
            raise DexjaxError(f"name {name!r} is taken: give another")
