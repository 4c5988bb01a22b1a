"""Importing a module without Warp and the remarks on that, and only without them."""

import sys
from types import ModuleType

import pytest

from dexjax.physics.quiet import import_quietly, mjx

REMARKS = """
for module in ("warp", "mujoco_warp"):
    try:
        import warp
    except ImportError as error:
        print(f"Failed to import {module}: {error}")
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


def test_warp_can_be_imported_afterwards(module, monkeypatch):
    other = ModuleType("warp")
    monkeypatch.setitem(sys.modules, "warp", other)
    import_quietly(module(REMARKS))
    assert sys.modules["warp"] is other
    monkeypatch.delitem(sys.modules, "warp")
    import_quietly(module(REMARKS))
    assert "warp" not in sys.modules


def test_it_is_mjx():
    assert mjx is sys.modules["mujoco.mjx"]
