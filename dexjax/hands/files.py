"""Where the files of a hand lie, and how they become MuJoCo specs."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import mujoco

from dexjax.errors import DexjaxError

HANDS = ("shadow", "allegro")
TABLE = "tabletop.xml"
_LONGEST = 400  # characters of a line


def mjcf_path(filename: str) -> Path:
    """The path of one of our MJCF files, in a checkout or an installed wheel.

    Raises:
        DexjaxError: if there is no such file.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "mjcf", package.parent / "mjcf"):
        if (folder / filename).is_file():
            return folder / filename
    raise DexjaxError(f"no MJCF file {filename!r} beside the dexjax package")


def hand_spec(hand_xml: Path) -> mujoco.MjSpec:
    """A hand's MJCF file alone, without keyframes.

    A keyframe would have to know the object's coordinates too; the poses of a hand
    stand in its description.

    Raises:
        ValueError: if MuJoCo cannot read the file.
    """
    with quiet_mujoco():
        spec = mujoco.MjSpec.from_file(str(hand_xml))
    for key in list(spec.keys):
        spec.delete(key)
    return spec


def world_spec(hand_xml: Path) -> mujoco.MjSpec:
    """The table with a hand over it: all of the world but objects.

    The hand is attached, not included: `<compiler>` and `<default>` of its file hold
    for the hand alone, paths of meshes start at its own folder, and `<option>`,
    `<size>`, `<statistic>` and `<visual>` are the table's. The names stay as they are.

    Args:
        hand_xml: the hand's MJCF file.

    Returns:
        A spec to add objects to and to compile; `copy()` is cheaper than a second call.

    Raises:
        ValueError: if MuJoCo cannot read the file, or a name is the table's.
    """
    spec = mujoco.MjSpec.from_file(str(mjcf_path(TABLE)))
    # Cached start states and benchmarks know the world by this name.
    spec.modelname = "MuJoCo Model"
    hand = hand_spec(hand_xml)
    # Under its own name, "main", it would hold for what is added later.
    hand.default.name = "defaults of the hand"
    with quiet_mujoco():
        spec.attach(hand, prefix="", frame=spec.worldbody.add_frame())
    # The copy has forgotten that there was a remark on the empty prefix, which
    # `compile` would repeat.
    return spec.copy()


@contextlib.contextmanager
def quiet_mujoco() -> Iterator[None]:
    """MuJoCo's remarks on a file go neither to the terminal nor to MUJOCO_LOG.TXT."""
    before = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(lambda _: None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        mujoco.set_mju_user_warning(before)


def one_line(error: object) -> str:
    """What MuJoCo or another library says, in one line of bearable length."""
    said = " ".join(str(error).split())
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]} …"


def called(kind: str, name: str) -> str:
    """An element of a file as a message names it: `equality 'x'`, or `an equality`."""
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{kind} {name!r}" if name else f"{article} {kind} without a name"
