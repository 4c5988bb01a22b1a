"""Shared fixtures: scenes, each made once."""

import importlib.util
import os
import sys
from pathlib import Path

import jax
import pytest

from dexjax.grasps.sets.grasp_set import from_simulation
from dexjax.grasps.sets.palm import SUBSTEPS, palm_scene
from dexjax.grasps.sets.search import Search
from dexjax.hands import load_hand
from dexjax.learners.autoencoder import AutoencoderConfig
from dexjax.objects.geometric import geometric_objects
from dexjax.objects.loading import load_object
from dexjax.physics.native import NativeEngine
from dexjax.runs.encoder import export_encoder
from dexjax.runs.storage.folder import RunFolder
from dexjax.scene import make_scene
from dexjax.systems.resdex.codes import train_encoder

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = ROOT.parent / "shared" / "data"
# Nearly all of the tests' time is XLA's compiling: what it makes need not be quick.
QUICKLY = "--xla_backend_optimization_level=0"
# A flag that XLA does not know ends the process.
if jax.__version_info__ < (0, 11):
    QUICKLY += " --xla_cpu_use_fusion_emitters=false"
os.environ.setdefault("XLA_FLAGS", QUICKLY)
# And it is kept for the next run.
KEPT = {
    "jax_compilation_cache_dir": str(ROOT / ".pytest_cache" / "jax"),
    "jax_persistent_cache_min_compile_time_secs": 0.1,
}


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """The user's own cache is none of the tests' business; one run has one for all."""
    home = tmp_path_factory.getbasetemp()
    home = home.parent if "PYTEST_XDIST_WORKER" in os.environ else home
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        for name, value in KEPT.items():
            patch.setenv(name.upper(), str(value))
            jax.config.update(name, value)
        yield


@pytest.fixture
def experiment(monkeypatch):
    """experiments/<name>.py, or a script of another folder, as a module."""

    def load(name, folder="experiments"):
        path = ROOT / folder / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"{name}_script", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def mug_scene():
    return make_scene(load_hand(), load_object("mug"))


@pytest.fixture(scope="session")
def box_scene():
    """One hull, where the mug has 15: for what compiles or counts hulls."""
    return make_scene(load_hand(), load_object("box"))


@pytest.fixture(scope="session")
def two_objects():
    return geometric_objects("train", ["cube", "bar"])


@pytest.fixture(scope="session")
def palm_engine(two_objects):
    """An Allegro hand with a cube or a bar in it and two turns of its palm."""
    scene = palm_scene(load_hand("allegro"), two_objects, ("palm up", "thumb up"))
    return NativeEngine(scene, SUBSTEPS)


@pytest.fixture(scope="session")
def grasp_sets(palm_engine, two_objects):
    """A few grasps of these."""
    search = Search(palm_engine, 24, seed=0, batch=256)
    found = search.start()
    while search.missing(found).any():
        found = search.step(found)
    turns = ("palm up", "thumb up")
    parts = (found.grasps, found.touching, found.depth)
    return from_simulation(palm_engine.scene, turns, two_objects, *parts)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """An encoder that has hardly been trained, and its folder."""
    folder = tmp_path_factory.mktemp("encoder")
    config = AutoencoderConfig(points=16, batch=2, steps=2)
    with RunFolder.open(folder / "run", {}) as run:
        encoder, *_ = train_encoder(run, config, load_object("box").points, seed=0)
    export_encoder(encoder, folder / "out")
    return encoder, folder / "out"


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL_DATA.is_dir():
        pytest.skip("no real DexGraspNet objects: ../shared/data is absent")
    return REAL_DATA


@pytest.fixture(scope="session")
def quick_warp():
    """Warp compiles quickly, too; a test that asks for it is skipped without Warp."""
    pytest.importorskip("mujoco_warp", reason="Warp is not installed")
    import warp

    warp.config.optimization_level = 0
    warp.config.cpu_compiler_flags = "-march=native"
