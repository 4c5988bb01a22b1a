"""The everyday set: who is in it, that the splits share no mesh, and its cache."""

import collections
import hashlib
import json

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from dexjax import rotations
from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.objects import load_object, load_object_set, load_objects
from dexjax.objects.everyday import built_set, made, plan
from dexjax.objects.everyday.built_set import (
    build,
    cache_file,
    choose_members,
    load_members,
    parse_member,
)
from dexjax.objects.everyday.graspable import why_not
from dexjax.objects.everyday.meshes import make_mesh
from dexjax.objects.everyday.plan import (
    DISTINCT,
    SCALES,
    Member,
    difference,
    members,
    plan_category,
)
from dexjax.objects.object_set import MASS_RANGE, ObjectSet
from dexjax.objects.procedural import SEEN, UNSEEN, make_shape
from dexjax.scene import make_scene
from dexjax.tasks.grasp.settle import settle_objects

SMALL = {
    "train": {"box": [(0, 0.06), (1, 0.08)], "phone": [(0, 0.06), (0, 0.08)]},
    "unseen-object": {"box": [(2, 0.06)]},
    "unseen-category": {"toothbrush": [(0, 0.08)]},
}
# Their pose about the vertical axis or any face is as good as another.
ROUND = ("apple", "egg", "pear", "light_bulb", "pencil", "doorknob")


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A plan of six objects, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(plan, "PLAN", tmp_path / "plan.json")
    plan.write_plan(SMALL, plan.PLAN)
    for remembered in (members, plan._splits):
        remembered.cache_clear()
    yield
    for remembered in (members, plan._splits):
        remembered.cache_clear()


def everyone():
    return [m for chosen in members().values() for m in chosen]


def same(first, second):
    arrays = (f for f in ObjectSet.__dataclass_fields__ if f != "splits")
    return all(np.array_equal(getattr(first, f), getattr(second, f)) for f in arrays)


def test_sizes_of_the_splits():
    assert {split: len(all_of) for split, all_of in members().items()} == {
        "train": 3200,
        "unseen-object": 141,
        "unseen-category": 100,
    }
    assert len(set(everyone())) == 3441


def test_categories():
    by_split = {s: {m.category for m in chosen} for s, chosen in members().items()}
    assert by_split["train"] == by_split["unseen-object"] == set(SEEN)
    assert by_split["unseen-category"] == set(UNSEEN)
    assert len(SEEN) >= 40 and len(UNSEEN) >= 12 and not set(SEEN) & set(UNSEEN)


@pytest.mark.parametrize("split", ["train", "unseen-object", "unseen-category"])
def test_categories_are_about_equally_frequent(split):
    counts = collections.Counter(m.category for m in members()[split]).values()
    assert max(counts) - min(counts) <= 1


def test_scales():
    counts = collections.Counter(m.scale for m in members()["train"])
    assert set(counts) == set(SCALES)
    assert min(counts.values()) > 0.08 * 3200


def test_the_first_objects_are_of_different_categories():
    assert len({m.category for m in choose_members("train", count=48)}) == 48
    assert choose_members("train", "mug")[0].category == "mug"


@pytest.fixture(scope="module")
def shapes():
    """Of every mesh of the set by (split, category, variant): vertices, unit radius."""
    named = {
        (s, m.category, m.variant) for s, all_of in members().items() for m in all_of
    }
    made = {name: make_shape(*name[1:]).mesh.vertices for name in sorted(named)}
    return {n: v / np.linalg.norm(v, axis=1).max() for n, v in made.items()}


def test_no_mesh_stands_in_two_splits(shapes):
    """By content, whatever the names say: vertices as a set, at unit radius."""
    splits = collections.defaultdict(set)
    for (split, *_), unit in shapes.items():
        content = np.unique(unit.round(3) + 0.0, axis=0).tobytes()
        splits[hashlib.sha256(content).digest()].add(split)
    assert all(len(where) == 1 for where in splits.values())
    assert len(splits) == len(shapes)


def test_held_out_shapes_differ_from_those_trained_on(shapes):
    """By how far one's corners are from the other's, both of unit radius."""
    least = collections.defaultdict(lambda: np.inf)
    for (split, category, variant), held_out in shapes.items():
        if split != "unseen-object":
            continue
        for (other, kind, _), trained in shapes.items():
            if (other, kind) == ("train", category):
                far = cKDTree(trained).query(held_out)[0].max()
                back = cKDTree(held_out).query(trained)[0].max()
                name = category, variant
                least[name] = min(least[name], max(far, back))
    assert len(least) == len({k for k in shapes if k[0] == "unseen-object"})
    assert min(least.values()) >= DISTINCT


def test_difference_of_shapes():
    brick = trimesh.creation.box([1.0, 0.8, 0.5]).vertices
    assert difference(brick, brick) == 0.0
    assert difference(brick, brick[::-1, [1, 0, 2]]) == 0.0
    higher = brick + [0, 0, 0.1] * (brick > 0)
    assert difference(brick, higher) == pytest.approx(0.1)


