"""The training loop: interrupted and resumed, stopped early, and given up."""

import csv
import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dexjax.errors import DexjaxError
from dexjax.physics.choice import make_engine
from dexjax.runs import loop
from dexjax.runs.launch import ppo_learner
from dexjax.runs.loop import train
from dexjax.runs.records.metrics import Metrics
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.folder import RunFolder
from dexjax.runs.stored import policy_meta
from dexjax.systems.resdex.presets import preset
from dexjax.tasks.grasp import GraspTask

WORLDS, STEPS, ITERATIONS = 8, 25, 8
SMOKE = preset("smoke")
RUN = dataclasses.replace(
    SMOKE,
    scene=dataclasses.replace(SMOKE.scene, object="box"),
    task=dataclasses.replace(SMOKE.task, starts=4),
    ppo=dataclasses.replace(SMOKE.ppo, worlds=WORLDS, steps=STEPS, epochs=1),
    network=dataclasses.replace(SMOKE.network, widths=(16,)),
    budget=dataclasses.replace(
        SMOKE.budget, env_steps=WORLDS * STEPS * ITERATIONS, checkpoint_every=0.0
    ),
)


def with_budget(**choices):
    return dataclasses.replace(RUN, budget=dataclasses.replace(RUN.budget, **choices))


@pytest.fixture(scope="module")
def learner(box_scene):
    task = GraspTask(make_engine(box_scene, "native"), RUN.task)
    return ppo_learner(RUN)(task, None), task


def run_training(path, learner):
    with RunFolder.open(path, dataclasses.asdict(RUN)) as folder:
        return train(folder, RUN, *learner, started=0.0)


def rows(path):
    """metrics.csv without what the clock says."""
    with open(path / "metrics.csv") as file:
        found = list(csv.DictReader(file))
    return [
        {name: x for name, x in row.items() if name not in ("wall_s", "steps_per_s")}
        for row in found
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, learner):
    path = tmp_path_factory.mktemp("undisturbed")
    return path, run_training(path, learner)


def test_it_trains_for_its_steps_and_keeps_every_row(undisturbed):
    path, trained = undisturbed
    assert trained.iterations == ITERATIONS
    assert int(trained.state.env_steps) == RUN.env_steps
    assert trained.broken == 0
    table = rows(path)
    assert [int(row["iteration"]) for row in table] == [*range(1, ITERATIONS + 1)]
    # Clocks are staggered: every world ends one episode in 200 steps.
    assert sum(float(row["episodes"]) for row in table) == WORLDS
    assert checkpoint.latest_step(path / "checkpoints") == ITERATIONS


