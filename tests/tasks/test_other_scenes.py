"""The task seam on scenes that no system has yet: learners train there all the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.evaluation.episodes import evaluate
from dexjax.hands import load_hand
from dexjax.learners.ppo import Networks, PpoConfig, make_ppo
from dexjax.networks.actor import MlpActor
from dexjax.networks.critic import MlpCritic
from dexjax.objects.loading import load_object
from dexjax.physics.choice import make_engine
from dexjax.scene import FixedPalm, Fixture, make_scene
from dexjax.spec import PRIVILEGED, Observation, TaskSpec
from dexjax.tasks.task import BROKEN, EPISODES, RETURN, TaskState, restart_ended

OPENED, HELD_STILL = "opened", "held_still"
SMALL = PpoConfig(worlds=4, steps=3, epochs=1, minibatches=2, normalise=True)


class SceneTask:
    """Named sensors of a scene as observations; the reward is one of their numbers."""

    def __init__(self, scene, sees, privileged, paid):
        self.engine = make_engine(scene, "native")
        self.scene, self._paid = scene, paid
        names = [*sees, *privileged]
        self.spec = TaskSpec(
            tuple(
                Observation(
                    name,
                    (scene.sensors[name].stop - scene.sensors[name].start,),
                    seen_by=PRIVILEGED if name in privileged else "policy",
                )
                for name in names
            ),
            scene.model.nu,
            body=scene.body,
            episode_steps=12,
            outcomes=(OPENED, HELD_STILL),
            success=OPENED,
        )

    def reset(self, key, episode=None):
        model = self.scene.model
        qpos = jnp.asarray(model.qpos0, jnp.float32)
        physics = self.engine.reset(qpos, jnp.zeros(model.nv), 0)
        zero, no = jnp.zeros(()), jnp.zeros((), bool)
        names = (EPISODES, RETURN, BROKEN, OPENED, HELD_STILL)
        return TaskState(
            physics=physics,
            obs=self._observe(physics),
            reward=zero,
            terminated=no,
            truncated=no,
            step=jnp.zeros((), jnp.int32),
            metrics=dict.fromkeys(names, zero),
            memory=key,
        )

    def advance(self, state, action):
        low, high = self.scene.model.actuator_ctrlrange.T.astype(np.float32)
        ctrl = low + 0.5 * (jnp.clip(action, -1, 1) + 1) * (high - low)
        physics = self.engine.step(state.physics, ctrl)
        obs, step = self._observe(physics), state.step + 1
        over, reward = step >= self.spec.episode_steps, obs[self._paid][0]
        ended = over.astype(jnp.float32)
        metrics = {
            EPISODES: ended,
            RETURN: ended * reward,
            BROKEN: jnp.zeros(()),
            OPENED: ended * (reward > 0.01),
            HELD_STILL: ended * (jnp.abs(physics.qvel).max() < 1e-3),
        }
        return state.replace(
            physics=physics,
            obs=obs,
            reward=reward,
            truncated=over,
            step=step,
            metrics=metrics,
        )

    def restart(self, state):
        fresh = self.reset(state.memory)
        return state.replace(physics=fresh.physics, obs=fresh.obs, step=fresh.step)

    def step(self, state, action):
        return restart_ended(self, self.advance(state, action))

    def episodes(self, each=None):
        return {"number": np.arange(each or 4)}

    def fresh(self, each, seed):
        return self

    def _observe(self, physics):
        return {
            own.name: physics.sensordata[self.scene.sensors[own.name]]
            for own in self.spec.observations
        }


def train_once(task):
    networks = Networks(
        MlpActor(task.spec.sees("policy"), task.spec.actions, (8,)),
        MlpCritic(task.spec.sees("policy", PRIVILEGED), (8,)),
    )
    learner = make_ppo(task, networks, SMALL)
    state, measured = learner.train(learner.init(jax.random.key(0)))
    assert all(np.isfinite(x) for x in jax.tree.leaves(measured))
    assert {OPENED, HELD_STILL} <= measured.keys()
    return learner.policy(state), state


@pytest.fixture(scope="module")
def furnished():
    """A hand over a table with a drawer and two objects."""
    hand, box = load_hand(), load_object("box")
    scene = make_scene(
        hand, box, others={"second": load_object("can")}, fixtures=[Fixture()]
    )
    sees = ("palm_pos", "object_pos", "second_pos", "drawer_slide_pos")
    return SceneTask(scene, sees, ("second_linvel",), "drawer_slide_pos")


def test_two_objects_and_a_drawer(furnished):
    policy, state = train_once(furnished)
    # The policy sees no privileged observation, and moves what the scene has.
    names = [own.name for own in policy.spec.observations]
    assert names == ["palm_pos", "object_pos", "second_pos", "drawer_slide_pos"]
    assert policy.spec.actions == furnished.scene.model.nu == 24
    first, second = (np.asarray(state.worlds.obs[f"{n}_pos"]) for n in OBJECTS)
    assert np.linalg.norm(first - second, axis=1).min() > 0.05
    found = evaluate(furnished, policy, furnished.episodes(3), seed=0)
    assert found.success_name == OPENED and found.outcomes.keys() == {
        OPENED,
        HELD_STILL,
    }


OBJECTS = ("object", "second")


def test_a_palm_without_wrist_actions():
    hand = load_hand("allegro")
    scene = make_scene(hand, load_object("box"), carrier=FixedPalm())
    tips = tuple(f"{tip}_pos" for tip in hand.fingertips)
    task = SceneTask(scene, tips, (), tips[0])
    policy, state = train_once(task)
    # Sixteen finger servos and nothing of a wrist; the palm has not moved.
    assert task.spec.actions == policy.spec.actions == len(hand.actuated) == 16
    assert task.spec.body == "allegro hand, fixed palm"
    palm = np.asarray(state.worlds.physics.sensordata)[:, scene.sensors["palm_pos"]]
    np.testing.assert_allclose(palm, np.tile([0, 0, 0.3], (4, 1)), atol=1e-5)
    other = SceneTask(make_scene(hand, load_object("box")), tips, (), tips[0])
    (misfit,) = policy.spec.misfits(other.spec)
    assert "fixed palm" in misfit and "servo wrist" in misfit
