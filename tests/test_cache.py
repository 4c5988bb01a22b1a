"""What is remembered between processes."""

import numpy as np
import pytest

from dexjax.cache import cache_folder, remembered


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def never():
    pytest.fail("made again")


def test_made_once_for_a_content():
    def one():
        return {"a": np.arange(3), "b": np.zeros((0, 2))}

    assert remembered("things", [b"x", b"y"], one).keys() == {"a", "b"}
    again = remembered("things", [b"x", b"y"], never)
    assert again["a"].tolist() == [0, 1, 2] and again["b"].shape == (0, 2)
    other = remembered("things", [b"x", b"z"], lambda: {"a": np.ones(1)})
    assert other["a"].tolist() == [1]
    assert len(list(cache_folder("things").iterdir())) == 2


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_damaged_file_is_made_anew_and_said_so(keep, capsys):
    remembered("things", [b"x"], lambda: {"a": np.arange(100)})
    (file,) = cache_folder("things").iterdir()
    file.write_bytes(file.read_bytes()[:keep])
    assert capsys.readouterr().err == ""
    assert remembered("things", [b"x"], lambda: {"a": np.zeros(2)})["a"].size == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"{file}: damaged" in said and "made anew" in said
    assert remembered("things", [b"x"], never)["a"].size == 2


def test_a_flipped_byte_is_noticed():
    remembered("things", [b"x"], lambda: {"a": np.arange(1000)})
    (file,) = cache_folder("things").iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert remembered("things", [b"x"], lambda: {"a": np.zeros(2)})["a"].size == 2


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert remembered("things", [b"x"], lambda: {"a": np.ones(1)})["a"].size == 1
