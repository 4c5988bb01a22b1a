"""What policies' cameras see, against MuJoCo's rays and closed forms."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.objects import load_objects
from dexjax.physics.engine import PhysicsState
from dexjax.render.images import Imager, Look, View
from dexjax.render.images.view import NOTHING, jittered
from dexjax.scene import make_scene
from dexjax.scene.cameras import Camera
from dexjax.scene.carriers import Arm, Floating
from dexjax.scene.fixtures import Fixture
from dexjax.scene.poses import body_poses

FRONT = View(Camera("front", (0.36, -0.46, 0.34), (0.0, 0.0, 0.13), 42.0))
# Outside of all fingers: from within a solid MuJoCo sees its far side, and a policy's
# camera what is behind it.
PALM = View(
    Camera("palm", (0.02, -0.12, 0.05), (0.03, 0.0, 0.02), 80.0),
    on="palm_center",
    near=0.0,
    far=0.35,
)
CHANNELS = ("depth", "rgb", "segmentation")
SIZE = (48, 40)


def world(scene, qpos, model=0):
    """A state of the physics that has this configuration."""
    own = scene.model
    sizes = (own.nv, own.na, own.nv, (), own.nsensordata)
    return PhysicsState(
        jnp.asarray(qpos, jnp.float32),
        *(jnp.zeros(size) for size in sizes),
        jnp.asarray(model, jnp.int32),
    )


def scenes():
    """Hands, carriers, objects and furniture: all that is drawn."""
    things = load_objects(["mug", "can"])
    for hand in ("allegro", "shadow"):
        yield make_scene(load_hand(hand), things, carrier=Floating())
    drawer = Fixture(position=(0.1, 0.25, 0.0))
    yield make_scene(load_hand("allegro"), things, carrier=Arm(), fixtures=[drawer])


def configuration(scene, rng):
    """Bent fingers near an object that lies in front of them."""
    qpos = scene.model.qpos0.copy()
    qpos[scene.finger_qpos] = rng.uniform(*scene.hand.joint_range.T)
    if "root" in scene.joints:
        qpos[scene.root_qpos][:3] = [0.0, 0.0, 0.22]
    else:
        qpos[scene.qpos_of("arm")] = Arm().home
    qpos[scene.object_qpos][:3] = [0.0, 0.02, 0.06]
    turn = rng.normal(size=4)
    qpos[scene.object_qpos][3:] = turn / np.linalg.norm(turn)
    return qpos


def cast(model, qpos, position, axes, fovy):
    """Depths (H, W) along the axis and geoms there by `mj_multiRay`."""
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_kinematics(model, data)
    width, height = SIZE
    top = np.tan(np.radians(fovy) / 2)
    x = ((np.arange(width) + 0.5) / width * 2 - 1) * top * width / height
    y = (1 - (np.arange(height) + 0.5) / height * 2) * top
    rays = axes[2] + x[:, None] * axes[0] + y[:, None, None] * axes[1]
    length = np.linalg.norm(rays, axis=-1).ravel()
    unit = rays.reshape(-1, 3) / length[:, None]
    geoms, distance = np.empty(len(unit), np.int32), np.empty(len(unit))
    mujoco.mj_multiRay(
        model, data, position, unit.ravel(), None, True, -1, geoms, distance, None,
        len(unit), 20.0,
    )  # fmt: skip
    depth = np.where(distance < 0, np.inf, distance / length)
    return depth.reshape(height, width), geoms.reshape(height, width)


def at_edges(geoms):
    """Where a neighbour belongs to another geom."""
    edge = np.zeros_like(geoms, bool)
    for axis in (0, 1):
        for step in (1, -1):
            edge |= np.roll(geoms, step, axis) != geoms
    return edge


@pytest.mark.parametrize("on_host", [True, False])
def test_depth_and_things_are_as_mujoco_has_them(on_host):
    rng = np.random.default_rng(0)
    for scene in scenes():
        imager = Imager(scene, (FRONT, PALM), SIZE, CHANNELS, on_host)
        draw = jax.jit(imager)
        for number, model in enumerate(scene.models):
            qpos = configuration(scene, rng)
            state = world(scene, qpos, number)
            seen, frames = draw(state), imager.frames(state)
            for c, view in enumerate(imager.views):
                place, axes = (np.asarray(x[c], float) for x in frames)
                depth, geoms = cast(model, qpos, place, axes, view.camera.fovy)
                share = np.clip((depth - view.near) / (view.far - view.near), 0, 1)
                # One step of 255 is 2.4 mm of the front camera: rounding is half of it.
                wrong = np.abs(share * 255 - np.asarray(seen.depth[c], float)) > 1.0
                assert not (wrong & ~at_edges(geoms)).any()
                assert wrong.mean() < 0.005
                names = things_of(scene, model, geoms)
                told = [*imager.things, *[""] * 256]
                told[NOTHING] = ""
                found = np.array(told)[np.asarray(seen.segmentation[c])]
                assert (found != names)[~at_edges(geoms)].sum() == 0
                assert {"hand", "object"} & set(names.ravel())


def things_of(scene, model, geoms):
    """Names (H, W) of what geoms belong to."""
    names = [""]
    for geom in range(model.ngeom):
        body = model.geom_bodyid[geom]
        path = [model.body(body).name]
        while body and model.body_parentid[body]:
            body = model.body_parentid[body]
            path.append(model.body(body).name)
        hand = set(path) & set(scene.hand.links)
        own = path[-1] if path[-1] != "world" else model.geom(geom).name
        names.append("hand" if hand else own)
    return np.array(names)[geoms + 1]


def test_bodies_are_where_mujoco_has_them():
    rng = np.random.default_rng(1)
    for scene in scenes():
        data = mujoco.MjData(scene.model)
        data.qpos[:] = scene.model.qpos0 + rng.uniform(-0.5, 0.5, scene.model.nq)
        mujoco.mj_normalizeQuat(scene.model, data.qpos)
        mujoco.mj_kinematics(scene.model, data)
        found = body_poses(scene.model)(jnp.asarray(data.qpos))
        np.testing.assert_allclose(found.position, data.xpos, atol=1e-6)
        sign = np.sign((found.quaternion * data.xquat).sum(-1, keepdims=True))
        np.testing.assert_allclose(found.quaternion * sign, data.xquat, atol=1e-6)


@pytest.fixture(scope="module")
def scene():
    return make_scene(load_hand("allegro"), load_objects(["mug", "can"]))


def test_many_worlds_are_drawn_as_each_alone(scene):
    rng = np.random.default_rng(2)
    qpos = np.stack([configuration(scene, rng) for _ in range(6)])
    model = np.arange(6) % 2
    states = jax.vmap(lambda q, m: world(scene, q, m))(qpos, model)
    imager = Imager(scene, (FRONT,), SIZE, CHANNELS)
    together = jax.jit(jax.vmap(imager))(states)
    for number in range(6):
        alone = imager(jax.tree.map(lambda x, n=number: x[n], states))
        for one, other in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one, other[number])
    assert (np.asarray(together.depth[0]) != np.asarray(together.depth[2])).any()
    # Within a loop and nested batches.
    folded = jax.tree.map(lambda x: x.reshape(2, 3, *x.shape[1:]), states)
    nested = jax.jit(lambda s: jax.lax.map(jax.vmap(imager), s))(folded)
    np.testing.assert_array_equal(nested.rgb.reshape(together.rgb.shape), together.rgb)


@pytest.mark.parametrize("on_host", [True, False])
def test_colours_follow_lambert(scene, on_host):
    """Of the table, which is level, and of what is not there."""
    imager = Imager(scene, (FRONT,), SIZE, ("rgb", "segmentation"), on_host)
    rng = np.random.default_rng(3)
    colours = rng.uniform(0.2, 0.8, (len(imager.things), 3))
    light = np.array([0.6, 0.0, 0.8])
    look = Look(*map(jnp.asarray, (colours, [0.1, 0.2, 0.3], light, 0.25)))
    seen = imager(world(scene, configuration(scene, rng)), look=look)
    thing = np.asarray(seen.segmentation[0])
    table = imager.things.index("table")
    expected = np.round(255 * colours[table] * (0.25 + 0.75 * 0.8))
    assert np.abs(np.asarray(seen.rgb[0])[thing == table] - expected).max() <= 1
    nothing = np.asarray(seen.rgb[0])[thing == NOTHING]
    assert np.abs(nothing - np.round(255 * np.array([0.1, 0.2, 0.3]))).max() <= 1
    # Nothing is darker than the ambient light or brighter than its colour.
    hand = np.asarray(seen.rgb[0])[thing == imager.things.index("hand")] / 255
    own = colours[imager.things.index("hand")]
    assert (hand <= own + 0.01).all() and (hand >= 0.25 * own - 0.01).all()
    assert np.ptp(hand[:, 0]) > 0.2


def test_both_ways_of_drawing_give_the_same_colours(scene):
    rng = np.random.default_rng(4)
    state = world(scene, configuration(scene, rng), 1)
    one, other = (
        Imager(scene, (FRONT, PALM), SIZE, ("rgb",), on_host)(state).rgb
        for on_host in (True, False)
    )
    apart = np.abs(np.asarray(one, int) - np.asarray(other, int)).max(axis=-1)
    assert (apart > 2).mean() < 0.005


def test_cameras_shake_as_much_as_asked_for(scene):
    imager = Imager(scene, (FRONT, PALM), SIZE)
    frames = imager.frames(world(scene, scene.model.qpos0))
    keys = jax.random.split(jax.random.key(0), 500)
    shaken = jax.vmap(lambda key: jittered(key, frames, 0.01, 0.05))(keys)
    moved = np.asarray(shaken.position - frames.position)
    assert moved.std() == pytest.approx(0.01, rel=0.05)
    axes = np.asarray(shaken.axes)
    np.testing.assert_allclose(
        axes @ axes.swapaxes(-1, -2), np.tile(np.eye(3), (500, 2, 1, 1)), atol=1e-5
    )
    cosine = (axes * np.asarray(frames.axes)).sum(axis=-1)
    # Each axis turns about the two others.
    turned = np.sqrt(np.square(np.arccos(np.clip(cosine, -1, 1))).mean())
    assert turned == pytest.approx(0.05 * np.sqrt(2), rel=0.05)


def test_what_cannot_be_drawn_is_refused(scene):
    with pytest.raises(DexjaxError, match="no such site"):
        Imager(scene, (View(FRONT.camera, on="elbow"),))
    with pytest.raises(DexjaxError, match="at least 1 x 1"):
        Imager(scene, (FRONT,), (0, 10))
    with pytest.raises(DexjaxError, match="'infrared'"):
        Imager(scene, (FRONT,), SIZE, ("infrared",))
    with pytest.raises(DexjaxError, match="no channel"):
        Imager(scene, (FRONT,), SIZE, ())
    with pytest.raises(DexjaxError, match="no camera"):
        Imager(scene, ())
    with pytest.raises(DexjaxError, match=r"range 0\.9 to 0\.3"):
        View(FRONT.camera, near=0.9, far=0.3)
