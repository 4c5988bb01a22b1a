"""An input of the command: a folder of files, and what is typed in it."""

import dataclasses
import os
from pathlib import Path


@dataclasses.dataclass
class Input:
    """A folder of files and what is typed in it.

    Attributes:
        kind: of input.
        words: arguments of the command.
        files: path in the folder -> content.
        links: path -> what it points to.
        fifo: path of a pipe that nobody writes to; none if empty.
        plan: path of a file that stands in for the everyday set's plan; likewise.
        thorough: whether concave meshes are cut up as a training would, not coarsely.
    """

    kind: str
    words: list[str]
    files: dict[str, bytes]
    links: dict[str, str] = dataclasses.field(default_factory=dict)
    fifo: str = ""
    plan: str = ""
    thorough: bool = False

    def write(self, folder: Path) -> None:
        """Makes the folder."""
        for name, data in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        for name, target in self.links.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(target)
        if self.fifo:
            os.mkfifo(folder / self.fifo)


def inside(folder: str, files: dict[str, bytes]) -> dict[str, bytes]:
    """The same files in a folder."""
    return {f"{folder}/{name}": data for name, data in files.items()}
