"""How heavy and how slippery an everyday object is: physical, by what it is made of.

One density and one friction for all would make every object an equally rough block of
wood. Here a row is a kind of thing: the mean density of the solid that its mesh shows
(that of the material where the mesh has walls, less where a closed mesh stands for
something with air in it) and the sliding friction of a finger on it, from handbooks:
polished, glazed or wet things about 0.4, paper and wood 0.7, rubber 1.2. Each variant
draws around its row: glazes and fillings differ.
"""

from typing import NamedTuple

from dexjax.objects.shapes.sizes import Sizes

FRICTION_RANGE = (0.4, 1.2)
_SPREAD = 0.15
# kg/m^3, sliding friction, categories.
_ROWS: tuple[tuple[float, float, str], ...] = (
    (400, 0.40, "light_bulb"),  # thin glass, full of gas
    (1000, 0.40, "soap"),  # wet
    (2400, 0.45, "goblet ashtray"),  # glass
    (1200, 0.50, "hourglass"),  # glass, sand and air
    (2300, 0.50, "mug bowl plate vase"),  # glazed china
    (1900, 0.70, "plant_pot"),  # unglazed clay
    (7800, 0.45, "spoon wrench scissors"),  # steel
    (5000, 0.45, "knife padlock"),  # steel in part
    (2000, 0.40, "doorknob trophy"),  # polished brass, hollow
    (2700, 0.50, "pan kettle"),  # aluminium
    (2500, 0.60, "clothes_iron hammer"),  # steel at one end
    (1000, 0.50, "bottle can jar salt_shaker egg"),  # filled
    (1700, 0.45, "phone"),  # glass, metal and a battery
    (900, 0.60, "game_console camera remote computer_mouse binoculars"),
    (500, 0.60, "hairdryer headphones"),  # plastic with much air
    (950, 0.55, "cup bucket tray funnel toy_brick toothbrush spray_bottle"),  # plastic
    (1200, 0.60, "toy_car toy_figure stapler flashlight"),  # with metal in it
    (700, 0.70, "brush pencil chess_piece spatula ring_box basket"),  # wood
    (750, 0.70, "book"),  # paper
    (300, 0.70, "box"),  # a carton, hardly filled
    (200, 0.80, "toilet_paper"),  # soft
    (1000, 0.90, "tape"),  # sticky at the edge
    (900, 0.50, "candle"),  # wax
    (900, 0.60, "apple pear banana"),
    (400, 0.80, "donut"),
    (1500, 1.00, "screwdriver pliers"),  # rubber grips
    (7000, 1.00, "dumbbell"),  # iron in rubber
    (300, 1.20, "rubber_duck"),
)


class Material(NamedTuple):
    """What an object is made of.

    Attributes:
        density: mean over the solid, kg/m^3.
        friction: sliding friction.
    """

    density: float
    friction: float


MATERIALS = {
    category: Material(density, friction)
    for density, friction, categories in _ROWS
    for category in categories.split()
}


def draw_material(category: str, variant: int) -> Material:
    """What one variant of a category is made of; the typical one for variant 0."""
    typical = MATERIALS[category]
    draw = Sizes(f"{category} material", variant)
    density = draw(typical.density, _SPREAD)
    low, high = FRICTION_RANGE
    friction = min(max(draw(typical.friction, _SPREAD), low), high)
    return Material(density, friction)
