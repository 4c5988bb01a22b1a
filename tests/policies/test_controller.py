"""The controller that turns commands of the fingertips into motions."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from policy_samples import controller_policy

from dexjax.errors import DexjaxError
from dexjax.hands import load_hand
from dexjax.hands.finger_state import hand_state
from dexjax.hands.hand import Hand
from dexjax.policies import codec
from dexjax.policies.controller import make_controller
from dexjax.policies.policy import Steered
from dexjax.policies.prompt import prompted
from dexjax.policies.tip_step import tip_step

HAND = load_hand("allegro")
BATCH = 5
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def policy():
    return controller_policy()


@pytest.fixture(scope="module")
def act():
    return jax.jit(lambda own, obs, carry, key: own.act(obs, carry, key))


@pytest.fixture(scope="module")
def motion():
    return jax.jit(lambda own, history, carry: own.motion(history, carry, KEY))


def joints_of(hand=HAND, batch=BATCH, seed=0):
    """Joints (batch, J) rad away from the limits."""
    low, high = hand.joint_range.T
    share = np.random.default_rng(seed).uniform(0.25, 0.75, (batch, len(low)))
    return (low + share * (high - low)).astype(np.float32)


def histories(seed=0):
    """(batch, 4, S) of hands at rest."""
    joints = joints_of(seed=seed)
    state = hand_state(HAND)(jnp.asarray(joints), joints[:, HAND.actuated_index])
    return np.tile(np.asarray(state)[:, None], (1, 4, 1))


def seen(seed=0):
    return {"hand_history": histories(seed).reshape(BATCH, -1)}


def commands(seed=1):
    return np.random.default_rng(seed).normal(0, 0.005, (4, 3)).astype(np.float32)


def tips_of(hand: Hand, joints):
    """By MuJoCo: (F, 3) m in the palm's frame."""
    model = mujoco.MjModel.from_xml_path(str(hand.xml))
    data = mujoco.MjData(model)
    for name, angle in zip(hand.joints, joints, strict=True):
        data.qpos[model.joint(name).qposadr] = angle
    mujoco.mj_kinematics(model, data)
    turn = data.body(hand.links[0]).xmat.reshape(3, 3)
    places = np.array([data.site(tip).xpos for tip in hand.fingertips])
    return (places - data.site("palm_center").xpos) @ turn


def test_it_acts_within_limits_and_keeps_its_prompt(policy, act):
    carry = prompted(policy.init(BATCH), commands())
    action, after = act(policy, seen(), carry, KEY)
    assert action.shape == (BATCH, 16) and np.abs(action).max() <= 1
    jax.tree.map(np.testing.assert_array_equal, after, carry)


def test_the_same_key_gives_the_same_action(policy, act):
    carry = policy.init(BATCH)
    one, two = (act(policy, seen(), carry, KEY)[0] for _ in range(2))
    np.testing.assert_array_equal(one, two)
    other = act(policy, seen(), carry, jax.random.key(1))[0]
    assert np.abs(one - other).max() > 1e-3


def test_a_changed_prompt_compiles_nothing_anew(policy):
    traced = []

    @jax.jit
    def act(own, obs, carry, key):
        traced.append(1)
        return own.act(obs, carry, key)

    carry = policy.init(BATCH)
    first, carry = act(policy, seen(), carry, KEY)
    for change in ({"command": commands()}, {"guidance": 1.5, "mode": 1}, {"on": 0}):
        carry = prompted(carry, **change)
        action, carry = act(policy, seen(2), carry, jax.random.key(3))
    assert len(traced) == 1
    assert "while" in act.lower(policy, seen(), carry, KEY).as_text()


