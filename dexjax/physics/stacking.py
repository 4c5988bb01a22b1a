"""What differs between the models of a scene, stacked, for engines that hold one model.

The models of a scene have equal sizes and differ in a few fields: of the object, and
of what a variation of the physics changes. MJX and Warp keep one template for all
worlds and exchange only these.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import mujoco
import numpy as np

from dexjax.errors import DexjaxError
from dexjax.scene import Scene

# Fields that no step makes use of, or that the template settles for all objects.
_UNUSED = {
    "body_conaffinity",
    "body_contype",
    "body_sameframe",
    "dof_length",
    "geom_conaffinity",
    "geom_contype",
    "geom_rgba",
}
_UNUSED_PREFIXES = ("bvh_", "cam_", "light_", "mesh_", "_")


class StackedModels(NamedTuple):
    """The n models of a scene as one.

    Attributes:
        template: the first model; every hull collides that is real in any.
        fields: name -> (n, …), the fields that differ; of options "opt.<name>".
        padding: (n, ngeom) bool, geoms that stand for nothing in an object.
    """

    template: mujoco.MjModel
    fields: dict[str, np.ndarray]
    padding: np.ndarray


def stack_models(
    scene: Scene, engine: str, fields_read: Mapping[str, bool]
) -> StackedModels:
    """Compares the models of a scene field by field.

    Args:
        scene: of n models.
        engine: whose name an error tells.
        fields_read: fields that the engine reads -> whether worlds may differ in them;
            options are called "opt.<name>".

    Raises:
        DexjaxError: if models differ in a field that the engine shares among them.
    """
    models = scene.models
    fields = {}
    for name in _compared(models[0], fields_read):
        values = [np.asarray(_value(model, name)) for model in models]
        if all(np.array_equal(values[0], value) for value in values):
            continue
        if not fields_read[name]:
            raise DexjaxError(
                f"engine {engine!r} needs {name} alike in all objects, "
                f"{scene.objects.names[0]!r} and another differ: use engine 'native'"
            )
        fields[name] = np.stack(values)
    # Padded hulls are the geoms that nothing may touch.
    padding = np.stack([model.geom_conaffinity == 0 for model in models])
    return StackedModels(_template(models, padding), fields, padding)


def _compared(model: mujoco.MjModel, fields_read: Mapping[str, bool]) -> list[str]:
    names = (n for n in fields_read if not n.startswith(_UNUSED_PREFIXES))
    return [n for n in names if n not in _UNUSED and _value(model, n) is not None]


def _value(model: mujoco.MjModel, name: str) -> np.ndarray | None:
    """A field as an array; None for what MuJoCo does not have, and for sizes."""
    option = name.removeprefix("opt.")
    if option != name:
        value = getattr(model.opt, option, None)
        return None if value is None else np.asarray(value)
    value = getattr(model, name, None)
    return value if isinstance(value, np.ndarray) else None


def _template(models: Sequence[mujoco.MjModel], padding: np.ndarray) -> mujoco.MjModel:
    template = copy.copy(models[0])
    real = np.argmin(padding, axis=0)  # the first object in which a geom is real
    for geom, model in enumerate(real):
        template.geom_contype[geom] = models[model].geom_contype[geom]
        template.geom_conaffinity[geom] = models[model].geom_conaffinity[geom]
    return template
