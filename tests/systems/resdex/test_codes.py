"""The encoder of objects: trained, kept, applied; and clusters of codes."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.cli.main import dispatch
from dexjax.errors import DexjaxError
from dexjax.learners.autoencoder import AutoencoderConfig
from dexjax.objects.loading import load_objects
from dexjax.runs.encoder import (
    encoder_name,
    export_encoder,
    load_encoder,
    object_codes,
    with_codes,
)
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.folder import RunFolder
from dexjax.systems.resdex import codes, encoder_training
from dexjax.systems.resdex.codes import central_objects, train_encoder

TINY = AutoencoderConfig(points=32, batch=4, steps=40)


@pytest.fixture(scope="module")
def objects():
    return load_objects(["box", "can", "bottle"])


@pytest.fixture(scope="module")
def trained(objects, tmp_path_factory):
    path = tmp_path_factory.mktemp("codes") / "run"
    with RunFolder.open(path, {"seed": 0}) as run:
        return path, train_encoder(run, TINY, objects.points, seed=0)[0]


def test_what_is_loaded_encodes_alike(trained, objects, tmp_path):
    path, encoder = trained
    own = object_codes(encoder, objects)
    assert own.shape == (3, 64) and np.ptp(own, axis=0).max() > 1e-3
    export_encoder(encoder, tmp_path / "encoder")
    for folder in (path, tmp_path / "encoder"):
        found = load_encoder(folder)
        assert found.name == encoder.name == encoder_name(folder)
        np.testing.assert_array_equal(object_codes(found, objects), own)
    np.testing.assert_array_equal(with_codes(objects, encoder).code, own)


def test_an_interrupted_training_gives_the_same(
    trained, objects, tmp_path, monkeypatch
):
    monkeypatch.setattr(codes, "_CHECKPOINT_EVERY", 0.0)
    save = codes._save

    def killed(folder, step, state, config, wall_s):
        # As if it had worked for a quarter of an hour.
        save(folder, step, state, config, wall_s + 900.0)
        raise KeyboardInterrupt

    with RunFolder.open(tmp_path / "run", {"seed": 0}) as run:
        monkeypatch.setattr(codes, "_save", killed)
        with pytest.raises(KeyboardInterrupt):
            train_encoder(run, TINY, objects.points, seed=0)
        monkeypatch.setattr(codes, "_save", save)
        again, _, wall_s = train_encoder(run, TINY, objects.points, seed=0)
    assert again.name == trained[1].name
    # Counted once, whatever this process itself takes.
    assert 900.0 < wall_s < 1000.0


def test_the_command_again_reuses_what_is_finished(tmp_path, monkeypatch):
    row = {"split": "train", "chamfer_mm2": 1.0, "same_category": 1.0}
    measured = []

    def measure(encoder, both, objects):
        # Both halves: what is decoded is held against what was encoded.
        assert set(both["params"]) > {"encoder"}
        measured.append(encoder.name)
        return [row | {"same_category_by_chance": 0.5}]

    monkeypatch.setattr(encoder_training, "measure", measure)
    monkeypatch.setattr("dexjax.cli.train_codes.use_compilation_cache", lambda: None)
    steps = [f"--autoencoder.{name}={x}" for name, x in vars(TINY).items()]
    command = ["train", "codes", "--object", "box", *steps]
    command += ["--out", str(tmp_path / "run")]
    dispatch(command)
    summary = (tmp_path / "run" / "summary.json").read_text()
    assert measured == [encoder_name(tmp_path / "run")]
    results = ["--results", str(tmp_path / "codes.json")]
    dispatch([*command, *results, "--export", str(tmp_path / "encoder")])
    assert len(measured) == 1
    assert (tmp_path / "run" / "summary.json").read_text() == summary
    rows = json.loads((tmp_path / "codes.json").read_text())
    assert rows == json.loads(summary)["rows"] and row.items() <= rows[0].items()
    assert encoder_name(tmp_path / "encoder") == measured[0]


def test_no_encoder_is_said(tmp_path):
    with pytest.raises(DexjaxError, match="no encoder .*dexjax train codes"):
        load_encoder(tmp_path)


def test_the_central_objects_of_clusters():
    rng = np.random.default_rng(0)
    middles = 10 * np.eye(3)
    sizes = (30, 10, 20)
    cloud = np.concatenate(
        [m + rng.normal(size=(n, 3)) for m, n in zip(middles, sizes, strict=True)]
    )
    starts = (0, 30, 40)
    cloud[list(starts)] = middles
    chosen = [first for (first,) in central_objects(cloud, 3)]
    # The largest cluster first; nearest to its mean is (nearly) its middle.
    clusters = [int(np.searchsorted(starts, i, side="right")) - 1 for i in chosen]
    assert clusters == [0, 2, 1]
    far = np.linalg.norm(cloud[chosen] - middles[clusters], axis=1)
    assert far.max() < 1.5
    # The nearest of those that are fit, or of all in a cluster without one.
    fit = np.zeros(len(cloud), bool)
    fit[[5, 7, 45]] = True
    nearer = min((5, 7), key=lambda i: np.linalg.norm(cloud[i] - cloud[:30].mean(0)))
    assert central_objects(cloud, 3, fit=fit) == [[nearer], [45], [chosen[2]]]
    # Then the others: the fit ones first, of those the nearest.
    largest, _, smallest = central_objects(cloud, 3, fit=fit, count=12)
    assert largest[:3] == [nearer, 12 - nearer, chosen[0]]
    far = np.linalg.norm(cloud[largest[2:]] - cloud[:30].mean(axis=0), axis=1)
    assert len(largest) == 12 and (np.diff(far) >= 0).all()
    assert set(smallest) == set(range(30, 40))  # no more than there are
    with pytest.raises(DexjaxError, match="4 clusters of 3 objects"):
        central_objects(middles, 4)


SIZES = dataclasses.asdict(AutoencoderConfig())


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, "holds no encoder that this dexjax can read"),
        ("x", "holds no encoder that this dexjax can read"),
        ({"code": 64}, "holds no encoder that this dexjax can read"),
        (SIZES | {"code": "64"}, "holds no encoder that this dexjax can read"),
        (SIZES | {"code": 10**9}, "code is 1000000000, must be between"),
    ],
)
def test_what_is_no_encoder_is_said(tmp_path, told, said):
    meta = {"autoencoder": told}
    checkpoint.save(tmp_path / "checkpoints", 1, {"a": jnp.zeros(1)}, meta)
    with pytest.raises(DexjaxError, match=said):
        load_encoder(tmp_path)
    with pytest.raises(DexjaxError, match="its checkpoint has no name"):
        encoder_name(tmp_path)
