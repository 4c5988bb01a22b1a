"""Batches: all windows once an epoch, the same again, and from the middle."""

import itertools
import os
import time

import numpy as np
import pytest

from dexjax.data import loader, open_folder, read_shard, split, write_shard
from dexjax.data.shards import shard_file
from dexjax.data.windows import Span, has_window
from dexjax.errors import DexjaxError

# Bytes that hold the steps of two of the three shards, but not of all.
TWO_SHARDS = 900 * 45


def first(count, *args, **options):
    return list(itertools.islice(loader(*args, **options), count))


def places(batches, history=4):
    """(shard, world, t) of every window."""
    return [
        tuple(row)
        for batch in batches
        for row in batch.joints[:, history - 1, [2, 0, 1]].astype(int).tolist()
    ]


def windows_of(folder, number):
    steps = read_shard(folder, number)
    found = np.argwhere(has_window(steps.begins, steps.safe, Span(4, 2)))
    return {(number, int(world), int(t)) for world, t in found}


def same(one, other):
    return all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))


def test_an_epoch_has_every_window_once(folder):
    wanted = set.union(*(windows_of(folder, number) for number in range(3)))
    found = first(2 * len(wanted), folder, 1)
    for epoch in (found[: len(wanted)], found[len(wanted) :]):
        assert sorted(places(epoch)) == sorted(wanted)
    assert places(found[: len(wanted)]) != places(found[len(wanted) :])


def test_batches_have_the_stated_shapes(folder):
    (batch,) = first(1, folder, 16, history=3, future=1)
    shapes = [x.shape for x in batch]
    assert shapes == [(16, 4, 5), (16, 4, 4), (16, 4, 6), (16,), (16,)]
    kinds = [x.dtype.name for x in batch]
    assert kinds == ["float32"] * 3 + ["int32"] * 2


@pytest.mark.parametrize("memory", [1, TWO_SHARDS, 10**9])
def test_shards_that_are_in_memory_are_drawn_from_together(folder, memory):
    sizes = [len(windows_of(folder, number)) for number in range(3)]
    order = [
        shard for shard, _, _ in places(first(sum(sizes), folder, 1, memory=memory))
    ]
    changes = sum(a != b for a, b in itertools.pairwise(order))
    assert [order.count(number) for number in range(3)] == sizes
    if memory == 1:
        assert changes == 2
    else:
        assert changes > 20


@pytest.mark.parametrize("memory", [1, TWO_SHARDS, 10**9])
def test_a_training_goes_on_where_it_stopped(folder, memory):
    options = {"batch": 8, "seed": 3, "memory": memory}
    whole = first(130, folder, **options)
    assert all(map(same, whole, first(130, folder, **options)))
    for start in (1, 20, 64, 129):
        rest = first(1, folder, start=start, **options)
        assert same(rest[0], whole[start])
    assert not same(whole[0], first(1, folder, 8, seed=4, memory=memory)[0])


def test_a_held_out_part_is_never_seen(folder):
    learn, test = split(("cube", "rod", "ball"), 0.3)
    assert len(learn) == 2 and len(test) == 1
    seen = first(60, folder, 8, objects=learn)
    names = np.array(("cube", "rod", "ball"))
    assert set(names[np.concatenate([b.object for b in seen])]) == set(learn)
    learn, test = split(range(3), 0.34, seed=1)
    found = {shard for shard, _, _ in places(first(60, folder, 8, shards=learn))}
    assert found == set(learn) and not found & set(test)
    with pytest.raises(DexjaxError, match="holding out 0.5 of 1 leaves nothing"):
        split(("cube",), 0.5)


def test_bad_shards_are_refused_or_skipped(folder, capsys):
    file = shard_file(folder, 1)
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DexjaxError, match="shard-000001.h5 is damaged"):
        first(1, folder, 8)
    file.write_bytes(data[:-50])
    asked = (0, 1, 2, 7)
    said = "000001.h5 is truncated.*000007.h5 is missing; collect them again, or skip"
    with pytest.raises(DexjaxError, match=said):
        loader(folder, 8, shards=asked)
    seen = places(first(100, folder, 8, shards=asked, bad="skip"))
    assert {shard for shard, _, _ in seen} == {0, 2}
    out = capsys.readouterr().out
    assert out.startswith("skipped 2 of 4 shards: ") and out.count("\n") == 1


def test_a_shard_that_is_replaced_in_use_is_named(folder, spec, make_steps):
    batches = loader(folder, 8, memory=1)
    for _ in range(2):
        next(batches)
    for number in range(3):
        write_shard(folder, number, spec, make_steps(6, 33, 9))
    with pytest.raises(DexjaxError, match=r"shard \d .* was replaced while"):
        for _ in range(300):
            next(batches)


def test_there_must_be_something_to_load(folder, tmp_path_factory, spec):
    with pytest.raises(DexjaxError, match="no batch of 9999 windows in 3 shards"):
        first(1, folder, 9999)
    with pytest.raises(DexjaxError, match="no batch of 9999 windows"):
        first(1, folder, 9999, start=5)
    with pytest.raises(DexjaxError, match="no object 'pot' among the transitions"):
        loader(folder, 8, objects=("pot",))
    with pytest.raises(DexjaxError, match="history is 0, must be 1 or more"):
        loader(folder, 8, history=0)
    empty = tmp_path_factory.mktemp("empty")
    open_folder(empty, spec)
    with pytest.raises(DexjaxError, match="has no shards to read"):
        loader(empty, 8)


def test_speed_is_told(tmp_path, spec, make_steps, record_property):
    open_folder(tmp_path, spec)
    write_shard(tmp_path, 0, spec, make_steps(128, 200))
    batches = loader(tmp_path, 512)
    next(batches)
    began, count = time.process_time(), 100
    for _ in range(count):
        next(batches)
    rate = count * 512 / (time.process_time() - began)
    record_property("windows_per_s", rate)
    print(f"{rate:,.0f} windows/s on one of {os.cpu_count()} cores")
