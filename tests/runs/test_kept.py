"""A run keeps what it was made from: it can be moved, and its sources may go."""

import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
import trimesh
from claw import write_claw

from dexjax.cli.main import dispatch
from dexjax.hands import load_hand
from dexjax.objects.loading import load_object, load_object_set
from dexjax.objects.object_set import ObjectSet, build_object
from dexjax.runs.encoder import encoder_name
from dexjax.runs.kept import ENCODER, GRASPS, KEPT, OBJECTS, keep, with_kept
from dexjax.runs.measure import Where, measure
from dexjax.runs.run import Run
from dexjax.runs.stored import export_policy, load_stored

BOX = np.array(np.meshgrid(*[[-0.04, 0.04]] * 3)).reshape(3, -1).T


def run_on(**scene):
    return dataclasses.replace(Run(), scene=dataclasses.replace(Run().scene, **scene))


@pytest.mark.parametrize(
    ("name", "category", "kept"),
    [
        ("mug", "mug", False),
        ("mug:3", "mug", False),
        ("mug:12@0.08", "mug", False),
        ("mug", "mesh", True),  # a file called mug.obj
        ("core-mug-0123@0.06", "mug", True),  # DexGraspNet
    ],
)
def test_objects_are_kept_where_dexjax_cannot_make_them(tmp_path, name, category, kept):
    objects = build_object(name, category, [BOX])
    run = run_on(object=name)
    keep(tmp_path, run, objects)
    assert (tmp_path / OBJECTS).exists() == kept
    found = with_kept(tmp_path, run).scene
    assert found.object == (str(tmp_path / OBJECTS) if kept else name)


def test_one_of_many_is_enough_and_all_are_kept_alike(tmp_path):
    thing = build_object("thing", "mesh", [BOX])
    objects = ObjectSet.concatenate([load_object("can:1"), thing])
    run = run_on(object="can:1,thing.obj", size=0.08)
    keep(tmp_path, run, objects)
    scene = with_kept(tmp_path, run).scene
    assert scene.size is None
    again = load_object_set(scene.object)
    assert (again.names, again.categories) == (objects.names, objects.categories)
    for name in ("hulls", "hull_mask", "mass", "points", "rest_quat"):
        np.testing.assert_array_equal(getattr(again, name), getattr(objects, name))


def test_an_encoder_and_proposals_of_ones_own_are_kept(tmp_path, tiny_encoder):
    _, encoder = tiny_encoder
    grasps = tmp_path / "mine.npz"
    grasps.write_bytes(b"proposals")
    run = run_on(encoder=encoder, grasps=grasps)
    folder = tmp_path / "run"
    folder.mkdir()
    # A process that was killed while it wrote the encoder.
    (folder / ENCODER / "checkpoints").mkdir(parents=True)
    keep(folder, run, load_object("box"))
    grasps.unlink()
    keep(folder, run, load_object("box"))  # once: the source may be gone
    scene = with_kept(folder, run).scene
    assert encoder_name(scene.encoder) == encoder_name(encoder)
    assert scene.grasps == folder / GRASPS
    assert scene.grasps.read_bytes() == b"proposals"
    assert {path.name for path in folder.iterdir()} <= set(KEPT)


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """A run on a mesh file with a hand of one's own, elsewhere now; and its export.

    What it was made from is gone.
    """
    folder = tmp_path_factory.mktemp("before")
    hand = write_claw(folder)
    mesh = folder / "brick.obj"
    trimesh.creation.box((0.08, 0.05, 0.06)).export(mesh)
    tiny = ["--preset", "smoke", "--ppo.worlds", "8", "--ppo.steps", "25"]
    tiny += ["--network.widths", "16", "--task.starts", "2", "--env-steps", "200"]
    tiny += ["--eval-episodes", "2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = ["--object", "brick.obj", "--hand", hand.name, "--out", "run"]
        dispatch(["train", "base", *words, *tiny])
    elsewhere = tmp_path_factory.mktemp("after")
    run = (folder / "run").rename(elsewhere / "run")
    shutil.rmtree(folder)
    load_hand.cache_clear()
    export_policy(run, elsewhere / "exported")
    return run, elsewhere / "exported"


@pytest.mark.parametrize("which", [0, 1])
def test_a_run_on_a_mesh_is_evaluated_where_it_was_moved_to(moved, which, tmp_path):
    stored = load_stored(moved[which])
    found = measure(stored, Where(engine="native", episodes=2))
    assert found["episodes"] == 2 and found["trained_on"] == "brick.obj"
    (row,) = found["rows"]
    assert re.fullmatch(r"brick-[0-9a-f]{8}", row["object"])


def test_it_is_evaluated_on_others_as_well(moved, tmp_path, capsys):
    out = tmp_path / "found.json"
    words = ["--object", "can", "--episodes", "1", "--engine", "native"]
    dispatch(["evaluate", str(moved[0]), *words, "--out", str(out), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["rows"][0]["object"] == "can" and json.loads(out.read_text()) == found
