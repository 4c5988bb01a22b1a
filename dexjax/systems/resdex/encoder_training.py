"""The encoder of object codes: trained, and how good it is on every split."""

import dataclasses
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial import cKDTree

from dexjax.learners.autoencoder import AutoencoderConfig, chamfer, make_autoencoder
from dexjax.limits import Limits
from dexjax.objects.loading import load_object_set
from dexjax.objects.object_set import ObjectSet
from dexjax.runs.encoder import Encoder, export_encoder, load_encoder, object_codes
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import read_json, write_json
from dexjax.runs.storage.folder import RunFolder
from dexjax.systems.resdex.codes import train_encoder

HELD_OUT = ("unseen-object", "unseen-category")
# Random turns of every object for the figures on rotation.
TURNS = 4


@dataclasses.dataclass(frozen=True)
class EncoderOptions:
    """Trains the point-cloud autoencoder on the train split; says how good it is.

    Attributes:
        object: what to train on.
        autoencoder: the learner.
        seed: of everything.
        out: run folder.
        fresh: start anew.
        results: JSON file of the figures; in the run folder by default.
        export: folder for the encoder alone.
    """

    object: str = "everyday/train"
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    seed: int = 0
    out: Path = Path("runs/codes")
    fresh: bool = False
    results: Path | None = None
    export: Path | None = None

    LIMITS: ClassVar[Limits] = {"seed": (0, 2_000_000_000)}


def measure(encoder: Encoder, both: dict, train: ObjectSet) -> list[dict]:
    """One row per split: Chamfer distance, and neighbours of the same category.

    Args:
        encoder: the half that makes codes.
        both: parameters of the whole autoencoder.
        train: what it was trained on.
    """
    rows = []
    codes = object_codes(encoder, train)
    for split in ("train", *HELD_OUT):
        held = train if split == "train" else load_object_set(f"everyday/{split}")
        own = codes if split == "train" else object_codes(encoder, held)
        # An unseen category has its neighbours among itself only.
        if split == "unseen-object":
            right = neighbours(own, held, codes, train)
        else:
            right = neighbours(own, held, own, held)
        rows.append(
            {
                "split": split,
                "objects": len(held),
                "chamfer_mm2": float(1e6 * distances(encoder, both, held).mean()),
                "relative_error": float(relative(encoder, both, held).mean()),
                "same_category": float(right.mean()),
                "same_category_by_chance": chance(held, train, split),
                "code_change_when_turned": turned_change(encoder, held, own),
            }
        )
    return rows


def distances(encoder: Encoder, both: dict, objects: ObjectSet) -> np.ndarray:
    """Chamfer distances (n,) of the clouds and what their codes decode to, m^2."""
    learner = make_autoencoder(encoder.config)
    far = jax.jit(lambda cloud: chamfer(learner.reconstruct(both, cloud), cloud))
    return np.array([far(cloud) for cloud in jnp.asarray(objects.points)])


def relative(encoder: Encoder, both: dict, objects: ObjectSet) -> np.ndarray:
    """Root of half the Chamfer distance (n,), as a share of the object's diagonal."""
    diagonal = np.linalg.norm(np.ptp(objects.points, axis=1), axis=1)
    return np.sqrt(distances(encoder, both, objects) / 2) / diagonal


def neighbours(
    codes: np.ndarray, objects: ObjectSet, known: np.ndarray, among: ObjectSet
) -> np.ndarray:
    """Whether the nearest code of another mesh (n,) is of the same category."""
    meshes = np.array([name.split("@")[0] for name in among.names])
    # A mesh has at most six sizes, so that among seven there is another one.
    nearest = cKDTree(known).query(codes, k=7)[1]
    right = []
    for i, candidates in enumerate(nearest):
        own = objects.names[i].split("@")[0]
        other = next(j for j in candidates if meshes[j] != own)
        right.append(among.categories[other] == objects.categories[i])
    return np.array(right)


def chance(held: ObjectSet, train: ObjectSet, split: str) -> float:
    """How often an object drawn at random has the same category."""
    among = train if split == "unseen-object" else held
    names, counts = np.unique(among.categories, return_counts=True)
    share = dict(zip(names, counts / len(among), strict=True))
    return float(np.mean([share.get(c, 0.0) for c in held.categories]))


def turned_change(encoder: Encoder, objects: ObjectSet, codes: np.ndarray) -> float:
    """Change of a code when its cloud is turned, relative to that between objects."""
    from scipy.spatial.transform import Rotation

    turns = Rotation.random(len(objects) * TURNS, rng=np.random.default_rng(0))
    matrices = turns.as_matrix().reshape(len(objects), TURNS, 3, 3)
    changed = [
        object_codes(
            encoder,
            dataclasses.replace(
                objects,
                points=np.einsum("npi,nji->npj", objects.points, matrices[:, i]).astype(
                    np.float32
                ),
            ),
        )
        for i in range(TURNS)
    ]
    own = np.mean([np.linalg.norm(c - codes, axis=1).mean() for c in changed])
    others = np.linalg.norm(codes - np.roll(codes, len(codes) // 2, axis=0), axis=1)
    return float(own / others.mean())


def train_codes(options: EncoderOptions) -> list[dict]:
    """Trains, measures, exports; again, it goes on. A row for each split."""
    asked = {
        "object": options.object,
        "autoencoder": dataclasses.asdict(options.autoencoder),
        "seed": options.seed,
    }
    with RunFolder.open(options.out, asked, options.fresh) as run:
        if not run.finished:
            run.write_summary({"rows": _train(run, options)})
        rows = read_json(run.summary_path)["rows"]
    if options.results is not None:
        write_json(options.results, rows)
    if options.export is not None:
        export_encoder(load_encoder(options.out), options.export)
    return rows


def _train(run: RunFolder, options: EncoderOptions) -> list[dict]:
    """Trains the encoder, or goes on; its rows."""
    objects = load_object_set(options.object)
    encoder, both, wall_s = train_encoder(
        run, options.autoencoder, objects.points, options.seed
    )
    common = {
        "encoder": encoder.name,
        "wall_s": round(wall_s, 1),
        "autoencoder": dataclasses.asdict(options.autoencoder),
        "seed": options.seed,
        "trained_on": options.object,
        **provenance(),
    }
    return [row | common for row in measure(encoder, both, objects)]
