"""Names of the everyday set: what they load, and those that name nothing."""

import numpy as np
import pytest
from everyday_samples import everyone

from dexjax.errors import DexjaxError
from dexjax.objects import load_object, load_object_set
from dexjax.objects.everyday.built_set import (
    build,
    choose_members,
    load_members,
    parse_member,
)
from dexjax.objects.everyday.plan import Member
from dexjax.objects.object_set import MASS_RANGE, ObjectSet


def test_names_say_which_object():
    assert parse_member("mug:12@0.08") == Member("mug", 12, 0.08)
    assert parse_member("mug@0.1") == Member("mug", 0, 0.1)
    assert parse_member("mug:12") is None
    assert parse_member("core-mug-1@0.06") is None
    assert all(parse_member(m.name) == m for m in everyone())


def same(first, second):
    arrays = (f for f in ObjectSet.__dataclass_fields__ if f != "splits")
    return all(np.array_equal(getattr(first, f), getattr(second, f)) for f in arrays)


def test_one_object_is_exactly_that_of_the_set(small):
    build()
    objects = load_members(choose_members("train"))
    assert objects.names == ("box:0@0.06", "phone:0@0.06", "box:1@0.08", "phone:0@0.08")
    for i, name in enumerate(objects.names):
        alone = load_object(name)
        assert same(alone, objects.subset([i]))
        assert alone.splits == ("train",)
    assert load_object("toothbrush@0.08").splits == ("unseen-category",)


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