@pytest.mark.parametrize("where", ["between rows", "before the checkpoint"])
def test_resumed_it_ends_as_undisturbed(
    undisturbed, learner, tmp_path, monkeypatch, capsys, where
):
    write = Metrics.write

    def interrupt(self, iteration, values):
        if iteration == 5 and where == "between rows":
            raise KeyboardInterrupt
        write(self, iteration, values)
        if iteration == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "SAVING", 0)
    monkeypatch.setattr(Metrics, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_training(tmp_path, learner)
    # The row after the last checkpoint is in the table and must not stay twice.
    assert len(rows(tmp_path)) == (4 if where == "between rows" else 5)
    assert checkpoint.latest_step(tmp_path / "checkpoints") == 4
    monkeypatch.setattr(Metrics, "write", write)
    trained = run_training(tmp_path, learner)
    assert (
        f"resuming {tmp_path} after iteration 4 (800 steps)" in capsys.readouterr().out
    )
    path, expected = undisturbed
    assert rows(tmp_path) == rows(path)
    for one, other in zip(
        jax.tree.leaves((expected.state.params, expected.state.worlds.obs)),
        jax.tree.leaves((trained.state.params, trained.state.worlds.obs)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_saving_takes_little_of_the_time(learner, tmp_path, monkeypatch):
    """An iteration takes 1 s, a checkpoint half of that: 10 s pass between two."""
    now, saved = [0.0], []
    ppo, task = learner

    def train(state):
        now[0] += 1.0
        return ppo.train(state)

    def save(folder, iteration, *_):
        now[0] += 0.5
        saved.append(iteration)

    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(loop, "_save", save)
    run_training(tmp_path, (ppo._replace(train=train), task))
    # At once, for nothing has been saved yet, and at the end.
    assert saved == [1, ITERATIONS]


def test_a_finished_training_is_not_trained_again(undisturbed, learner):
    path, trained = undisturbed
    before = rows(path)
    again = run_training(path, learner)
    assert again.iterations == trained.iterations and rows(path) == before


def test_a_checkpoint_of_another_wrist_is_refused(undisturbed, learner):
    state = learner[0].init(jax.random.key(0))
    policy = learner[0].policy(state)
    spec = dataclasses.replace(policy.spec, body="shadow hand, wrench wrist")
    with pytest.raises(
        DexjaxError, match="has .*'shadow hand, servo wrist', this run wants .*wrench"
    ):
        loop._resume(
            SimpleNamespace(checkpoints=undisturbed[0] / "checkpoints"),
            policy_meta(policy.replace(spec=spec)),
            state,
        )


def test_a_training_whose_worlds_break_gives_up(learner, tmp_path):
    ppo, task = learner

    def broken(state):
        state, measured = ppo.train(state)
        return state, measured | {"broken": np.float32(0.02 * WORLDS * STEPS)}

    with pytest.raises(DexjaxError, match="4 worlds broke in the last 1 iterations"):
        run_training(tmp_path, (ppo._replace(train=broken), task))


def row(episodes, held):
    share = held / episodes if episodes else float("nan")
    return {"episodes": float(episodes), "success_held": share, "broken": 0.0}


# What counts as success is the task's to say.
SPEC = SimpleNamespace(success="held")


def state(env_steps):
    return SimpleNamespace(env_steps=env_steps)


def test_recent_rows_just_cover_the_recent_episodes(monkeypatch):
    monkeypatch.setattr(loop, "RECENT_EPISODES", 100)
    history = [row(40, 40), row(30, 0), row(0, 0), row(50, 25), row(20, 20)]
    # 20 + 50 + 0 + 30 are 100; the first 40 are no longer needed.
    recent = loop._recent(history)
    assert [r["episodes"] for r in recent] == [30, 0, 50, 20]
    assert loop._share(recent, SPEC) == pytest.approx(45 / 100)
    few = history[-2:]
    assert loop._recent(few) == few


def test_without_ended_episodes_there_is_no_share():
    assert loop._share([row(0, 0)], SPEC) is None
    assert loop._share([], SPEC) is None


def test_it_stops_early_only_once_validated():
    run = with_budget(stop_at=0.9, env_steps=1000)

    def finished(validated, steps=10, run=run):
        recent = [row(100, 100) | {"success_validated": v} for v in validated]
        return loop._finished(run, state(steps), recent)

    assert not finished([])
    assert not finished([float("nan")])
    assert not finished([0.89])
    assert finished([0.9])
    # An older policy's success is not this one's.
    assert not finished([0.95, float("nan")])
    assert finished([], steps=1000)
    assert not finished([1.0], run=with_budget(stop_at=0.0))


def test_it_validates_the_deterministic_policy_now_and_then(learner, monkeypatch):
    ppo, task = learner
    learned = ppo.init(jax.random.key(0))
    run = with_budget(stop_at=0.9)
    asked = []

    def evaluate(task, policy, episodes, seed):
        asked.append((len(episodes.start), policy))
        return SimpleNamespace(succeeded=np.array([True, True, True, False]))

    monkeypatch.setattr(loop, "evaluate", evaluate)

    def validate(recent, iteration, run=run):
        return loop._validate(run, ppo, task, learned, recent, iteration)

    assert validate([row(10, 9)], 20) == 0.75
    assert np.isnan(validate([row(10, 9)], 21))
    assert np.isnan(validate([row(10, 1)], 20))
    assert np.isnan(validate([row(10, 9)], 20, with_budget(stop_at=0.0)))
    ((count, policy),) = asked
    assert count == RUN.task.starts
    obs = {own.name: jnp.ones((3, *own.shape)) for own in task.spec.observations}
    found, expected = (p.act(obs, p.init(3))[0] for p in (policy, ppo.policy(learned)))
    np.testing.assert_array_equal(found, expected)
