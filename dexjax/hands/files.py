"""Where the files of the built-in hands lie."""

from pathlib import Path

from dexjax.errors import DexjaxError

HANDS = ("shadow", "allegro")


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