def test_alone_it_does_what_it_does_among_others(policy, motion):
    """Of the same noise: vmapped over worlds as in one batch."""
    carry = prompted(policy.init(BATCH), commands(), mode=np.arange(BATCH) % 2)
    whole = motion(policy, histories(), carry)

    def one(history, own, place):
        several = jnp.tile(history[None], (BATCH, 1, 1))
        among = jax.tree.map(lambda x: jnp.repeat(x[None], BATCH, axis=0), own)
        return policy.motion(several, among, KEY)[place]

    mapped = jax.jit(jax.vmap(one))(histories(), carry, jnp.arange(BATCH))
    np.testing.assert_allclose(mapped, whole, atol=2e-5)


def test_guidance_pulls_the_tips_to_the_command(policy, motion):
    carry = prompted(policy.init(BATCH), commands())
    wanted = np.stack([commands(), 2 * commands()])
    lacks = []
    for alpha in (0.0, 0.02, 0.1, 0.5, 2.0, 1e6):
        made = np.asarray(motion(policy, histories(), prompted(carry, guidance=alpha)))
        assert made.shape == (BATCH, 2, 8, 3)
        lacks.append(np.linalg.norm(made[:, :, 1::2] - wanted, axis=-1).mean())
    assert (np.diff(lacks) < 0).all() and lacks[-1] < 1e-5
    # Without guidance the command is not heard.
    bare = [
        motion(policy, histories(), prompted(policy.init(BATCH), x, guidance=0.0))
        for x in (commands(1), commands(2))
    ]
    np.testing.assert_array_equal(*bare)


def test_mode_and_history_and_forces_are_heard(policy, act):
    carry = prompted(policy.init(BATCH), guidance=0.0)
    first = act(policy, seen(), carry, KEY)[0]
    assert np.abs(act(policy, seen(), prompted(carry, mode=1), KEY)[0] - first).max()
    assert np.abs(act(policy, seen(1), carry, KEY)[0] - first).max() > 1e-3
    touch = controller_policy(touch=True)
    forces = np.zeros((2, BATCH, 4 * 12), np.float32)
    forces[1] = 1.0
    felt = [
        act(touch, seen() | {"force_history": x}, touch.init(BATCH), KEY)[0]
        for x in forces
    ]
    assert np.abs(felt[0] - felt[1]).max() > 1e-3


def test_switched_off_the_tips_follow_the_command(policy, act):
    on = np.arange(BATCH) > 2
    carry = prompted(policy.init(BATCH), commands(), on=on)
    action = np.asarray(act(policy, seen(), carry, KEY)[0])
    for i in range(3):
        joints = joints_of()[i]
        there = joints.copy()
        there[HAND.actuated_index] += 0.2 * action[i]
        moved = tips_of(HAND, there) - tips_of(HAND, joints)
        for finger in range(4):
            lack = np.linalg.norm(moved[finger] - commands()[finger])
            assert lack < 0.5 * np.linalg.norm(commands()[finger])
    # Whoever is on does as if all were.
    other = act(policy, seen(), prompted(carry, on=True), KEY)[0]
    np.testing.assert_allclose(action[3:], other[3:], atol=1e-6)
    assert np.abs(action[:3] - other[:3]).max() > 1e-2


def test_a_command_out_of_reach_is_followed_within_limits(policy, act):
    far = np.full((4, 3), 0.5, np.float32)
    carry = prompted(policy.init(BATCH), far, on=False)
    action = np.asarray(act(policy, seen(), carry, KEY)[0])
    assert np.isfinite(action).all() and np.abs(action).max() == 1.0


def test_coupled_joints_follow():
    """A step of the Shadow hand, whose last joints have no actuators."""
    hand = load_hand("shadow")
    joints = joints_of(hand, 1)[0]
    for driving, following, ratio in hand.couplings:
        place = hand.joints.index
        joints[place(following)] = ratio * joints[place(driving)]
    tips = tips_of(hand, joints)
    # Towards where the tips are when all fingers bend a little.
    bent = joints.copy()
    bent[hand.actuated_index] += 0.03
    for driving, following, ratio in hand.couplings:
        bent[place(following)] = ratio * bent[place(driving)]
    offset = (tips_of(hand, bent) - tips).astype(np.float32)
    step = np.asarray(jax.jit(tip_step(hand))(joints, offset))
    there = joints.copy()
    there[hand.actuated_index] += step
    for driving, following, ratio in hand.couplings:
        there[place(following)] = ratio * there[place(driving)]
    lack = np.linalg.norm(tips_of(hand, there) - tips - offset, axis=1)
    assert (lack < 0.4 * np.linalg.norm(offset, axis=1)).all()


