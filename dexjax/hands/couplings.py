"""Whether the couplings of a description are those of its MJCF file."""

from collections.abc import Iterator
from typing import NamedTuple

import mujoco
import numpy as np

from dexjax.hands.files import called
from dexjax.hands.hand import Description

# rad; a tendon with more play than this is a limit rather than a coupling.
_MOST_PLAY = 0.2
_SAME_RATIO = 1e-3


class Tie(NamedTuple):
    """Two joints of a model that move as one: first = ratio * second + offset.

    Attributes:
        first: name of a joint.
        second: name of another.
        ratio: first's angle per second's.
        offset: rad.
        linear: whether the ratio holds for all angles.
        by: what ties them in the MJCF file.
    """

    first: str
    second: str
    ratio: float
    offset: float
    linear: bool
    by: str

    def ratio_of(self, following: str) -> float:
        """The following joint's angle per the other's."""
        if following == self.first:
            return self.ratio
        return 1.0 / self.ratio if self.ratio else np.inf


def coupling_problems(description: Description, model: mujoco.MjModel) -> Iterator[str]:
    """Couplings of the description that the file lacks or has otherwise, and reversed.

    Args:
        description: the description.
        model: its MJCF file, compiled alone.
    """
    file = description.mjcf.name
    for index in _still(model):
        yield (
            f"{called('equality', model.equality(index).name)} of {file} holds joint "
            f"{model.joint(model.eq_obj1id[index]).name!r} still: join its body to the "
            "parent instead"
        )
    found = {frozenset((tie.first, tie.second)): tie for tie in ties(model)}
    for driving, following, ratio in description.couplings:
        said = f"coupling [{driving}, {following}, {ratio:g}]"
        tie = found.pop(frozenset((driving, following)), None)
        if tie is None:
            yield (
                f"{said} is not in {file}: give it there <equality><joint "
                f'joint1="{following}" joint2="{driving}" polycoef="0 {ratio:g} 0 0 0"'
                "/></equality>, or leave it out"
            )
            continue
        real = tie.ratio_of(following)
        if not np.isclose(real, ratio, rtol=_SAME_RATIO, atol=0) or not tie.linear:
            law = f"the ratio {real:.6g}" if tie.linear else "another law than a ratio"
            yield f"{said}: {file} couples them by {tie.by} with {law}"
        if abs(tie.offset) > _SAME_RATIO:
            yield (
                f"{said}: {file} couples them by {tie.by} with an offset of "
                f"{tie.offset:.3g} rad, must be 0"
            )
    for tie in found.values():
        yield (
            f"{file} couples {tie.first!r} with {tie.second!r} by {tie.by}: add "
            f"[{tie.second}, {tie.first}, {tie.ratio:.6g}] to couplings"
        )


def ties(model: mujoco.MjModel) -> Iterator[Tie]:
    """All pairs of joints that equalities or tendons of a model tie together."""
    for index in range(model.neq):
        if not model.eq_active0[index]:
            continue
        ends = (int(model.eq_obj1id[index]), int(model.eq_obj2id[index]))
        by = called("equality", model.equality(index).name)
        law = model.eq_data[index, :5]
        if model.eq_type[index] == mujoco.mjtEq.mjEQ_JOINT and ends[1] >= 0:
            first, second = (model.joint(joint) for joint in ends)
            start = (_rest(model, joint) for joint in ends)
            offset = law[0] + next(start) - law[1] * next(start)
            linear = bool(law[1] and not law[2:].any())
            yield Tie(first.name, second.name, law[1], offset, linear, by)
        if model.eq_type[index] == mujoco.mjtEq.mjEQ_TENDON and ends[1] < 0:
            length = model.tendon_length0[ends[0]] + law[0]
            yield from _tie_of_tendon(model, ends[0], length, by)
    for tendon in range(model.ntendon):
        low, high = model.tendon_range[tendon]
        _, weights = _tendon_joints(model, tendon)
        if model.tendon_limited[tendon] and len(weights) == 2:
            if high - low <= _MOST_PLAY * 2 * min(abs(weights)):
                by = called("tendon", model.tendon(tendon).name)
                yield from _tie_of_tendon(model, tendon, (low + high) / 2, by)


def _tie_of_tendon(
    model: mujoco.MjModel, tendon: int, length: float, by: str
) -> Iterator[Tie]:
    joints, weights = _tendon_joints(model, tendon)
    if len(joints) == 2 and weights.all():
        first, second = (model.joint(joint).name for joint in joints)
        ratio, offset = -weights[1] / weights[0], length / weights[0]
        yield Tie(first, second, ratio, offset, True, by)


def _tendon_joints(model: mujoco.MjModel, tendon: int) -> tuple[np.ndarray, np.ndarray]:
    """Joints and their coefficients of a fixed tendon; none of a spatial one."""
    start = model.tendon_adr[tendon]
    rows = np.arange(start, start + model.tendon_num[tendon])
    rows = rows[model.wrap_type[rows] == mujoco.mjtWrap.mjWRAP_JOINT]
    return model.wrap_objid[rows], model.wrap_prm[rows]


def _still(model: mujoco.MjModel) -> Iterator[int]:
    """Equalities that hold a joint at an angle."""
    for index in range(model.neq):
        if model.eq_type[index] == mujoco.mjtEq.mjEQ_JOINT:
            if model.eq_active0[index] and model.eq_obj2id[index] < 0:
                yield index


def _rest(model: mujoco.MjModel, joint: int) -> float:
    return float(model.qpos0[model.jnt_qposadr[joint]])
