"""Variations of the physics: as closed forms have them, and alike on all engines."""

from functools import partial

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from small_scene import FINGER_HEIGHT, small_scene

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.objects.loading import load_objects
from dexjax.physics.choice import make_engine
from dexjax.scene import Variation, make_scene

G = 9.81
TILT = np.deg2rad(30)
SIDEWAYS = (G * np.sin(TILT), 0.0, -G * np.cos(TILT))
VARIATIONS = (
    Variation(),
    Variation(gravity=SIDEWAYS, friction=0.3),
    Variation(gravity=SIDEWAYS, friction=0.45, scale=1.3, mass=0.5),
    Variation(mass=3.0, gain=2.0),
    Variation(damping=3.0, gain=0.5, scale=0.8),
)
NAMES = ("brick", "plate")
# So few that no difference in rounding grows into another set of contacts.
STEPS, SUBSTEPS, TIMESTEP = 2, 4, 0.005
SECONDS = STEPS * SUBSTEPS * TIMESTEP
FINGER_MASS, DAMPING, RADIUS = 0.1, 4.0, 0.01
PUSH = 4.0  # N
fast_compile = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@pytest.fixture(scope="module")
def scene():
    return small_scene(*NAMES, variations=VARIATIONS)


@pytest.fixture(scope="module")
def index(scene):
    """Which model every world holds: first all of them, for objects on the table, then
    those with the usual gravity, for objects on a finger that pushes them up."""
    every = np.arange(len(scene.models))
    straight = [VARIATIONS[scene.variation_of(i)].gravity != SIDEWAYS for i in every]
    return np.concatenate([every, every[straight]]).astype(np.int32)


class Runner:
    """An engine's final states after `SECONDS`, from states and controls."""

    def __init__(self, engine):
        def run(state, ctrl):
            def step(state, _):
                return jax.vmap(engine.step)(state, ctrl), None

            return jax.lax.scan(step, state, length=STEPS)[0]

        compiled = fast_compile(run)
        self.run = lambda *given: jax.device_get(compiled(*given))


@pytest.fixture(scope="module")
def start(scene, index):
    """The worlds' states at first, and their controls."""
    lying = np.arange(len(index)) < len(scene.models)
    qpos = np.zeros((len(index), 8), np.float32)
    qpos[:, 0] = np.where(lying, 0.4, 0.0)
    under = np.where(lying, 0.0, FINGER_HEIGHT + RADIUS)
    qpos[:, 3] = scene.objects.rest_height[index] + under - 1e-4
    qpos[:, 4] = 1.0
    qvel = np.zeros((len(index), scene.model.nv), np.float32)
    state = jax.vmap(make_engine(scene, "native").reset)(qpos, qvel, index)
    return state, np.where(lying, 0.0, PUSH).astype(np.float32)[:, None]


@pytest.fixture(scope="module")
def native(scene, start):
    return Runner(make_engine(scene, "native", SUBSTEPS)).run(*start)


def test_things_slide_down_as_coulomb_says(scene, native):
    """a = g (sin tilt - friction cos tilt), whatever the mass."""
    for world in range(len(scene.models)):
        variation = VARIATIONS[scene.variation_of(world)]
        tilt = TILT if variation.gravity == SIDEWAYS else 0.0
        drag = variation.friction * np.cos(tilt)
        speed = G * max(np.sin(tilt) - drag, 0.0) * SECONDS
        # Softly: the object sinks into the table first, and is held less meanwhile.
        assert native.qvel[world, 1] == pytest.approx(speed, abs=0.02), world


def test_a_push_lifts_the_object_as_newton_says(scene, index, native):
    """(M + m) v' = gain F - M g - damping v, by explicit Euler."""
    for world in range(len(scene.models), len(index)):
        variation = VARIATIONS[scene.variation_of(index[world])]
        mass = scene.objects.mass[index[world]]
        total = mass + FINGER_MASS
        drag = variation.damping * DAMPING
        force = variation.gain * PUSH - mass * G
        kept = (1 - drag * TIMESTEP / total) ** (STEPS * SUBSTEPS)
        speed = force / drag * (1 - kept)
        assert native.qvel[world, 0] == pytest.approx(speed, rel=0.01), world


