"""The cameras that look at the table: one list for pictures, clouds and policies."""

import dataclasses

import numpy as np

from dexjax.errors import DexjaxError


@dataclasses.dataclass(frozen=True)
class Camera:
    """A pinhole camera that stands upright.

    Attributes:
        name: what it is called.
        position: (3,) m, world frame.
        look_at: (3,) m, the point in the middle of its picture.
        fovy: degrees from the picture's lower to its upper edge.
    """

    name: str
    position: tuple[float, float, float]
    look_at: tuple[float, float, float]
    fovy: float

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3): its axes in the world frame as columns.

        As in MuJoCo x is right in the picture, y up, and -z points to what it sees.
        """
        back = np.subtract(self.position, self.look_at)
        back = back / np.linalg.norm(back)
        right = np.cross([0.0, 0.0, 1.0], back)
        right = right / np.linalg.norm(right)
        return np.stack([right, np.cross(back, right), back], axis=1)


# The middle of what happens on the table, m.
_MIDDLE = (0.0, 0.0, 0.16)
# Those of tabletop.xml, and one opposite to "main".
CAMERAS = (
    Camera("main", (0.46, -0.58, 0.42), _MIDDLE, 38.0),
    Camera("side", (0.0, -0.8, 0.2), _MIDDLE, 34.0),
    Camera("left", (0.46, 0.58, 0.42), _MIDDLE, 38.0),
)


def camera(name: str) -> Camera:
    """One of `CAMERAS`.

    Raises:
        DexjaxError: if none is called so.
    """
    for each in CAMERAS:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in CAMERAS)
    raise DexjaxError(f"unknown camera {name!r}: choose from {names}")
