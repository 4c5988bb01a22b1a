"""Reading files that may come from anyone: bytes, JSON, YAML of plain values."""

import json
import os
from pathlib import Path
from typing import Any

import yaml

from dexjax.errors import DexjaxError, one_line

_LARGEST = 200_000_000  # bytes
_LARGEST_YAML = 100_000


def read_bytes(path: Path, most: int = _LARGEST) -> bytes:
    """What a file holds.

    Args:
        path: the file; a pipe or a device, which may have no end, is none.
        most: bytes that are read.

    Raises:
        DexjaxError: absent, no file, unreadable, or larger.
    """
    if "\0" in str(path):
        raise DexjaxError(f"{str(path)!r} is no name of a file")
    if os.path.exists(path) and not os.path.isfile(path):
        raise DexjaxError(f"{path} is no file")
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > most:
                raise DexjaxError(f"{path} is too large: at most {most // 1000} kB")
            return file.read()
    except FileNotFoundError:
        raise DexjaxError(f"{path}: no such file") from None
    except OSError as error:
        raise DexjaxError(f"cannot read {path}: {error.strerror}") from None


def parse_json(data: bytes | str) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: it is none, or is nested deeper than anything that dexjax writes.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None


class _Strict(yaml.SafeLoader):
    """Without aliases, which can make a few lines mean gigabytes; no key twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(
                problem=f"the alias *{event.anchor} is not read: write it out",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        found = super().construct_mapping(node, deep=deep)
        if len(found) < len(node.value):
            raise yaml.MarkedYAMLError(
                problem="a name comes twice", problem_mark=node.start_mark
            )
        return found


def read_yaml(path: Path) -> Any:
    """What a YAML file holds.

    Args:
        path: the file, of at most 100 kB.

    Raises:
        DexjaxError: if it cannot be read, or is no YAML of plain values.
    """
    data = read_bytes(path, _LARGEST_YAML)
    try:
        return yaml.load(data.decode("utf-8-sig"), Loader=_Strict)
    except RecursionError:
        raise DexjaxError(f"{path} is not YAML: nested too deeply") from None
    # Odd scalars reach int(), datetime and dictionaries inside the loader.
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError) as bad:
        raise DexjaxError(f"{path} is not YAML: {one_line(str(bad))}") from None