def test_a_person_can_steer_it(policy, act):
    assert isinstance(policy, Steered)
    starts = {own.name: own.start for own in policy.commands}
    assert len(starts) == 15
    begun = policy.init(2)
    jax.tree.map(np.testing.assert_array_equal, policy.told(begun, starts), begun)
    low = policy.told(begun, {own.name: own.low for own in policy.commands})
    np.testing.assert_allclose(low.command, -0.03)
    assert not low.guidance.any() and not low.mode.any() and not low.on.any()
    high = policy.told(begun, {own.name: own.high for own in policy.commands})
    np.testing.assert_allclose(high.command, 0.03)
    assert (high.mode == 1).all() and high.on.all()
    third = policy.told(begun, starts | {policy.commands[5].name: 0.02})
    assert third.command[1, 1, 2] == np.float32(0.02) and third.command.sum() < 0.041
    assert high.mode.dtype == begun.mode.dtype and high.on.dtype == begun.on.dtype


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"guidance": -0.1}, "guidance -0.1: must be finite and at least 0"),
        ({"guidance": np.nan}, "guidance nan"),
        ({"guidance": [0.1, np.inf]}, "guidance .*inf"),
        ({"mode": 2}, "mode 2: must be 0 to 1"),
        ({"mode": -1}, "mode -1"),
        ({"command": np.full((4, 3), np.nan)}, "command"),
        ({"command": np.zeros((3, 3))}, r"command has shape \(3, 3\)"),
        ({"guidance": [0.1, 0.2, 0.3]}, r"guidance has shape \(3,\)"),
    ],
)
def test_what_cannot_be_followed_is_refused(policy, change, line):
    with pytest.raises(DexjaxError, match=line) as error:
        prompted(policy.init(2), **change)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("steps", [0, 13])
def test_other_numbers_of_steps_are_refused(steps):
    with pytest.raises(DexjaxError, match=f"{steps} steps: must be 1 to 12"):
        controller_policy(steps=steps)


def test_models_of_another_hand_are_refused(policy):
    with pytest.raises(
        DexjaxError, match="60 features.*the shadow hand has 7"
    ) as error:
        make_controller(
            policy.models, policy.params, policy.scaling, load_hand("shadow"), "hand"
        )
    assert "\n" not in str(error.value)


def test_it_needs_a_key(policy):
    with pytest.raises(DexjaxError, match="needs a key"):
        policy.act(seen(), policy.init(BATCH))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"hand": "my_hand.yaml"}, "'my_hand.yaml': this dexjax has shadow, allegro"),
        ({"hand": "shadow"}, "the shadow hand has"),
        ({"steps": 40}, "40 steps: must be 1 to 12"),
        ({"keypoints": 9}, "9 keypoints"),
        ({"blocks": 10_000}, "more than 32 blocks"),
        ({"width": 9}, "damaged"),
        ({"encoder": []}, "damaged"),
        ({"diffusion_steps": 10**6}, "damaged"),
    ],
)
def test_a_description_that_cannot_be_is_refused(policy, change, line):
    with pytest.raises(DexjaxError, match=line) as error:
        codec.blank(json.loads(json.dumps(codec.describe(policy))) | change)
    assert "\n" not in str(error.value)


def test_a_hand_of_ones_own_cannot_be_kept(policy):
    own = dataclasses.replace(HAND, name="claw")
    with pytest.raises(DexjaxError, match="the hand 'claw' cannot be kept: only of"):
        codec.describe(policy.replace(hand=own))
