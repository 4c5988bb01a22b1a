"""Object codes: a trained encoder, and what it gives for a set of objects."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dexjax import limits
from dexjax.errors import DexjaxError
from dexjax.learners.autoencoder import AutoencoderConfig, make_autoencoder
from dexjax.objects.object_set import ObjectSet
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.digest import digest
from dexjax.shipped import shipped

# Objects encoded at a time.
_BATCH = 64


class Encoder(NamedTuple):
    """The half of a trained autoencoder that makes codes.

    Attributes:
        config: its sizes.
        params: of the encoder.
        name: short hash of the parameters: codes of another encoder differ in it.
    """

    config: AutoencoderConfig
    params: dict
    name: str


def encoder_of(config: AutoencoderConfig, params: dict) -> Encoder:
    """The encoder of an autoencoder's parameters."""
    own = {"params": {"encoder": params["params"]["encoder"]}}
    return Encoder(config, own, digest(own))


def load_encoder(folder: Path | None = None) -> Encoder:
    """Reads a trained encoder.

    Args:
        folder: of its training or where it was exported to; by default the one that
            comes with dexjax.

    Raises:
        DexjaxError: if there is none.
    """
    folder = Path(folder or shipped("encoder"))
    _, meta = _read_meta(folder)
    config = _config(folder, meta)
    template = jax.eval_shape(make_autoencoder(config).init, jax.random.key(0)).params
    _, params, _ = checkpoint.restore(
        folder / "checkpoints",
        template["params"]["encoder"],
        part="params/params/encoder",
    )
    return encoder_of(config, {"params": {"encoder": params}})


def encoder_name(folder: Path | None = None) -> str:
    """The name of a trained encoder; see `load_encoder`."""
    folder = Path(folder or shipped("encoder"))
    name = _read_meta(folder)[1].get("name")
    if not isinstance(name, str):
        raise DexjaxError(f"{folder} holds no encoder: its checkpoint has no name")
    return name


def export_encoder(encoder: Encoder, folder: Path) -> None:
    """Writes an encoder without what only training needs."""
    tree = {"params": encoder.params}
    meta = encoder_meta(encoder.config) | {"name": encoder.name}
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


def _read_meta(folder: Path) -> tuple[int, dict]:
    if not (folder / "checkpoints").is_dir():
        raise DexjaxError(
            f"no encoder {folder}: give the folder of one, or train one by `dexjax "
            "train codes`"
        )
    return checkpoint.read_meta(folder / "checkpoints")


def _config(folder: Path, meta: dict) -> AutoencoderConfig:
    """The sizes that a checkpoint's meta tells."""
    told = meta.get("autoencoder")
    usual = dataclasses.asdict(AutoencoderConfig())
    if not isinstance(told, dict) or {n: type(x) for n, x in told.items()} != {
        name: type(value) for name, value in usual.items()
    }:
        raise DexjaxError(
            f"{folder} holds no encoder that this dexjax can read: train it anew"
        )
    config = AutoencoderConfig(**told)
    limits.check(config, f"{folder}: ")
    return config


def encoder_meta(config: AutoencoderConfig) -> dict:
    """What a checkpoint says of an encoder."""
    return {"autoencoder": dataclasses.asdict(config)}
