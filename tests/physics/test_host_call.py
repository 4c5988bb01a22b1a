"""Python called from compiled code, against `jax.pure_callback`."""

import functools
import gc
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.physics import host_call
from dexjax.physics.host_call import HostFunction

OUTPUTS = [
    jax.ShapeDtypeStruct((2,), jnp.float32),
    jax.ShapeDtypeStruct((), jnp.int32),
    jax.ShapeDtypeStruct((0,), jnp.float32),
]


def fill(inputs, outputs):
    matrix, factor = inputs
    outputs[0][...] = matrix.sum(axis=-1) * factor[..., None]
    outputs[1][...] = factor + 1


def expected(matrix, factor):
    return matrix.sum(axis=-1) * factor, factor + 1


@pytest.fixture
def call():
    function = HostFunction(fill)
    return lambda *inputs: function(OUTPUTS, *inputs)


def inputs(*batch):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(*batch, 2, 3)).astype(np.float32)
    return matrix, rng.integers(5, size=batch, dtype=np.int32)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_one_call(call, wrap):
    matrix, factor = inputs()
    found = wrap(call)(matrix, factor)
    for got, wanted in zip(found, expected(matrix, factor), strict=False):
        assert np.allclose(got, wanted)
    assert found[2].shape == (0,)


def test_the_other_devices_way_agrees(call, monkeypatch):
    """`pure_callback`, which a GPU or TPU takes, made to run here."""
    monkeypatch.setattr(
        jax.lax, "platform_dependent", lambda *inputs, cpu, default: default(*inputs)
    )
    batch = inputs(4)
    with_callback = jax.jit(jax.vmap(call))(*batch)
    monkeypatch.undo()
    with_ffi = jax.jit(jax.vmap(call))(*batch)
    for one, other in zip(with_callback, with_ffi, strict=True):
        assert one.shape == other.shape and np.array_equal(one, other)


def test_a_batch_is_one_call():
    shapes = []

    def note(inputs, outputs):
        shapes.append(inputs[0].shape)
        fill(inputs, outputs)

    function = HostFunction(note)
    batched = jax.vmap(jax.vmap(lambda *x: function(OUTPUTS, *x), (0, None)))
    matrix, _ = inputs(4, 5)
    factor = np.arange(4, dtype=np.int32)
    found = jax.jit(batched)(matrix, factor)
    assert shapes == [(4, 5, 2, 3)]
    assert np.allclose(found[0], matrix.sum(-1) * factor[:, None, None])


def test_in_a_scan(call):
    def step(carry, _):
        sums, _, _ = call(jnp.stack([carry] * 3, axis=1), jnp.int32(1))
        return sums, sums

    _, rows = jax.jit(lambda x: jax.lax.scan(step, x, length=4))(jnp.ones(2))
    assert np.allclose(rows[:, 0], [3, 9, 27, 81])


def test_an_error_in_python_is_an_error_in_jax():
    def fail(inputs, outputs):
        raise KeyError("no such thing")

    function = HostFunction(fail)
    with pytest.raises(Exception, match="KeyError: 'no such thing'"):
        jax.block_until_ready(jax.jit(lambda *x: function(OUTPUTS, *x))(*inputs()))


def test_a_function_that_is_gone_is_an_error():
    jitted = jax.jit(functools.partial(HostFunction(fill), OUTPUTS))
    compiled = jitted.lower(*inputs()).compile()
    del jitted
    jax.clear_caches()
    gc.collect()
    with pytest.raises(Exception, match="no longer exists"):
        jax.block_until_ready(compiled(*inputs()))


def test_nothing_is_registered_before_it_is_used():
    """A registration that XLA refuses would leave JAX without a CPU."""
    program = (
        "import jax\n"
        "noted = []\n"
        "jax.ffi.register_ffi_target = lambda *given, **_: noted.append(given)\n"
        "import dexjax.physics.host_call, dexjax.physics.native\n"
        "print(len(noted))\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "0\n"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "#define XLA_FFI_API_MAJOR 1\n#define XLA_FFI_API_MINOR 0\n",
        "#define XLA_FFI_API_MINOR 3\n",
    ],
)
def test_an_interface_of_another_version_is_left_alone(
    call, header, tmp_path, monkeypatch
):
    """`pure_callback` serves instead, with the same results."""
    wanted = jax.jit(jax.vmap(call))(*inputs(4))
    folder = tmp_path / "xla" / "ffi" / "api"
    folder.mkdir(parents=True)
    if header is not None:
        (folder / "c_api.h").write_text(header)
    monkeypatch.setattr(jax.ffi, "include_dir", lambda: str(tmp_path))
    caches = host_call._header_version, host_call._registered
    for cache in caches:
        cache.cache_clear()
    text = jax.jit(jax.vmap(call)).lower(*inputs(4)).as_text()
    found = jax.jit(jax.vmap(call))(*inputs(4))
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()
    assert "dexjax_host_call" not in text
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)


PROGRAM = """
import sys, jax, jax.numpy as jnp
from dexjax.physics.host_call import HostFunction
jax.config.update("jax_compilation_cache_dir", sys.argv[1])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
hits = []
jax.monitoring.register_event_listener(lambda name, **_: hits.append(name))
def double(inputs, outputs):
    outputs[0][...] = 2 * inputs[0]
function = HostFunction(double)
shape = [jax.ShapeDtypeStruct((3,), jnp.float32)]
print(jax.jit(lambda x: function(shape, x)[0] + 1)(jnp.arange(3.0)))
print(sum("cache_hits" in name for name in hits))
"""


def test_compiled_callers_are_found_in_the_cache_by_another_process(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "jax")]
    said = [
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert all(text.startswith("[1. 3. 5.]") for text in said)
    assert int(said[0].split()[-1]) == 0 and int(said[1].split()[-1]) > 0
