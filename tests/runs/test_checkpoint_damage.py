"""Damaged checkpoints are noticed and passed over, or refused in one line."""

import gc
import json
import os
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from checkpoint_samples import two

from dexjax.errors import DexjaxError
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.checkpoint_files import fingerprint


def _files(path):
    return [p for p in sorted(path.rglob("*")) if p.is_file()]


def test_any_truncated_file_of_the_newest_falls_back(tmp_path, capsys):
    count = len(_files(two(tmp_path / "count")))
    assert count > 3
    for i in range(count):
        folder = tmp_path / str(i)
        victim = _files(two(folder))[i]
        size = victim.stat().st_size
        if size == 0:
            victim.unlink()
        else:
            os.truncate(victim, size // 2)
        step, tree, _ = checkpoint.restore(folder, {"a": jnp.zeros(4, int)})
        assert step == 1 and tree["a"][0] == 1
        warning = capsys.readouterr().err
        assert warning.count("\n") == 1
        assert "0000000002 is damaged" in warning and "taking 0000000001" in warning


def test_a_flipped_bit_falls_back(tmp_path, capsys):
    victim = max(
        _files(two(tmp_path)), key=lambda p: p.stat().st_size * ("d" in p.parts)
    )
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    assert checkpoint.restore(tmp_path, {"a": jnp.zeros(4, int)})[0] == 1
    assert "wrong checksum" in capsys.readouterr().err


def test_all_damaged_is_an_error(tmp_path):
    two(tmp_path)
    for step in (1, 2):
        (tmp_path / f"{step:010d}" / "checkpoint.json").write_text("{")
    with pytest.raises(DexjaxError, match="every checkpoint in .* is damaged"):
        checkpoint.restore(tmp_path, {"a": jnp.zeros(4)})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda index: [], "lacks one of meta"),
        (lambda index: index | {"meta": 1.0}, "lacks one of meta"),
        (lambda index: index | {"layers": {"a": []}}, "layer 'a' has no shape"),
        (lambda index: index | {"files": {"x": 3}}, "file 'x' has no length"),
        (lambda index: index | {"files": {"/dev/zero": {}}}, "is not below it"),
        (lambda index: index | {"files": {"../../x": {}}}, "is not below it"),
    ],
)
def test_an_index_that_is_none_is_said_in_one_line(tmp_path, capsys, changed, said):
    checkpoint.save(tmp_path, 1, {"a": jnp.zeros(4)}, {})
    file = tmp_path / "0000000001" / "checkpoint.json"
    file.write_text(json.dumps(changed(json.loads(file.read_text()))))
    with pytest.raises(DexjaxError, match=said) as caught:
        checkpoint.restore(tmp_path, {"a": jnp.zeros(4)})
    assert "\n" not in str(caught.value) and not capsys.readouterr().err


def test_arrays_that_cannot_be_read_though_their_sums_are_right(tmp_path, capfd):
    checkpoint.save(tmp_path, 1, {"a": jnp.arange(4000.0)}, {})
    folder = tmp_path / "0000000001"
    file = folder / "checkpoint.json"
    whole, refused = file.read_text(), []
    for victim in _files(folder / "state"):
        content = victim.read_bytes()
        victim.write_bytes(bytes(len(content)))
        index = json.loads(whole)
        index["files"][str(victim.relative_to(folder))] = fingerprint(victim)
        file.write_text(json.dumps(index))
        # There are some that orbax can do without.
        try:
            checkpoint.restore(tmp_path, {"a": jnp.zeros(4000)})
        except DexjaxError as error:
            refused.append(victim.name)
            assert "cannot be read" in str(error) and "\n" not in str(error)
        gc.collect()
        assert not capfd.readouterr().err
        victim.write_bytes(content)
    assert len(refused) > 2


def test_arrays_of_other_shapes_than_the_index_tells(tmp_path):
    checkpoint.save(tmp_path, 1, {"a": jnp.zeros(4)}, {})
    file = tmp_path / "0000000001" / "checkpoint.json"
    index = json.loads(file.read_text())
    index["layers"]["a"]["shape"] = [5]
    file.write_text(json.dumps(index))
    with pytest.raises(DexjaxError, match="a is not as its index tells"):
        checkpoint.restore(tmp_path, {"a": jnp.zeros(5)})


_UNFINISHED = """
import asyncio, sys
import numpy as np
from dexjax.errors import DexjaxError
from dexjax.runs.storage import checkpoint

class Late:
    def __init__(self, says):
        self.says = says

    def __del__(self):
        if self.says:
            raise RuntimeError(self.says)
        loop = asyncio.new_event_loop()
        loop.close()
        loop.call_soon_threadsafe(print)

try:
    checkpoint.restore(sys.argv[1], {"a": np.zeros(5)})
except DexjaxError:
    Late(None)
    Late("something else")
"""


def test_what_orbax_leaves_unfinished_says_nothing(tmp_path):
    checkpoint.save(tmp_path, 1, {"a": np.zeros(5)}, {})
    file = tmp_path / "0000000001" / "checkpoint.json"
    index = json.loads(file.read_text())
    index["layers"]["a"]["dtype"] = "int8"
    file.write_text(json.dumps(index))
    done = subprocess.run(
        [sys.executable, "-c", _UNFINISHED.replace("zeros(5)", "zeros(5, 'int8')")]
        + [str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert "something else" in done.stderr
    assert "Event loop" not in done.stderr
