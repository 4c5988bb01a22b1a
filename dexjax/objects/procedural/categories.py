"""Everyday objects made from a few numbers: nothing to download, the same each time.

Variant 0 of a category has its typical dimensions; variant i > 0 draws them from a
generator seeded by the category's name and i. Objects are built as they rest on a
table, z up.
"""

from collections.abc import Callable

from dexjax.errors import DexjaxError
from dexjax.objects.procedural import (
    appliances,
    containers,
    devices,
    household,
    implements,
    ornaments,
    tools,
    vessels,
)
from dexjax.objects.shapes import Shape
from dexjax.objects.shapes.sizes import Sizes

_SEEN: tuple[Callable[[Sizes], Shape], ...] = (
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
    containers.bucket,
    containers.ashtray,
    containers.plant_pot,
    containers.ring_box,
    implements.spoon,
    implements.wrench,
    implements.scissors,
    implements.pencil,
    ornaments.egg,
    ornaments.toy_brick,
    ornaments.chess_piece,
    ornaments.trophy,
    ornaments.candle,
    ornaments.doorknob,
    appliances.hairdryer,
    appliances.clothes_iron,
)
# Kept out of every training set: nothing of their kind is among the seen ones.
_UNSEEN: tuple[Callable[[Sizes], Shape], ...] = (
    containers.basket,
    containers.tray,
    containers.funnel,
    appliances.headphones,
    appliances.binoculars,
    appliances.spray_bottle,
    implements.padlock,
    implements.stapler,
    implements.dumbbell,
    implements.pliers,
    implements.toothbrush,
    ornaments.donut,
    ornaments.light_bulb,
    ornaments.hourglass,
    ornaments.rubber_duck,
    ornaments.pear,
)
SEEN = tuple(builder.__name__ for builder in _SEEN)
UNSEEN = tuple(builder.__name__ for builder in _UNSEEN)
CATEGORIES: dict[str, Callable[[Sizes], Shape]] = {
    builder.__name__: builder for builder in (*_SEEN, *_UNSEEN)
}


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
