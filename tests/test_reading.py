"""Files that are none, have no end, or say more than they should."""

import os

import pytest

from dexjax import limits
from dexjax.errors import DexjaxError, one_line
from dexjax.learners.autoencoder import AutoencoderConfig
from dexjax.reading import parse_json, read_bytes, read_yaml
from dexjax.runs.storage.files import read_json
from dexjax.runs.storage.folder import read_config

ALIASES = "\n".join(
    ["a0: &a0 [x]"]
    + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
)


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    said = {"pipe": "is no file", "zeros": "is no file", "loop": "symbolic links"}
    said |= {"": "is no file", "none": "no such file", "a\0b": "no name of a file"}
    for name, what in said.items():
        for read in (read_bytes, read_json, read_yaml):
            with pytest.raises(DexjaxError, match=what):
                read(tmp_path / name)


def test_a_file_may_be_as_large_as_is_said(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 2000)
    assert read_bytes(tmp_path / "a", 2000) == b"x" * 2000
    with pytest.raises(DexjaxError, match="too large: at most 1 kB"):
        read_bytes(tmp_path / "a", 1999)


def test_json_without_end(tmp_path):
    assert parse_json(b"[1]") == [1]
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 200_000)
    (tmp_path / "a.json").write_text("[" * 200_000)
    with pytest.raises(DexjaxError, match="is not JSON: nested too deeply"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [(ALIASES, "alias"), ("[" * 10_000, "nested too deeply"), ("- 1", "no fields")],
)
def test_a_configuration_of_a_run_unfolds_nothing(tmp_path, text, said):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(DexjaxError, match=rf"config\.yaml is damaged .*{said}"):
        read_config(tmp_path)


def test_numbers_that_no_float_can_be_are_out_of_bounds():
    for huge in (10**400, float("nan"), float("inf")):
        with pytest.raises(DexjaxError, match="learning_rate is .{1,40}, must be"):
            limits.check(AutoencoderConfig(learning_rate=huge))


def test_a_long_line_keeps_its_beginning_and_end():
    short = "unknown object 'x': there are mug"
    assert one_line(short) == short
    line = one_line(f"unknown object '{'x' * 9000}': there are\nmug")
    assert line.startswith("unknown object 'xx") and line.endswith(": there are mug")
    assert len(line) < 1100
