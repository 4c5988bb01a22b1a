"""Plan and cache of the everyday set: read again, made anew, damaged ones noticed."""

import json

import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.objects import load_object_set
from dexjax.objects.everyday import built_set, made, plan
from dexjax.objects.everyday.built_set import (
    build,
    cache_file,
    choose_members,
    load_members,
)
from dexjax.objects.everyday.meshes import make_mesh
from dexjax.objects.everyday.plan import members
from dexjax.objects.procedural import make_shape


def test_cache_is_read_back(small, capfd):
    names, meshes = build()
    assert names == [
        ("box", 0),
        ("box", 1),
        ("box", 2),
        ("phone", 0),
        ("toothbrush", 0),
    ]
    before = cache_file().stat().st_mtime_ns
    again, read = build()
    assert again == names
    assert read.tobytes() == meshes.tobytes()
    assert cache_file().stat().st_mtime_ns == before
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("damage", ["half", "flipped", "other", "empty"])
def test_damaged_cache_is_built_again_and_said_so(small, capfd, damage):
    expected = build()[1].tobytes()
    content = bytearray(cache_file().read_bytes())
    content[len(content) // 2] ^= 1
    wrong = {"half": content[:4000], "flipped": content, "empty": b""}
    if damage == "other":  # A sound file, but not what was hashed.
        with np.load(cache_file()) as stored:
            arrays = dict(stored)
        arrays["meshes"]["mass"] += 1
        np.savez(cache_file(), **arrays)
    else:
        cache_file().write_bytes(wrong[damage])
    objects = load_members(choose_members("train", "box"))
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "damaged" in said[0] and "built again" in said[0]
    assert build()[1].tobytes() == expected
    assert objects.names == ("box:0@0.06", "box:1@0.08")


def test_cache_that_cannot_be_written(small, capfd, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(build()[0]) == 5
    assert "cannot be written" in capfd.readouterr().err


def test_no_half_file_is_left(small, monkeypatch):
    def fails(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(built_set.np, "savez", fails)
    with pytest.raises(KeyboardInterrupt):
        build()
    assert not list(cache_file().parent.glob("*.npz"))


@pytest.fixture
def measured_again():
    yield made._made.cache_clear()
    made._made.cache_clear()


def test_the_plan_and_the_cache_depend_on_what_is_made(
    small, measured_again, monkeypatch
):
    """Not on the source text, nor on another machine's last digits."""
    first = cache_file()
    monkeypatch.setattr(made, "remembered", lambda kind, content, make: make())
    made._made.cache_clear()
    members.cache_clear()
    assert len(members()["train"]) == 4
    assert cache_file() == first
    read = made.shape_figures()
    assert made.agrees({c: [v * (1 + 1e-5) for v in row] for c, row in read.items()})

    def wider(category, variant=0, seed=0):
        shape = make_shape(category, variant, seed)
        return shape.scaled(np.array([1.01, 1, 1])) if category == "pan" else shape

    monkeypatch.setattr(made, "make_shape", wider)
    made._made.cache_clear()
    members.cache_clear()
    with pytest.raises(DexjaxError, match="other shapes: dexjax objects plan"):
        load_object_set("everyday/train:1")


def test_new_file_when_a_whole_mesh_is_made_otherwise(
    small, measured_again, monkeypatch
):
    first = cache_file()

    def heavier(category, variant):
        record = make_mesh(category, variant)
        record["mass"] *= 1.001
        return record

    monkeypatch.setattr(made, "remembered", lambda kind, content, make: make())
    monkeypatch.setattr(made, "make_mesh", heavier)
    made._made.cache_clear()
    assert cache_file() != first


def test_measuring_is_remembered_by_the_code(tmp_path, measured_again, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = made.records_digest()
    monkeypatch.setattr(made, "_measure", lambda: pytest.fail("measured again"))
    made._made.cache_clear()
    assert made.records_digest() == first
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "shapes.py").write_text("# other code")
    monkeypatch.setattr(made, "_FOLDER", tmp_path / "more")
    made._made.cache_clear()
    with pytest.raises(pytest.fail.Exception, match="measured again"):
        made.records_digest()


@pytest.mark.parametrize(
    "harm", ["", "[]", "{}", '{"made": 3}', '{"made": {"mug": 3}}']
)
def test_damaged_plan(small, harm):
    plan.PLAN.write_text(harm)
    members.cache_clear()
    with pytest.raises(DexjaxError, match="no plan of the everyday set|other shapes"):
        members()


@pytest.mark.parametrize(
    "chosen", [[0, []], [0, 10**400], ["0", 0.08], [-1, 0.08], [True, 0.08], [0, 0.09]]
)
def test_a_plan_of_what_is_no_member(small, chosen):
    whole = json.loads(plan.PLAN.read_text())
    whole["train"]["mug"] = [chosen]
    plan.PLAN.write_text(json.dumps(whole))
    members.cache_clear()
    with pytest.raises(DexjaxError, match="no plan of the everyday set"):
        members()
