"""The built wheel holds all that works, and works where there is nothing else of it."""

import configparser
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Folders beside the package that are inside it in the wheel.
BESIDE = {"dexjax.mjcf": "mjcf", "dexjax.trained": "policies"}
LARGEST = 12e6  # bytes


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    # Out of the tree: building would otherwise leave build/ in the repository.
    source = tmp_path_factory.mktemp("source")
    names = "setup.cfg pyproject.toml README.md LICENSE dexjax".split()
    names += BESIDE.values()
    subprocess.run(["cp", "-r", *(str(ROOT / n) for n in names), source], check=True)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
    command += ["--no-build-isolation", "--no-index", "-w", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(out.glob("dexjax-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A function that runs a program with the wheel alone, from an empty folder."""
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet"]
    command += ["--no-index", "--target", str(site), str(wheel)]
    subprocess.run(command, check=True)
    folder = tmp_path_factory.mktemp("elsewhere")

    def run(*command):
        environment = os.environ | {"PYTHONPATH": str(site)}
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    found = run(sys.executable, "-c", "import dexjax; print(dexjax.__file__)")
    assert Path(found.strip()) == site / "dexjax" / "__init__.py"
    return run, site, folder


def test_setup_lists_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split()) - set(BESIDE)
    folders = {p.parent for p in (ROOT / "dexjax").rglob("*.py")}
    assert listed == {".".join(p.relative_to(ROOT).parts) for p in folders}


def test_it_holds_code_hands_plan_and_policies(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    wanted = {str(p.relative_to(ROOT)) for p in (ROOT / "dexjax").rglob("*.py")}
    for package, folder in BESIDE.items():
        files = {p for p in (ROOT / folder).rglob("*") if p.is_file()}
        assert files
        inside = package.replace(".", "/")
        wanted |= {f"{inside}/{p.relative_to(ROOT / folder)}" for p in files}
    wanted |= {"dexjax/py.typed", "dexjax/objects/everyday/everyday_plan.json"}
    assert wanted <= set(names), wanted - set(names)
    assert len(names) == len(set(names))
    assert any(name.endswith("LICENSE") for name in names)
    assert wheel.stat().st_size < LARGEST


LINES = """
import dexjax, jax
policy = dexjax.load("resdex/hyper")
task = dexjax.make("grasp", hand="shadow", objects="mug", sees=policy, starts=2)
worlds = jax.vmap(task.reset)(jax.random.split(jax.random.key(0), 2))
carry = policy.init(2)
step = jax.jit(jax.vmap(task.step))
action, carry = policy.act(worlds.obs, carry, jax.random.key(1))
worlds = step(worlds, action)
print(dexjax.evaluate(task, policy, episodes=2, seed=0))
# Grasp proposals come along, too.
print(int(dexjax.make("grasp", objects="mug:0@0.08", starts=1).objects.grasp_count[0]))
"""


def test_the_library_works_from_anywhere(installed):
    run, _, _ = installed
    result, proposals = run(sys.executable, "-c", LINES).strip().splitlines()
    assert result.startswith("success ") and "of 2 episodes" in result
    assert int(proposals) > 0


def test_the_command_shows_what_it_can(installed):
    run, site, folder = installed
    command = site / "bin" / "dexjax"
    assert "resdex/student" in run(sys.executable, command, "policies")
    options = ("--policies", "resdex/mug", "--object", "mug", "--out", "films")
    said = run(sys.executable, command, "demo", *options)
    assert "resdex/mug on mug: held in" in said
    assert (folder / "films" / "resdex-mug.mp4").stat().st_size > 1000
