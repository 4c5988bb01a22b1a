"""Ways to keep the arrays of a shard in a file, one per library and packing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Arrays = Mapping[str, Any]  # name -> what gives [world, start:end]


class Store(NamedTuple):
    """One way to keep a shard.

    Attributes:
        name: in the table.
        needs: packages beyond those that dexjax has, the library's own first.
        write: fn(path, arrays).
        open: fn(path) -> the arrays, read when they are indexed.
    """

    name: str
    needs: tuple[str, ...]
    write: Callable[[Path, dict[str, np.ndarray]], None]
    open: Callable[[Path], Arrays]


def h5py_write(packing: dict) -> Callable:
    """Writes an HDF5 file, each array in chunks of 16 worlds."""

    def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
        import h5py

        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                chunks = (16, *array.shape[1:]) if packing else None
                file.create_dataset(name, data=array, chunks=chunks, **packing)

    return write


def h5py_open(path: Path) -> Arrays:
    """The datasets of a file."""
    import h5py

    file = h5py.File(path)
    return {name: file[name] for name in file}


def zarr_write(packing: dict) -> Callable:
    """Writes a folder of arrays, each one shard of chunks of 16 worlds."""

    def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
        import zarr

        group = zarr.open_group(path, mode="w")
        for name, array in arrays.items():
            chunks = (16, *array.shape[1:])
            group.create_array(
                name, data=array, chunks=chunks, shards=array.shape, **packing
            )

    return write


def zarr_open(path: Path) -> Arrays:
    """The arrays of a folder."""
    import zarr

    return dict(zarr.open_group(path, mode="r").arrays())


def records_write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes a record per world: the bytes of all arrays, one after the other."""
    from array_record.python.array_record_module import ArrayRecordWriter

    writer = ArrayRecordWriter(str(path), "group_size:1")
    for row in zip(*arrays.values(), strict=True):
        writer.write(b"".join(part.tobytes() for part in row))
    writer.close()


class Records:
    """One array of a file of records.

    Attributes:
        source: grain's view of the file.
        start: bytes before the array in every record.
        like: an array of its type and shape (worlds, steps, …).
    """

    def __init__(self, source: Any, start: int, like: np.ndarray):
        """See the class."""
        self.source, self.start, self.like = source, start, like

    def __getitem__(self, where: Any) -> np.ndarray:
        """Steps of one world, or all of all."""
        if where is Ellipsis:
            return np.stack([self.row(world) for world in range(len(self.like))])
        world, steps = where
        return self.row(world)[steps]

    def row(self, world: int) -> np.ndarray:
        """All steps of one world."""
        one = self.like[world]
        found = np.frombuffer(self.source[world], one.dtype, one.size, self.start)
        return found.reshape(one.shape)


def records_open(like: dict[str, np.ndarray]) -> Callable[[Path], Arrays]:
    """The arrays of a file of records, which does not say itself how they lie."""

    def open_(path: Path) -> Arrays:
        from grain.sources import ArrayRecordDataSource

        source, start, found = ArrayRecordDataSource(str(path)), 0, {}
        for name, array in like.items():
            found[name] = Records(source, start, array)
            start += array[0].nbytes
        return found

    return open_


def npz_open(path: Path) -> Arrays:
    """All arrays, in memory: an archive cannot be read in part."""
    with np.load(path) as file:
        return dict(file)


def stores(arrays: dict[str, np.ndarray]) -> list[Store]:
    """All that are compared."""
    h5, zarr = ("h5py",), ("zarr", "donfig", "google-crc32c", "numcodecs")
    grain = ("grain", "array-record", "portpicker")
    gzip = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    return [
        Store("npz", (), lambda p, a: np.savez(p, **a), npz_open),
        Store("npz, zlib", (), lambda p, a: np.savez_compressed(p, **a), npz_open),
        Store("h5py", h5, h5py_write({}), h5py_open),
        Store(
            "h5py, shuffle + lzf",
            h5,
            h5py_write({"compression": "lzf", "shuffle": True}),
            h5py_open,
        ),
        Store("h5py, shuffle + gzip", h5, h5py_write(gzip), h5py_open),
        Store("zarr", zarr, zarr_write({"compressors": None}), zarr_open),
        Store("zarr, zstd", zarr, zarr_write({}), zarr_open),
        Store("array-record + grain", grain, records_write, records_open(arrays)),
    ]
