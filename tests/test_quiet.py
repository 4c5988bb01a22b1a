"""Importing a module without the remarks that Warp is absent, and only without them."""

import sys

import pytest

from dexjax.physics.quiet import import_quietly, mjx

REMARKS = """
print("Failed to import warp: No module named 'warp'")
print("Failed to import mujoco_warp: No module named 'warp'")
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function from a module's text to its name, importable."""
    monkeypatch.syspath_prepend(tmp_path)

    def module(text):
        (tmp_path / "talkative.py").write_text(text)
        sys.modules.pop("talkative", None)
        return "talkative"

    return module


def test_only_the_remarks_are_left_out(module, capsys):
    text = REMARKS + "print('Failed to import warp: libcuda is missing')\nvalue = 3"
    assert import_quietly(module(text)).value == 3
    assert capsys.readouterr().out == "Failed to import warp: libcuda is missing\n"


def test_errors_come_through_with_what_was_said_before(module, capsys):
    with pytest.raises(ImportError, match="broken"):
        import_quietly(module(REMARKS + "print('so far')\nraise ImportError('broken')"))
    assert capsys.readouterr().out == "so far\n"


def test_it_is_mjx():
    assert mjx is sys.modules["mujoco.mjx"]
