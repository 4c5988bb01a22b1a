"""Whether models are of one size, so that engines may hold any of them in any world."""

from collections.abc import Sequence

import mujoco

from dexjax.errors import DexjaxError

# Sizes that may differ between the models: nothing in `MjData` is allocated by them.
_FREE_SIZES = {
    "nmeshpoly",
    "nmeshpolyvert",
    "nmeshpolymap",
    "nmeshdegmax",
    "npolygonmax",
    "nbuffer",
    "nB",
}


def check_equal_sizes(
    models: Sequence[mujoco.MjModel], names: Sequence[str] | None = None
) -> None:
    """Raises unless all models agree in every size that `MjData` depends on.

    `mujoco.rollout` reuses one `MjData` for all models of a thread and would overrun
    it silently if a later model were larger.

    Args:
        models: n of them.
        names: what an error calls each; its number by default.

    Raises:
        DexjaxError: names the size and two models that differ in it.
    """
    names = names or [str(i) for i in range(len(models))]
    first = _sizes(models[0])
    for model, name in zip(models[1:], names[1:], strict=True):
        for key, value in _sizes(model).items():
            if value != first[key]:
                raise DexjaxError(
                    f"models of unequal size: {key} is {first[key]} with object "
                    f"{names[0]!r} and {value} with {name!r}; pad both alike"
                )


def _sizes(model: mujoco.MjModel) -> dict[str, int]:
    names = (n for n in dir(model) if n.startswith("n") and n not in _FREE_SIZES)
    sizes = ((name, getattr(model, name)) for name in names)
    return {name: size for name, size in sizes if isinstance(size, int)}
