"""`dexjax grasp-sets`: interrupted and gone on with, bad input, its summary."""

import json

import numpy as np
import pytest

from dexjax.cli.main import dispatch
from dexjax.errors import DexjaxError
from dexjax.grasps.sets.grasp_set import read_sets
from dexjax.grasps.sets.search import Search
from dexjax.systems.dexgen import grasp_sets as module


@pytest.fixture
def small(monkeypatch):
    """Searches of few grasps a round, kept after each; compiled once for all."""
    monkeypatch.setattr(module, "SAVED_S", 0.0)
    monkeypatch.setattr(module, "TURNS", {"palm up": None, "fingers up": None})
    made, scene = [], module.palm_scene
    monkeypatch.setattr(
        module, "palm_scene", lambda hand, o: scene(hand, o, (*module.TURNS,))
    )

    def search(*arguments):
        if not made:
            made.append(Search(*arguments, batch=128))
        return made[0]

    monkeypatch.setattr(module, "Search", search)


COMMAND = ("grasp-sets", "--names", "cube", "--size", "12", "--seed", "1")
COMMAND += ("--patience", "8")


def test_an_interrupted_search_goes_on_to_the_same_end(small, tmp_path, monkeypatch):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    dispatch([*COMMAND, "--out", str(whole)])
    step, done = Search.step, []

    def interrupted(self, found):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return step(self, found)

    monkeypatch.setattr(Search, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        dispatch([*COMMAND, "--out", str(broken)])
    assert not (broken / "grasp_sets.npz").exists()
    monkeypatch.setattr(Search, "step", step)
    dispatch([*COMMAND, "--out", str(broken)])
    one, other = (read_sets(f / "grasp_sets.npz") for f in (whole, broken))
    np.testing.assert_array_equal(one.joints, other.joints)
    summary = json.loads((broken / "summary.json").read_text())
    assert 0 < summary["grasps"] == len(one) <= 24
    assert summary["valid"] <= summary["tried"] and summary["seconds"] > 0
    assert summary["split"] == "train" and summary["turns_found"] == 2


def test_a_damaged_search_is_named(small, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    monkeypatch.setattr(Search, "missing", lambda self, found: np.zeros(1))
    dispatch([*COMMAND, "--out", str(folder)])
    assert json.loads((folder / "summary.json").read_text())["grasps"] == 0
    (folder / "summary.json").unlink()
    (folder / "checkpoints" / "search.npz").write_bytes(b"PK")
    with pytest.raises(DexjaxError, match=r"search.npz is damaged.*--fresh"):
        dispatch([*COMMAND, "--out", str(folder)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ["--names", "cubes"],
            "no object 'cubes' in geometric/train: did you mean cube",
        ),
        (["--objects", "mine"], "mine"),
        (["--size", "1"], "size"),
        (["--hand", "claw"], "claw"),
    ],
)
def test_bad_choices_are_one_line(tmp_path, change, said):
    with pytest.raises((DexjaxError, SystemExit), match=said) as caught:
        dispatch([*COMMAND, *change, "--out", str(tmp_path / "run")])
    assert "\n" not in str(caught.value).strip()
