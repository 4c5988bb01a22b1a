"""What comes with dexjax: trained policies, the encoder, grasp proposals."""

from pathlib import Path

from dexjax.errors import DexjaxError


def shipped(name: str) -> Path:
    """Where something lies, in a checkout or an installed wheel; it may not be there.

    Args:
        name: path below `policies`, such as "resdex/hyper" or "encoder".
    """
    package = Path(__file__).resolve().parent
    inside = package / "trained" / name
    return inside if inside.exists() else package.parent / "policies" / name


def names() -> tuple[str, ...]:
    """Names of the policies that come with dexjax, as `load` takes them."""
    root = shipped("")
    found = (file.parent for file in root.rglob("config.yaml"))
    return tuple(sorted(folder.relative_to(root).as_posix() for folder in found))


def find(name: str | Path) -> Path:
    """The folder of a policy: a path, or a shipped name.

    Raises:
        DexjaxError: if there is none; names those that come with dexjax.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    own = shipped(str(name))
    if str(name) in names() and own.is_dir():
        return own
    raise DexjaxError(
        f"no policy {str(name)!r}: give the folder of a run, or one of "
        f"{', '.join(names())}"
    )
