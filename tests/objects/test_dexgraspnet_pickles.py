"""Pickles of DexGraspNet: honest ones are read, no other runs anything."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.objects.dexgraspnet import read_grasps
from dexjax.objects.dexgraspnet.safe_pickle import load_npy, load_npz


class Reduces:
    """Pickles as a call of anything."""

    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


def npy(payload):
    """An object array file whose pickle is `payload`."""
    stream = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + payload


def payloads(marker):
    """Pickles that would run something or misuse NumPy; `marker` must not appear."""
    touch = Reduces(os.system, f"touch {marker}")
    multiarray = "numpy.core.multiarray"
    new_array = f"c{multiarray}\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    object_dtype = "cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR"
    yield "call", pickle.dumps(touch)
    for protocol in range(5):
        content = np.array([{"qpos": {"WRJTx": touch}}])
        yield f"nested {protocol}", pickle.dumps(content, protocol)
    yield "eval", pickle.dumps(Reduces(eval, f"open({str(marker)!r}, 'w')"))
    yield "open", pickle.dumps(Reduces(open, str(marker), "w"))
    yield "attribute", f"cos\nsystem\n(S'touch {marker}'\ntR.".encode()
    yield "dotted", b"\x80\x04\x8c\x05numpy\x8c\x09os.system\x93."
    yield "inst", f"(S'touch {marker}'\nios\nsystem\n.".encode()
    yield "numpy load", f"cnumpy\nload\n(S'{marker}'\ntR.".encode()
    # NumPy would unpickle these bytes, or take them for pointers to objects.
    inner = pickle.dumps(touch, 0).decode()
    yield (
        "scalar of objects",
        f"c{multiarray}\nscalar\n({object_dtype}S{inner!r}\ntR.".encode(),
    )
    yield (
        "bytes as objects",
        (f"{new_array}(I1\n(I1\nt{object_dtype}I00\nS'AAAAAAAA'\ntb.").encode(),
    )
    yield (
        "dtype state",
        (b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI8\nI8\nI0\ntb."),
    )
    yield "odd dtype", b"cnumpy\ndtype\n(S'V1000000'\nI0\nI1\ntR."
    yield (
        "other class",
        (f"c{multiarray}\n_reconstruct\n(cnumpy\nmemmap\n(I0\ntS'b'\ntR.").encode(),
    )
    yield "build on the reader", b"cnumpy\ndtype\n(dS'x'\nI1\nsb."
    f8 = "cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR"
    yield "huge", f"{new_array}(I1\n(I9999999999\nt{f8}I00\nS'AAAAAAAA'\ntb."
    yield "persistent", b"Pabc\n."
    yield "extension", b"\x80\x02\x82\x01."
    yield "empty", b""


def test_malicious_pickles_run_nothing(tmp_path):
    marker = tmp_path / "ran"
    for name, payload in payloads(marker):
        data = npy(payload.encode() if isinstance(payload, str) else payload)
        (tmp_path / "x.npy").write_bytes(data)
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr("qpos.npy", data)
        for read, file in (
            (load_npy, "x.npy"),
            (load_npz, "x.npz"),
            (read_grasps, "x.npy"),
            (read_grasps, "x.npz"),
        ):
            with pytest.raises(DexjaxError) as caught:
                read(tmp_path / file)
            assert file in str(caught.value), name
            assert "\n" not in str(caught.value), name
        assert not marker.exists(), name


def test_refusal_names_what_was_asked(tmp_path):
    (tmp_path / "x.npy").write_bytes(npy(pickle.dumps(Reduces(os.system, "true"))))
    with pytest.raises(DexjaxError, match=r"asks to run \w+\.system"):
        load_npy(tmp_path / "x.npy")


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_honest_pickles_of_every_protocol(tmp_path, protocol):
    content = [{"a": np.float32(0.5), "b": np.arange(6.0).reshape(2, 3), "c": [1, "x"]}]
    array = np.array(content, dtype=object)
    (tmp_path / "x.npy").write_bytes(npy(pickle.dumps(array, protocol)))
    (entry,) = load_npy(tmp_path / "x.npy")
    assert entry["a"] == 0.5
    assert np.array_equal(entry["b"], np.arange(6.0).reshape(2, 3))
    assert entry["c"] == [1, "x"]


def test_plain_numbers_need_no_pickle(tmp_path):
    values = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    np.save(tmp_path / "x.npy", values)
    assert np.array_equal(load_npy(tmp_path / "x.npy"), values)


def test_lists_in_themselves_and_headers_without_end(tmp_path):
    own = []
    own.append(own)
    whole = npy(pickle.dumps([1]))
    packed = tmp_path / "packed.npz"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("qpos.npy", whole * 9)
    start = packed.read_bytes().index(b"qpos.npy") + len("qpos.npy")
    broken = bytearray(packed.read_bytes())
    broken[start : start + 4] = b"\xff" * 4
    deep = b"\x80\x04" + b"]" * 20_000 + b"a" * 19_999 + b"."
    contents = {
        "own.npy": npy(pickle.dumps(own)),
        "deep.npy": npy(deep),
        "header.npy": whole.replace(b"}", b"("),
        "zlib.npz": bytes(broken),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DexjaxError, match=f"{name}: damaged") as caught:
            read_grasps(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    [
        {"qpos": np.zeros(3), "scale": 1.0},
        {"qpos": {}, "scale": 10**400},
        {"qpos": {"WRJRx": 10**400}, "scale": 1.0},
        {"qpos": [], "scale": 1.0},
        [1, 2],
        "qpos",
    ],
)
def test_grasps_that_are_no_dict_of_numbers(tmp_path, entry):
    (tmp_path / "a.npy").write_bytes(npy(pickle.dumps([entry])))
    with pytest.raises(DexjaxError, match="grasp 0 (is not a dict|lacks)"):
        read_grasps(tmp_path / "a.npy")
