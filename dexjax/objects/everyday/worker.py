"""Makes meshes of the everyday set, in two processes if there are many.

A worker is `python -m dexjax.objects.everyday.worker`: it answers each line it reads,
such as "mug 12", with the bytes of one record. Unlike `multiprocessing` that never
imports the caller's script a second time, and works from a notebook.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dexjax.errors import DexjaxError
from dexjax.objects.everyday.meshes import MESH, make_mesh

WORKERS = 2
# A worker takes two seconds to start, in which one process makes ten meshes.
_FEW = 20

MeshName = tuple[str, int]


def make_meshes(names: Sequence[MeshName]) -> np.ndarray:
    """Records (n,) of dtype `MESH` of (category, variant) pairs, with a progress bar.

    Raises:
        DexjaxError: a worker ended before its work did.
    """
    if len(names) <= _FEW:
        return np.stack([make_mesh(*name) for name in names])
    with tqdm(total=len(names), desc="making objects", unit="mesh") as bar:
        made = np.empty(len(names), MESH)
        workers = [_start_worker() for _ in range(WORKERS)]
        try:
            _share_out(workers, names, made, bar)
        finally:
            for worker in workers:
                worker.kill()
                worker.communicate()
        return made


def main() -> None:
    """The worker's side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The caller ends it.
    for line in sys.stdin:
        category, variant = line.split()
        sys.stdout.buffer.write(make_mesh(category, int(variant)).tobytes())
        sys.stdout.buffer.flush()


def _share_out(
    workers: list[subprocess.Popen],
    names: Sequence[MeshName],
    made: np.ndarray,
    bar: tqdm,
) -> None:
    """Every worker makes every second mesh; a thread listens to each."""
    with ThreadPoolExecutor(len(workers)) as pool:
        shares = [slice(i, None, len(workers)) for i in range(len(workers))]
        tasks = [
            pool.submit(_listen, worker, names[share], made[share], bar)
            for worker, share in zip(workers, shares, strict=True)
        ]
        try:
            for task in tasks:
                task.result()
        except BaseException:
            for worker in workers:
                worker.kill()  # So that no thread waits for it.
            raise


def _start_worker() -> subprocess.Popen:
    root = str(Path(__file__).resolve().parents[3])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "OMP_NUM_THREADS": "1",  # One core each.
    }
    return subprocess.Popen(
        [sys.executable, "-m", "dexjax.objects.everyday.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )


def _listen(
    worker: subprocess.Popen, names: Sequence[MeshName], made: np.ndarray, bar: tqdm
) -> None:
    assert worker.stdin is not None and worker.stdout is not None
    for i, (category, variant) in enumerate(names):
        answer = b""
        try:
            worker.stdin.write(f"{category} {variant}\n".encode())
            worker.stdin.flush()
            answer = worker.stdout.read(MESH.itemsize)
        except BrokenPipeError:
            pass
        if len(answer) < MESH.itemsize:
            raise DexjaxError(f"the process that made {category}:{variant} has ended")
        made[i] = np.frombuffer(answer, MESH)[0]
        bar.update()


if __name__ == "__main__":
    main()