def test_names_say_which_object():
    assert parse_member("mug:12@0.08") == Member("mug", 12, 0.08)
    assert parse_member("mug@0.1") == Member("mug", 0, 0.1)
    assert parse_member("mug:12") is None
    assert parse_member("core-mug-1@0.06") is None
    assert all(parse_member(m.name) == m for m in everyone())


@pytest.fixture(scope="module")
def sample():
    """Two dozen objects of all three splits."""
    return built_set.load_members(everyone()[:: len(everyone()) // 23])


def test_members_can_be_grasped(sample):
    assert len(set(sample.splits)) == 3
    reasons = {name: why_not(sample, i) for i, name in enumerate(sample.names)}
    assert reasons == dict.fromkeys(sample.names)


def test_plan_is_what_the_planner_chooses():
    chosen = plan_category("phone", {"train": 4})["train"]
    known = [(m.variant, m.scale) for m in choose_members("train", "phone")]
    assert {variant for variant, _ in chosen} == {v for v, _ in known[:2]}
    assert set(chosen) <= set(known)


def lies_on_its_side(objects):
    """(n,) whether the vertical of the mesh is level, so that round things may roll."""
    up = rotations.rotate(objects.rest_quat, np.array([0.0, 0.0, 1.0]))
    return np.abs(up[:, 2]) < 0.5


def test_dropped_objects_come_to_rest_as_they_should(sample):
    objects = sample
    scene = make_scene(load_hand(), objects)
    starts = settle_objects(scene, count=4)[..., scene.object_qpos]
    height = starts[..., 2] / objects.rest_height[:, None]
    up = np.array([0.0, 0.0, 1.0])
    inverse = objects.rest_quat * [1, -1, -1, -1]
    axis = rotations.rotate(inverse, up)[:, None]
    tilt = np.degrees(np.arccos(rotations.rotate(starts[..., 3:], axis)[..., 2]))
    upright = (np.abs(height - 1) < 0.1) & (tilt < 8)
    rolls = np.isin(objects.categories, ROUND) | lies_on_its_side(objects)
    level = (np.abs(height - 1) < 0.3) & rolls[:, None]
    good = upright | level
    assert good.mean() > 0.9
    assert good.any(axis=1).all()


def test_scenes_of_symmetric_things_are_of_one_size():
    """MuJoCo stores a smaller mass matrix where the centre of mass is the origin."""
    names = ["pan@0.06", "toilet_paper@0.06", "tape@0.06", "box@0.06", "donut@0.06"]
    assert len(make_scene(load_hand(), load_objects(names)).models) == len(names)


def test_one_object_is_exactly_that_of_the_set(small):
    build()
    objects = load_members(choose_members("train"))
    assert objects.names == ("box:0@0.06", "phone:0@0.06", "box:1@0.08", "phone:0@0.08")
    for i, name in enumerate(objects.names):
        alone = load_object(name)
        assert same(alone, objects.subset([i]))
        assert alone.splits == ("train",)
    assert load_object("toothbrush@0.08").splits == ("unseen-category",)


def test_the_set_has_light_and_heavy_slippery_and_rough_things(sample):
    assert np.ptp(np.log(sample.mass)) > np.log(5)
    assert sample.friction.min() < 0.5 and sample.friction.max() > 0.7


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


def test_specs(small):
    objects = load_object_set("everyday/train:3, box:2, everyday/unseen-category")
    assert objects.names[:3] == tuple(m.name for m in choose_members("train", count=3))
    assert objects.names[3:] == ("box:2", "toothbrush:0@0.08")
    assert objects.splits[-1] == "unseen-category"
    some = load_object_set("everyday/train/phone:1")
    assert some.names == ("phone:0@0.06",)
    assert (some.mass >= MASS_RANGE[0]).all() and (some.mass <= MASS_RANGE[1]).all()


def test_list_longer_than_a_file_name():
    names = [f"box:{variant}" for variant in range(2)] * 50
    assert len(",".join(names)) > 255
    assert load_object_set(",".join(names)).names == tuple(names)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("everyday/trian", "'trian': did you mean train"),
        ("everyday/", "unknown split ''"),
        ("everyday/train/mugg", "'mugg': did you mean mug"),
        ("everyday/train/toothbrush", "no category 'toothbrush'"),
        ("everyday/train:4000", "1 to 3200 objects, asked for 4000"),
        ("everyday/train/mug:0", "asked for 0"),
        ("everyday/train:many", "must be a number"),
        ("mug:x@0.08", "needs a variant and a scale"),
        ("mug:1@", "needs a variant and a scale"),
        ("mug:1@8", "between 0.01 and 0.5 m"),
        ("mug:-1@0.08", "0 or more, got -1"),
        ("", "names no object"),
    ],
)
def test_bad_specs(spec, says):
    with pytest.raises(DexjaxError, match=says) as caught:
        load_object_set(spec)
    assert "\n" not in str(caught.value)


def test_sets_where_they_do_not_fit():
    with pytest.raises(DexjaxError, match="is a set"):
        load_object("everyday/train")
    with pytest.raises(DexjaxError, match="no --size"):
        load_object_set("everyday/train:1", size=0.1)
    with pytest.raises(DexjaxError, match="by its scale"):
        load_object("mug:1@0.08", size=0.1)
