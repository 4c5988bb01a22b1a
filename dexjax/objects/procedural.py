"""Everyday objects made from a few numbers: nothing to download, the same each time.

Variant 0 of a category has its typical dimensions; variant i > 0 draws them from a
generator seeded by the category's name and i. Objects are built as they rest on a
table, z up.
"""

from collections.abc import Callable

from dexjax.errors import DexjaxError
from dexjax.objects.everyday import devices, household, tools, vessels
from dexjax.objects.shapes import Shape
from dexjax.objects.sizes import Sizes

_BUILDERS: tuple[Callable[[Sizes], Shape], ...] = (
    vessels.mug,
    vessels.cup,
    vessels.bowl,
    vessels.plate,
    vessels.pan,
    vessels.kettle,
    vessels.goblet,
    vessels.vase,
    vessels.bottle,
    vessels.jar,
    vessels.can,
    devices.phone,
    devices.game_console,
    devices.camera,
    devices.remote,
    devices.flashlight,
    devices.computer_mouse,
    tools.hammer,
    tools.knife,
    tools.spatula,
    tools.screwdriver,
    tools.brush,
    household.box,
    household.book,
    household.toilet_paper,
    household.tape,
    household.toy_figure,
    household.toy_car,
    household.apple,
    household.banana,
    household.soap,
    household.salt_shaker,
)
CATEGORIES: dict[str, Callable[[Sizes], Shape]] = {b.__name__: b for b in _BUILDERS}


def make_shape(category: str, variant: int = 0, seed: int = 0) -> Shape:
    """The shape of one variant, its bounding box centred on the origin.

    Args:
        category: a key of `CATEGORIES`.
        variant: 0 for typical dimensions, else which draw.
        seed: another series of draws.

    Raises:
        DexjaxError: unknown category or negative variant.
    """
    if category not in CATEGORIES:
        raise DexjaxError(f"no procedural category {category!r}")
    if variant < 0:
        raise DexjaxError(f"the variant must be 0 or more, got {variant}")
    return CATEGORIES[category](Sizes(category, variant, seed)).centred()
