"""Checkpoints come back as they were saved, the newest are kept, strangers refused."""

import json
import os
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.runs.storage import checkpoint


def _tree(value=0.0, width=8):
    return {
        "params": {
            "actor": {
                "Dense_0": {
                    "kernel": jnp.full((4, width), value),
                    "bias": jnp.zeros(width),
                }
            },
        },
        "pair": (np.arange(3), [jnp.float32(value)]),
        "typed": jax.random.key(7, impl="rbg"),
        "raw": jax.random.PRNGKey(8),
        "count": 3,
        "rate": 2.5,
    }


def test_round_trip(tmp_path):
    tree = _tree(1.5)
    checkpoint.save(tmp_path / "c", 12, tree, {"hand": "shadow"})
    template = jax.tree.map(jnp.zeros_like, tree["params"])
    step, restored, meta = checkpoint.restore(
        tmp_path / "c", {**_tree(), "params": template}
    )
    assert (step, meta) == (12, {"hand": "shadow"})
    assert checkpoint.read_meta(tmp_path / "c") == (12, {"hand": "shadow"})
    np.testing.assert_array_equal(
        restored["params"]["actor"]["Dense_0"]["kernel"], np.full((4, 8), 1.5)
    )
    assert isinstance(restored["params"]["actor"]["Dense_0"]["kernel"], jax.Array)
    assert type(restored["pair"][0]) is np.ndarray
    assert restored["count"] == 3 and type(restored["count"]) is int
    assert restored["rate"] == 2.5
    np.testing.assert_array_equal(restored["raw"], tree["raw"])
    for key in (tree["typed"], restored["typed"]):
        assert jax.random.key_impl(key) == jax.random.key_impl(tree["typed"])
    np.testing.assert_array_equal(
        jax.random.normal(restored["typed"], 5), jax.random.normal(tree["typed"], 5)
    )


def test_shapes_suffice_as_template(tmp_path):
    tree = {name: _tree(2.0)[name] for name in ("params", "typed")}
    checkpoint.save(tmp_path, 0, tree, {})
    template = jax.eval_shape(lambda: tree)
    _, restored, _ = checkpoint.restore(tmp_path, template)
    assert restored["params"]["actor"]["Dense_0"]["kernel"][0, 0] == 2.0
    assert restored["typed"].dtype == template["typed"].dtype


def test_keeps_the_newest_two(tmp_path):
    for step in (1, 5, 9):
        checkpoint.save(tmp_path, step, _tree(step), {})
    assert sorted(os.listdir(tmp_path)) == ["0000000005", "0000000009"]
    assert checkpoint.latest_step(tmp_path) == 9


def test_saving_a_step_again_replaces_it(tmp_path):
    for value in (1.0, 2.0):
        checkpoint.save(tmp_path, 4, {"a": jnp.full(2, value)}, {})
    _, tree, _ = checkpoint.restore(tmp_path, {"a": jnp.zeros(2)})
    assert tree["a"][0] == 2.0
    assert os.listdir(tmp_path) == ["0000000004"]


def test_a_resumed_training_discards_the_abandoned_future(tmp_path):
    checkpoint.save(tmp_path, 5, _tree(), {})
    checkpoint.save(tmp_path, 9, _tree(), {})
    checkpoint.save(tmp_path, 7, _tree(), {})
    assert sorted(os.listdir(tmp_path)) == ["0000000005", "0000000007"]


def test_no_checkpoint(tmp_path):
    assert checkpoint.latest_step(tmp_path / "none") is None
    with pytest.raises(DexjaxError, match="no checkpoint in"):
        checkpoint.restore(tmp_path / "none", _tree())


def test_another_hand(tmp_path):
    checkpoint.save(tmp_path, 0, _tree(), {"hand": "allegro"})
    with pytest.raises(
        DexjaxError, match="has hand 'allegro', this run wants 'shadow'"
    ):
        checkpoint.restore(tmp_path, _tree(), expect={"hand": "shadow"})


def test_another_network(tmp_path):
    checkpoint.save(tmp_path, 0, _tree(width=16), {})
    with pytest.raises(DexjaxError) as error:
        checkpoint.restore(tmp_path, _tree(width=8))
    line = str(error.value)
    assert "params/actor/Dense_0/kernel: (4, 16) there, (4, 8) here" in line
    assert "\n" not in line
    extra = {**_tree(width=16), "log_std": jnp.zeros(2)}
    with pytest.raises(DexjaxError, match=r"log_std: none there, \(2,\) here"):
        checkpoint.restore(tmp_path, extra)


def test_expected_meta_may_hold_tuples(tmp_path):
    checkpoint.save(tmp_path, 0, {"a": jnp.zeros(1)}, {"widths": (64, 64)})
    expect = {"widths": (64, 64)}
    checkpoint.restore(tmp_path, {"a": jnp.zeros(1)}, expect=expect)


def test_quick_enough(tmp_path):
    # 20 MB in 80 arrays; generous, for other work may share the machine.
    rng = np.random.default_rng(0)
    tree = {str(i): rng.normal(size=(256, 256)).astype("f4") for i in range(80)}
    seconds = []
    for step in range(4):
        start = time.perf_counter()
        checkpoint.save(tmp_path, step, tree, {})
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds))
    assert min(seconds) < 0.6
