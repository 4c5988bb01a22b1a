"""Every kind of policy, described and made again; descriptions that are damaged."""

import copy
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from policy_samples import (
    actor_policy,
    controller_policy,
    mixture_policy,
    seen,
    student_policy,
)
from toys import Toy

from dexjax.errors import DexjaxError
from dexjax.learners.ppo.config import PpoConfig
from dexjax.learners.ppo.learner import make_ppo
from dexjax.learners.ppo.loss import Networks
from dexjax.networks.actor import MlpActor
from dexjax.networks.critic import MlpCritic
from dexjax.networks.mlp import Mlp
from dexjax.policies import codec
from dexjax.spec import Observation

POLICIES = {
    "mlp": actor_policy,
    "mixture": mixture_policy,
    "mixture-softmax": lambda: mixture_policy("softmax"),
    "mixture-no-residual": lambda: mixture_policy(residual=False),
    "student": student_policy,
    "controller": controller_policy,
    "controller-touch": lambda: controller_policy(touch=True, per_finger=1),
}
KINDS = ("mlp", "mixture", "student", "controller")


def told(name):
    """A policy's description as it comes out of a file."""
    return json.loads(json.dumps(codec.describe(POLICIES[name]())))


def places(tree, path=()):
    """Paths of everything in a description, inner parts and leaves."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in inner:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_made_again_acts_alike(name):
    policy = POLICIES[name]()
    blank = codec.blank(told(name))
    assert type(blank) is type(policy) and blank.spec == policy.spec
    named = [
        {jax.tree_util.keystr(path): (x.shape, str(x.dtype)) for path, x in leaves}
        for leaves in map(
            lambda own: jax.tree_util.tree_leaves_with_path(own), (policy, blank)
        )
    ]
    assert named[0] == named[1]
    filled = jax.tree.unflatten(jax.tree.structure(blank), jax.tree.leaves(policy))
    obs, key = seen(25, observations=policy.spec.observations), jax.random.key(0)
    act = jax.jit(lambda own: own.act(obs, own.init(25), key)[0])
    np.testing.assert_array_equal(act(filled), act(policy))
    assert np.abs(act(filled)).max() > 0.1
    # And described again it is the same.
    assert json.loads(json.dumps(codec.describe(filled))) == told(name)


@pytest.mark.parametrize("name", POLICIES)
def test_a_blank_has_shapes_and_no_arrays(name):
    leaves = jax.tree.leaves(codec.blank(told(name)))
    assert leaves and all(type(x) is jax.ShapeDtypeStruct for x in leaves)


class Counts(Toy):
    """Observes a vector and counts, which are not scaled."""

    def __init__(self):
        seen = Observation("felt", (3,)), Observation("count", (2,), "int32")
        super().__init__(seen)

    def draw(self, key):
        return jnp.zeros(3)

    def see(self, hidden, step):
        return {"felt": hidden, "count": jnp.array([1, 2], jnp.int32) * step}

    def pay(self, hidden, action, step):
        return action.sum()


def test_what_a_training_makes_can_be_read_again():
    """Shapes of a learner's policy and of what is made of its description."""
    task, sees = Counts(), ("felt", "count")
    networks = Networks(MlpActor(sees, 1, (4,)), MlpCritic(sees, (4,)))
    learner = make_ppo(task, networks, PpoConfig(worlds=8))
    made = jax.eval_shape(lambda k: learner.policy(learner.init(k)), jax.random.key(0))
    assert set(made.scaling.mean) == {"felt"}
    again = codec.blank(json.loads(json.dumps(codec.describe(made))))
    assert jax.tree.leaves(again) == jax.tree.leaves(made)
    assert set(again.scaling.mean) == {"felt"}


def refused(description):
    """The line with which a description is refused."""
    with pytest.raises(DexjaxError) as error:
        codec.blank(description)
    line = str(error.value)
    assert "\n" not in line and 0 < len(line) < 300
    return line


@pytest.mark.parametrize("what", [None, [], "mlp", 3, {}, {"kind": None}])
def test_what_is_no_description_is_refused(what):
    refused(what)


@pytest.mark.parametrize("kind", ["diffusion", ["mlp"], {"mlp": 1}, 0, ""])
def test_an_unknown_kind_is_named(kind):
    line = refused(told("mlp") | {"kind": kind})
    assert repr(kind) in line and "mlp, mixture, student, controller" in line


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_may_be_missing(kind):
    whole = told(kind)
    for path in places(whole):
        # A list may be shorter, and what an observation has beside its name and shape
        # may be left to its defaults.
        usual = ("dtype", "seen_by", "source", "of_object")
        if isinstance(path[-1], int) or path[-1] in usual:
            continue
        broken = copy.deepcopy(whole)
        del at(broken, path[:-1])[path[-1]]
        assert "damaged" in refused(broken) or path == ("kind",)


# What no size, list, name or limit may be.
HOSTILE = (None, {}, {"a": 1}, [[]], -1, 10**30, 1e300, float("nan"), float("inf"))


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_may_be_of_another_type_or_size(kind):
    whole = told(kind)
    for path in places(whole):
        for value in HOSTILE:
            broken = copy.deepcopy(whole)
            at(broken, path[:-1])[path[-1]] = value
            refused(broken)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("widths",), [10**6, 10**6]),
        (("widths",), [8] * 100_000),
        (("widths",), ["8"]),
        (("widths",), [8.5]),
        (("widths",), "88"),
        (("sees",), ["felt"] * 100_000),
        (("sees",), ["colour"]),
        (("sees",), []),
        (("clip",), "wide"),
        (("spec", "actions"), 10**9),
        (("spec", "actions"), "2"),
        (("spec", "actions"), 0),
        (("spec", "observations", 0, "shape"), [10**6, 10**6, 10**6]),
        (("spec", "observations", 0, "shape"), [1] * 10_000),
        (("spec", "observations", 0, "shape"), []),
        (("spec", "observations", 0, "dtype"), "quaternion"),
        (("spec", "observations", 0, "name"), 7),
        (("spec", "observations", 0, "colour"), "red"),
        (("spec", "observations"), []),
        (("spec", "body"), ["a finger"]),
    ],
)
def test_hostile_sizes_are_refused_and_cost_nothing(path, value):
    broken = told("mlp")
    at(broken, path[:-1])[path[-1]] = value
    before = sum(x.nbytes for x in jax.live_arrays())
    refused(broken)
    assert sum(x.nbytes for x in jax.live_arrays()) - before < 10_000


def test_an_unknown_normalisation_is_refused():
    line = refused(told("mixture") | {"normalisation": "max"})
    assert "'max'" in line and "norm, softmax" in line


def test_many_base_policies_are_refused():
    broken = told("mixture")
    broken["bases"]["count"] = 10**6
    broken["bases"]["widths"] = [1024, 1024]
    refused(broken)


def test_a_policy_that_no_file_can_hold_is_refused():
    class Other:
        spec = actor_policy().spec

    with pytest.raises(DexjaxError, match="a Other cannot be kept.*mlp, mixture, stud"):
        codec.describe(Other())
    with pytest.raises(DexjaxError, match="of a Mlp cannot be kept: only MlpActor"):
        codec.describe(actor_policy().replace(network=Mlp((3,), 2)))
