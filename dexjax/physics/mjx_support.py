"""What MJX does not know of a model, found before it is asked to."""

from collections.abc import Iterator

import mujoco

from dexjax.physics.quiet import mjx

_types = mjx._src.types
_driver = mjx._src.collision_driver

_GEOM = mujoco.mjtGeom
_ROUND = (_GEOM.mjGEOM_CYLINDER, _GEOM.mjGEOM_ELLIPSOID)
_NO_MARGIN = (_GEOM.mjGEOM_MESH, _GEOM.mjGEOM_HFIELD)
# field -> what MJX knows, MuJoCo's names, the prefix of these, and the element's kind
_KINDS = {
    "actuator_biastype": (_types.BiasType, mujoco.mjtBias, "mjBIAS_", "actuator"),
    "actuator_dyntype": (_types.DynType, mujoco.mjtDyn, "mjDYN_", "actuator"),
    "actuator_gaintype": (_types.GainType, mujoco.mjtGain, "mjGAIN_", "actuator"),
    "actuator_trntype": (_types.TrnType, mujoco.mjtTrn, "mjTRN_", "actuator"),
    "eq_type": (_types.EqType, mujoco.mjtEq, "mjEQ_", "equality"),
    "sensor_type": (_types.SensorType, mujoco.mjtSensor, "mjSENS_", "sensor"),
}


def unsupported(model: mujoco.MjModel) -> Iterator[str]:
    """What stands in the way of `mjx.put_model`, one line each.

    Args:
        model: a compiled model.

    Yields:
        The geoms, actuators, equalities or sensors, and what would be right.
    """
    yield from _unknown_pairs(model)
    for field, (known, names, prefix, kind) in _KINDS.items():
        for index, value in enumerate(getattr(model, field)):
            if value not in set(known):
                what = names(value).name.removeprefix(prefix).lower()
                name = getattr(model, kind)(index).name
                yield (
                    f"engine 'mjx' does not know the {field.replace('_', ' ')} "
                    f"{what!r} of {kind} {name!r}: leave it out, or take engine "
                    "'native'"
                )
    if model.nflex:
        yield "engine 'mjx' knows no flex: leave it out, or take engine 'native'"


def _unknown_pairs(model: mujoco.MjModel) -> Iterator[str]:
    """Each shape of each geom once, with the first that it cannot touch."""
    said = set()
    for first, second, pair in _driver.geom_pairs(model):
        geoms = [(int(model.geom_type[geom]), geom) for geom in (first, second)]
        # The one to change comes first.
        geoms.sort(key=lambda geom: (geom[0] not in _ROUND, geom[1]))
        (_, geom), (_, other) = geoms
        if not _driver.has_collision_fn(*model.geom_type[[first, second]]):
            if geom not in said:
                yield (
                    f"engine 'mjx' knows no contact of {_named(model, geom)} with "
                    f"{_named(model, other)}: make the first a capsule or a mesh, or "
                    "take engine 'native'"
                )
            said.add(geom)
        elif {shape for shape, _ in geoms} & set(map(int, _NO_MARGIN)):
            margin = model.geom_margin[[first, second]].sum()
            if model.pair_margin[pair] if pair != -1 else margin:
                yield (
                    f"engine 'mjx' knows no margin between {_named(model, geom)} and "
                    f"{_named(model, other)}: leave it out, or take engine 'native'"
                )


def _named(model: mujoco.MjModel, geom: int) -> str:
    shape = _GEOM(model.geom_type[geom]).name.removeprefix("mjGEOM_").lower()
    body = model.body(model.geom_bodyid[geom]).name
    name = model.geom(geom).name or f"of body {body}"
    return f"the {shape} {name!r}"
