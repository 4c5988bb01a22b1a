"""The built wheel holds all code and the MJCF files, and can be imported."""

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    # Out of the tree: building would otherwise leave build/ in the repository.
    source = tmp_path_factory.mktemp("source")
    names = "setup.cfg pyproject.toml README.md LICENSE dexjax mjcf".split()
    subprocess.run(["cp", "-r", *(str(ROOT / n) for n in names), source], check=True)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
    command += ["--no-build-isolation", "--no-index", "-w", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(out.glob("dexjax-*.whl"))


def test_setup_lists_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split()) - {"dexjax.mjcf"}
    folders = {p.parent for p in (ROOT / "dexjax").rglob("*.py")}
    assert listed == {".".join(p.relative_to(ROOT).parts) for p in folders}


def test_wheel_holds_code_and_mjcf(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    code = {str(p.relative_to(ROOT)) for p in (ROOT / "dexjax").rglob("*.py")}
    mjcf = {f"dexjax/mjcf/{p.name}" for p in (ROOT / "mjcf").iterdir()}
    assert code and mjcf
    assert code | mjcf <= names
    assert any(name.endswith("LICENSE") for name in names)


def test_unpacked_wheel_finds_its_hand(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import mujoco\n"
        "from dexjax.hands import load_hand, mjcf_path\n"
        "print(mjcf_path('tabletop.xml'))\n"
        "mujoco.MjModel.from_xml_path(str(load_hand().xml))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == tmp_path / "dexjax" / "mjcf" / "tabletop.xml"
