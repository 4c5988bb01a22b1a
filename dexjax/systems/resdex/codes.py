"""The encoder's training, and objects chosen by their codes (ResDex, 3.3)."""

import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy.cluster.vq import kmeans2
from tqdm import tqdm

from dexjax.errors import DexjaxError
from dexjax.learners.autoencoder import AutoencoderConfig, make_autoencoder
from dexjax.runs.encoder import Encoder, encoder_meta, encoder_of
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.folder import RunFolder

# Steps of a training between two looks at the clock.
_STRIDE = 20
_CHECKPOINT_EVERY = 30.0  # s
_KMEANS_ROUNDS = 50


def train_encoder(
    run: RunFolder, config: AutoencoderConfig, clouds: np.ndarray, seed: int
) -> tuple[Encoder, dict, float]:
    """Trains an encoder, or goes on where an earlier process stopped.

    Args:
        run: folder for its checkpoints.
        config: choices of the autoencoder.
        clouds: (n, P, 3) of the objects to train on, object frame, m.
        seed: of everything.

    Returns:
        The encoder, the parameters of both halves, and s of wall time of all processes
        that worked on it.
    """
    began = time.monotonic()
    learner = make_autoencoder(config)
    state, done = learner.init(jax.random.key(seed)), 0
    if checkpoint.latest_step(run.checkpoints) is not None:
        done, state, meta = checkpoint.restore(
            run.checkpoints, state, expect=encoder_meta(config)
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
    return encoder_of(config, state.params), state.params, saved - began


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
    name = encoder_of(config, state.params).name
    meta = encoder_meta(config) | {"name": name, "wall_s": wall_s}
    checkpoint.save(folder, step, state, meta)
