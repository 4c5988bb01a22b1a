"""Networks that see through cameras."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.networks.vision import ESTIMATE, CameraActor, Eye
from dexjax.networks.vision_config import VisionConfig
from dexjax.spec import CAMERA, PRIVILEGED, Observation, TaskSpec

FELT = Observation("felt", (5,))
IMAGE = Observation("depth", (2, 16, 16), "uint8", CAMERA)
WHERE = Observation("where", (3,), seen_by=PRIVILEGED, of_object=True)


def spec(*observations):
    return TaskSpec(observations, 4, "hand", 10, ("held",), "held")


def observed(batch=3, seed=0):
    keys = jax.random.split(jax.random.key(seed), 2)
    return {
        "felt": jax.random.normal(keys[0], (batch, 5)),
        "depth": jax.random.normal(keys[1], (batch, 2, 16, 16)),
    }


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 24), (17, 9)])
def test_gathered_patches_are_a_convolution(height, width):
    eye = Eye(8)
    image = jax.random.normal(jax.random.key(0), (3, height, width))
    params = eye.init(jax.random.key(1), image)["params"]
    first, second = params["Dense_0"], params["Dense_1"]
    tall, wide = height // 4, width // 4
    kernel = first["kernel"].reshape(tall, wide, 1, -1)
    found = jax.lax.conv_general_dilated(
        image[..., None],
        kernel,
        (tall // 2, wide // 2),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    hidden = nn.relu(found + first["bias"]).reshape(3, -1)
    expected = nn.elu(hidden @ second["kernel"] + second["bias"])
    np.testing.assert_allclose(
        eye.apply({"params": params}, image), expected, atol=1e-5
    )


def test_each_camera_has_weights_of_its_own():
    actor = VisionConfig(widths=(8,), estimator="none").actor(spec(FELT, IMAGE))
    obs = observed()
    params = actor.init(jax.random.key(0), obs)
    said = actor.apply(params, obs)[0].mean()
    swapped = obs | {"depth": obs["depth"][:, ::-1]}
    assert np.abs(actor.apply(params, swapped)[0].mean() - said).max() > 1e-4
    assert set(params["params"]["eyes"]) == {"camera_0", "camera_1"}


def test_a_recorded_estimate_stands_for_the_images():
    actor = VisionConfig(widths=(8,), target="where").actor(spec(FELT, IMAGE, WHERE))
    obs = observed()
    params = actor.init(jax.random.key(0), obs)
    said = actor.apply(params, obs, method="estimate")
    assert said.shape == (3, 3)
    recorded = {"felt": obs["felt"], ESTIMATE: said}
    one, other = (actor.apply(params, x)[0].mean() for x in (obs, recorded))
    np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("estimator", ["concurrent", "head", "none"])
def test_what_the_policy_s_loss_trains(estimator):
    """Eyes of a policy that sees images; none of an estimator that learns apart."""
    config = VisionConfig(widths=(8,), estimator=estimator, target="where")
    actor = config.actor(spec(FELT, IMAGE, WHERE))
    obs = observed()
    params = actor.init(jax.random.key(0), obs)
    # The last layer is all but zero at first: what stands before it learns nothing.
    params = jax.tree.map(lambda x: x + 0.1, params)

    def loss(params):
        return jnp.square(actor.apply(params, obs)[0].mean() - 1.0).sum()

    gradient = jax.grad(loss)(params)["params"]
    size = {name: sum(map(_size, jax.tree.leaves(x))) for name, x in gradient.items()}
    assert size["layers"] > 0
    eyes = "estimator" if estimator == "concurrent" else "eyes"
    assert (size[eyes] > 0) == (estimator != "concurrent")
    assert size.get("head", 0.0) == 0.0


def _size(x):
    return float(jnp.abs(x).sum())


def test_a_policy_of_cameras_is_not_told_of_the_object():
    config = VisionConfig(target="where")
    leak = Observation("object_position", (3,), of_object=True)
    with pytest.raises(DexjaxError, match="'object_position' is for critics"):
        config.actor(spec(FELT, leak, IMAGE, WHERE))
    with pytest.raises(DexjaxError, match="observes one kind of image"):
        config.actor(spec(FELT, WHERE))
    with pytest.raises(DexjaxError, match="'where', privileged here: nothing"):
        config.actor(spec(FELT, IMAGE))
    with pytest.raises(DexjaxError, match="target is 'felt'"):
        VisionConfig(target="felt").actor(spec(FELT, IMAGE, WHERE))


def test_critics_know_the_state_or_what_the_hand_knows():
    told = spec(FELT, IMAGE, WHERE)
    assert VisionConfig().critic(told).sees == ("felt", "where")
    assert VisionConfig(critic_sees="own").critic(told).sees == ("felt",)
    assert isinstance(VisionConfig(target="where").actor(told), CameraActor)
