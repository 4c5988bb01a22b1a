"""What the numbers of a folder of transitions mean."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

from dexjax.data.files import write_whole
from dexjax.errors import DexjaxError
from dexjax.hands.hand import Hand
from dexjax.reading import parse_json, read_bytes

SPEC_FILE = "spec.json"
FORMAT = 1
MODES = ("default", "precision rotation")


@dataclasses.dataclass(frozen=True)
class TransitionSpec:
    """What the numbers of a folder of transitions mean.

    Attributes:
        hand: its name.
        hand_digest: of its MJCF file.
        joints: J.
        actuated: A joints, in the order of the targets.
        fingertips: F.
        objects: names.
        turns: of the palm, names.
        experts: who acts, names.
        modes: of acting, names.
        control_s: s from one step to the next.
    """

    hand: str
    hand_digest: str
    joints: int
    actuated: int
    fingertips: int
    objects: tuple[str, ...]
    turns: tuple[str, ...]
    experts: tuple[str, ...]
    modes: tuple[str, ...] = MODES
    control_s: float = 0.1

    @property
    def digest(self) -> str:
        """Of all fields."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def difference(self, other: "TransitionSpec") -> str:
        """What another spec says otherwise, in a phrase; empty if nothing."""
        found = []
        for field in dataclasses.fields(self):
            own, theirs = getattr(self, field.name), getattr(other, field.name)
            if own != theirs:
                found.append(f"{field.name} {_short(own)}, not {_short(theirs)}")
        return "; ".join(found)


def spec_of(
    hand: Hand,
    objects: tuple[str, ...],
    turns: tuple[str, ...],
    experts: tuple[str, ...],
    modes: tuple[str, ...] = MODES,
    control_s: float = 0.1,
) -> TransitionSpec:
    """The spec of what experts do with a hand.

    Args:
        hand: that they move.
        objects: names.
        turns: of the palm, names.
        experts: names.
        modes: names.
        control_s: s from one step to the next.
    """
    return TransitionSpec(
        hand.name,
        hashlib.sha256(hand.xml.read_bytes()).hexdigest()[:16],
        len(hand.joints),
        len(hand.actuated),
        len(hand.fingertips),
        tuple(objects),
        tuple(turns),
        tuple(experts),
        tuple(modes),
        control_s,
    )


def read_spec(folder: Path) -> TransitionSpec:
    """The spec of a folder.

    Raises:
        DexjaxError: if it has none, or one that is damaged or of another format.
    """
    file = Path(folder) / SPEC_FILE
    if not file.exists():
        raise DexjaxError(f"{folder} holds no transitions: it has no {SPEC_FILE}")
    try:
        found = parse_json(read_bytes(file))
        if found["format"] != FORMAT:
            raise DexjaxError(f"{file} is of format {found['format']}, not {FORMAT}")
        spec = _spec(found["spec"])
    except DexjaxError:
        raise
    except (ValueError, TypeError, KeyError) as error:
        raise DexjaxError(f"{file} is damaged: {error}") from None
    if spec.digest != found.get("digest"):
        raise DexjaxError(f"{file} is damaged: its digest is not that of its content")
    return spec


def write_spec(folder: Path, spec: TransitionSpec) -> None:
    """Writes the spec of a folder, whole or not at all.

    Raises:
        DexjaxError: if it cannot be written.
    """
    content = {
        "format": FORMAT,
        "digest": spec.digest,
        "spec": dataclasses.asdict(spec),
    }
    text = json.dumps(content, indent=2) + "\n"
    write_whole(Path(folder) / SPEC_FILE, text.encode())


def _spec(found: dict[str, Any]) -> TransitionSpec:
    """The spec that JSON says; raises `TypeError` for other fields."""
    lists = {name: tuple(x) for name, x in found.items() if isinstance(x, list)}
    return TransitionSpec(**(found | lists))


def _short(value: Any) -> str:
    """A value of a field, for a line."""
    if isinstance(value, tuple) and len(value) > 4:
        return f"{len(value)} names from {value[0]!r} to {value[-1]!r}"
    return repr(value)
