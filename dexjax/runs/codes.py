"""Object codes: the encoder, trained once, and what it gives for a set of objects."""

import dataclasses
import time
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.cluster.vq import kmeans2
from tqdm import tqdm

from dexjax.errors import DexjaxError
from dexjax.learners.autoencoder import AutoencoderConfig, make_autoencoder
from dexjax.objects.object_set import ObjectSet
from dexjax.runs import checkpoint
from dexjax.runs.digest import digest
from dexjax.runs.folder import RunFolder

# The encoder that comes with the repository.
SHIPPED = Path(__file__).resolve().parents[2] / "policies" / "encoder"
# Objects encoded at a time.
_BATCH = 64
# Steps of a training between two looks at the clock.
_STRIDE = 20
_CHECKPOINT_EVERY = 30.0  # s
_KMEANS_ROUNDS = 50


class Encoder(NamedTuple):
    """A trained autoencoder.

    Attributes:
        config: its sizes.
        params: of both halves.
        name: short hash of the parameters: codes of another encoder differ in it.
    """

    config: AutoencoderConfig
    params: dict
    name: str


def train_encoder(
    run: RunFolder, config: AutoencoderConfig, clouds: np.ndarray, seed: int
) -> tuple[Encoder, float]:
    """Trains an encoder, or goes on where an earlier process stopped.

    Args:
        run: folder for its checkpoints.
        config: choices of the autoencoder.
        clouds: (n, P, 3) of the objects to train on, object frame, m.
        seed: of everything.

    Returns:
        The encoder, and s of wall time of all processes that worked on it.
    """
    began = time.monotonic()
    learner = make_autoencoder(config)
    state, done = learner.init(jax.random.key(seed)), 0
    if checkpoint.latest_step(run.checkpoints) is not None:
        done, state, meta = checkpoint.restore(
            run.checkpoints, state, expect=_meta(config)
        )
        began -= meta["wall_s"]
    held, saved = jnp.asarray(clouds), time.monotonic()
    with tqdm(total=config.steps, initial=done, unit="step", desc="encoder") as bar:
        while done < config.steps:
            for _ in range(min(_STRIDE, config.steps - done)):
                state, distance = learner.train(state, held)
                done += 1
            bar.update(done - bar.n)
            bar.set_postfix_str(f"Chamfer {1e6 * float(distance):.1f} mm^2")
            if done == config.steps or time.monotonic() - saved > _CHECKPOINT_EVERY:
                saved = time.monotonic()
                _save(run.checkpoints, done, state, config, saved - began)
    return Encoder(config, state.params, digest(state.params)), saved - began


def load_encoder(folder: Path | None = None) -> Encoder:
    """Reads a trained encoder.

    Args:
        folder: of its training or where it was exported to; the shipped one by default.

    Raises:
        DexjaxError: if there is none.
    """
    folder = Path(folder or SHIPPED)
    _, meta = _read_meta(folder)
    config = AutoencoderConfig(**meta["autoencoder"])
    template = jax.eval_shape(make_autoencoder(config).init, jax.random.key(0)).params
    _, params, _ = checkpoint.restore(folder / "checkpoints", template, part="params")
    return Encoder(config, params, digest(params))


def encoder_name(folder: Path | None = None) -> str:
    """The name of a trained encoder; see `load_encoder`."""
    return _read_meta(Path(folder or SHIPPED))[1]["name"]


def export_encoder(encoder: Encoder, folder: Path) -> None:
    """Writes an encoder without what only training needs."""
    tree = {"params": encoder.params}
    meta = _meta(encoder.config) | {"name": encoder.name}
    checkpoint.save(Path(folder) / "checkpoints", encoder.config.steps, tree, meta)


def object_codes(encoder: Encoder, objects: ObjectSet) -> np.ndarray:
    """Codes (n, 64) of the surfaces of a set's objects, in their own frames."""
    encode = make_autoencoder(encoder.config).encode
    parts = []
    for start in range(0, len(objects), _BATCH):
        clouds = objects.points[start : start + _BATCH]
        blank = np.zeros((_BATCH - len(clouds), *clouds.shape[1:]), clouds.dtype)
        codes = encode(encoder.params, jnp.concatenate([clouds, blank]))
        parts.append(np.asarray(codes)[: len(clouds)])
    return np.concatenate(parts)


def with_codes(objects: ObjectSet, encoder: Encoder) -> ObjectSet:
    """The objects with their codes filled in."""
    return dataclasses.replace(objects, code=object_codes(encoder, objects))


def central_objects(
    codes: np.ndarray,
    k: int,
    seed: int = 0,
    fit: np.ndarray | None = None,
    count: int = 1,
) -> list[list[int]]:
    """Indices of the objects nearest to the centres of k clusters (ResDex, 3.3).

    Args:
        codes: (n, 64).
        k: how many clusters.
        seed: of k-means.
        fit: (n,) how fit an object is to be chosen: of a cluster the fittest come
            first. All alike by default.
        count: of objects wanted for each cluster.

    Returns:
        For each cluster, that of most objects first, so many indices, or as many as it
        has objects: the fittest first, of these the nearest.

    Raises:
        DexjaxError: if there are fewer objects than clusters.
    """
    if not 1 <= k <= len(codes):
        raise DexjaxError(
            f"{k} clusters of {len(codes)} objects: choose 1 to that many"
        )
    centres, label = kmeans2(
        codes.astype(float), k, iter=_KMEANS_ROUNDS, minit="++", seed=seed
    )
    far = np.linalg.norm(codes[:, None] - centres, axis=-1)
    order = np.argsort(-np.bincount(label, minlength=k), kind="stable")
    fit = np.zeros(len(codes)) if fit is None else fit.astype(float)
    ranked = np.lexsort((far.T, np.broadcast_to(-fit, far.T.shape)))
    return [[int(n) for n in ranked[i] if label[n] == i][:count] for i in order]


def _save(
    folder: Path, step: int, state, config: AutoencoderConfig, wall_s: float
) -> None:
    meta = _meta(config) | {"name": digest(state.params), "wall_s": wall_s}
    checkpoint.save(folder, step, state, meta)


def _read_meta(folder: Path) -> tuple[int, dict]:
    if not (folder / "checkpoints").is_dir():
        raise DexjaxError(f"no encoder {folder}: train one with experiments/codes.py")
    return checkpoint.read_meta(folder / "checkpoints")


def _meta(config: AutoencoderConfig) -> dict:
    return {"autoencoder": dataclasses.asdict(config)}