@pytest.mark.parametrize("name", ["mjx", "warp"])
def test_engines_agree(name, scene, start, native, request):
    if name == "warp":
        request.getfixturevalue("quick_warp")
    other = Runner(make_engine(scene, name, SUBSTEPS)).run(*start)
    np.testing.assert_allclose(other.qpos[:, :4], native.qpos[:, :4], atol=5e-4)
    np.testing.assert_allclose(other.qvel[:, 0], native.qvel[:, 0], atol=5e-3)
    # MJX meets a hull with a plane at other corners.
    np.testing.assert_allclose(other.qvel[:, 1], native.qvel[:, 1], atol=0.02)
    # One variation differs from another far more.
    assert np.ptp(native.qvel[:, 1]) > 0.08
    assert np.ptp(native.qvel[len(scene.models) :, 0]) > 0.3


@pytest.fixture(scope="module")
def bank():
    """A hand's scene of two objects and two variations, and the usual one."""
    objects = load_objects(["mug", "box"])
    varied = Variation(
        mass=2.0, friction=0.5, scale=1.5, gain=0.7, damping=1.6, gravity=(0.0, 3.0, 1)
    )
    both = (Variation(), varied)
    return make_scene(load_hand(), objects, variations=both), make_scene(
        load_hand(), objects
    )


def test_models_go_by_object_and_variation(bank):
    scene, usual = bank
    assert len(scene.models) == len(scene.objects) == 4
    index = jnp.arange(4)
    np.testing.assert_array_equal(jax.jit(scene.object_of)(index), [0, 0, 1, 1])
    np.testing.assert_array_equal(jax.jit(scene.variation_of)(index), [0, 1, 0, 1])
    assert scene.objects.names == ("mug", "mug@1", "box", "box@1")
    for ours, theirs in ((0, 0), (2, 1)):
        same = []
        for model in (scene.models[ours], usual.models[theirs]):
            content = np.empty(mujoco.mj_sizeModel(model), np.uint8)
            mujoco.mj_saveModel(model, None, content)
            same.append(content.tobytes())
        assert same[0] == same[1]


def test_a_model_has_what_its_variation_says(bank):
    scene, _ = bank
    for usual, varied in ((0, 1), (2, 3)):
        one, two = scene.models[usual], scene.models[varied]
        np.testing.assert_array_equal(two.opt.gravity, [0, 3, 1])
        fingers = slice(6, 6 + len(scene.hand.joints))
        ratio = two.dof_damping[fingers] / one.dof_damping[fingers]
        np.testing.assert_allclose(ratio, 1.6)
        for field in ("actuator_gainprm", "actuator_biasprm"):
            np.testing.assert_allclose(getattr(two, field), 0.7 * getattr(one, field))
        body = one.body("object").id
        np.testing.assert_allclose(two.body_mass[body], 2 * one.body_mass[body])
        # Inertia goes with mass and the square of lengths.
        ratio = two.body_inertia[body] / one.body_inertia[body]
        np.testing.assert_allclose(ratio, 2 * 1.5**2, rtol=1e-5)
        mine = one.geom_bodyid == body
        friction = two.geom_friction[mine, 0] / one.geom_friction[mine, 0]
        np.testing.assert_allclose(friction, 0.5)
        np.testing.assert_allclose(
            two.geom_rbound[mine], 1.5 * one.geom_rbound[mine], rtol=1e-4
        )
        for field in ("points", "rest_height", "com", "grasp_translation"):
            values = getattr(scene.objects, field)
            np.testing.assert_allclose(values[varied], 1.5 * values[usual], rtol=1e-5)
        np.testing.assert_array_equal(
            scene.objects.grasp_rotation[varied], scene.objects.grasp_rotation[usual]
        )


@pytest.mark.parametrize(
    "given, said",
    [
        ({"mass": 0.0}, "variation mass 0.0: must be above 0"),
        ({"friction": -1.0}, "variation friction -1.0: must be above 0"),
        ({"gain": float("nan")}, "variation gain nan: must be above 0"),
        ({"gravity": (0.0, 1.0)}, r"variation gravity \(0.0, 1.0\): give three"),
        ({"gravity": (0.0, 1.0, float("inf"))}, "variation gravity .*: give three"),
    ],
)
def test_variations_that_will_not_do(given, said):
    with pytest.raises(DexjaxError, match=said):
        Variation(**given)
