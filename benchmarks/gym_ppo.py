"""An outside learner: PPO in plain PyTorch on the Gymnasium environment.

    pip install torch 'dexjax[gym]'
    python benchmarks/gym_ppo.py [--steps 1_000_000]

One file, nothing of dexjax but the environment. It is to grasp a box; results go to
benchmarks/results/gym_ppo.json: returns of the first episodes and of the last, and how
many of the last were reached and held while it explored.
"""

import dataclasses
import sys
import time
from pathlib import Path

import numpy as np
import torch
import tyro
from gymnasium.wrappers.vector import FlattenObservation
from torch import nn

import dexjax.gym
from dexjax.errors import DexjaxError, main_guard
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import write_json

OUT = Path(__file__).resolve().parent / "results" / "gym_ppo.json"
COUNTED = 256  # episodes at the beginning and at the end


@dataclasses.dataclass(frozen=True)
class Options:
    """Trains.

    Attributes:
        object: to grasp; one of the everyday set has grasp proposals.
        steps: of all worlds together.
        worlds: at a time.
        horizon: steps of each world in an iteration.
        epochs: over what an iteration has collected.
        minibatches: of it.
        near_share: of the episodes that begin near a grasp, as the presets have them;
            these do not count.
        seed: of worlds and networks.
        out: JSON file.
    """

    object: str = "box:1@0.08"
    steps: int = 1_000_000
    worlds: int = 256
    horizon: int = 16
    epochs: int = 2
    minibatches: int = 4
    near_share: float = 0.5
    seed: int = 0
    out: Path = OUT


class Normaliser:
    """Running mean and deviation of observations."""

    def __init__(self, size: int):
        """Nothing is known yet."""
        self.mean, self.square, self.count = np.zeros(size), np.ones(size), 1e-4

    def __call__(self, obs: np.ndarray) -> torch.Tensor:
        """Counts observations in and scales them."""
        share = len(obs) / (self.count + len(obs))
        self.mean += share * (obs.mean(axis=0) - self.mean)
        self.square += share * ((obs**2).mean(axis=0) - self.square)
        self.count += len(obs)
        spread = np.sqrt(np.maximum(self.square - self.mean**2, 1e-6))
        scaled = np.clip((obs - self.mean) / spread, -5, 5)
        return torch.as_tensor(scaled, dtype=torch.float32)


def mlp(inputs: int, outputs: int, last: float) -> nn.Sequential:
    """Two hidden layers; `last` scales the first outputs."""
    layers = [nn.Linear(inputs, 256), nn.ELU(), nn.Linear(256, 128), nn.ELU()]
    head = nn.Linear(128, outputs)
    nn.init.orthogonal_(head.weight, last)
    nn.init.zeros_(head.bias)
    return nn.Sequential(*layers, head)


class Agent(nn.Module):
    """A Gaussian policy and a value."""

    def __init__(self, inputs: int, actions: int):
        """Fresh networks."""
        super().__init__()
        self.actor, self.critic = mlp(inputs, actions, 0.01), mlp(inputs, 1, 1.0)
        self.log_std = nn.Parameter(torch.full((actions,), np.log(0.6)))

    def policy(self, obs: torch.Tensor) -> torch.distributions.Normal:
        """Of actions."""
        return torch.distributions.Normal(self.actor(obs), self.log_std.exp())

    def value(self, obs: torch.Tensor) -> torch.Tensor:
        """Of observations."""
        return self.critic(obs).squeeze(-1)


def advantages(rewards, values, next_value, ended, lambda_=0.95, discount=0.96):
    """Generalised advantage estimates, (horizon, worlds).

    Time limits end all episodes: the value of the last observation, which comes with
    the step that ends one, stands for what would have come.
    """
    found, running = torch.zeros_like(rewards), torch.zeros_like(next_value)
    for t in reversed(range(len(rewards))):
        after = values[t + 1] if t + 1 < len(values) else next_value
        delta = rewards[t] + discount * after - values[t]
        running = delta + discount * lambda_ * running * (1 - ended[t])
        found[t] = running
    return found


def update(agent, optimiser, batch, options: Options) -> None:
    """PPO's clipped objective over a batch of rows."""
    obs, actions, old, gain, target, counts = batch
    for _ in range(options.epochs):
        for rows in torch.randperm(len(obs)).chunk(options.minibatches):
            rows = rows[counts[rows]]
            policy = agent.policy(obs[rows])
            ratio = (policy.log_prob(actions[rows]).sum(-1) - old[rows]).exp()
            own = gain[rows]
            own = (own - own.mean()) / (own.std() + 1e-8)
            clipped = torch.min(own * ratio, own * ratio.clamp(0.8, 1.2)).mean()
            error = (agent.value(obs[rows]) - target[rows]).square().mean()
            optimiser.zero_grad()
            (0.5 * error - clipped).backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 1.0)
            optimiser.step()


def train(options: Options) -> dict:
    """Trains and counts."""
    torch.manual_seed(options.seed)
    envs = dexjax.gym.make_vec(
        "grasp",
        objects=options.object,
        num_envs=options.worlds,
        sees="geometry-unaware",
        relative=True,
        near_share=options.near_share,
    )
    flat = FlattenObservation(envs)
    size = flat.single_observation_space.shape[0]
    agent, normalise = Agent(size, envs.task.spec.actions), Normaliser(size)
    optimiser = torch.optim.Adam(agent.parameters(), 3e-4, eps=1e-5)
    raw, _ = flat.reset(seed=options.seed)
    obs, over = normalise(raw), np.zeros(options.worlds, bool)
    episodes: list[tuple[float, float, float]] = []
    began, per = time.monotonic(), options.worlds * options.horizon
    for iteration in range(max(options.steps // per, 1)):
        rows: list[list] = []
        for _ in range(options.horizon):
            with torch.no_grad():
                policy = agent.policy(obs)
                action = policy.sample()
                old, value = policy.log_prob(action).sum(-1), agent.value(obs)
            raw, reward, terminated, truncated, infos = flat.step(action.numpy())
            ended = terminated | truncated
            # The step after an end begins the next episode: it does not count.
            rows.append([obs, action, old, value, reward, ended, ~over])
            obs, over = normalise(raw), ended
            for i in np.flatnonzero(ended):
                told = [infos[name][i] for name in ("return", "reached", "held")]
                if told[0]:  # Nothing is told of an episode that does not count.
                    episodes.append(tuple(map(float, told)))
        learn(agent, optimiser, rows, obs, options)
        if iteration % 10 == 0:
            passed = time.monotonic() - began
            last = np.array(episodes[-COUNTED:] or [(0.0, 0.0, 0.0)]).mean(axis=0)
            print(
                f"\r{(iteration + 1) * per:,} of {options.steps:,} steps, "
                f"{passed:.0f} s, return {last[0]:.0f}, "
                f"reached {last[1]:.0%}, held {last[2]:.0%}",
                end="",
                file=sys.stderr,
            )
    if not episodes:
        raise DexjaxError(f"{options.steps} steps end no episode: give more")
    first, last = np.array(episodes[:COUNTED]), np.array(episodes[-COUNTED:])
    return {
        "object": options.object,
        "steps": (iteration + 1) * per,
        "episodes": len(episodes),
        "return_first": first[:, 0].mean(),
        "return_last": last[:, 0].mean(),
        "reached_last": last[:, 1].mean(),
        "held_last": last[:, 2].mean(),
        "wall_s": round(time.monotonic() - began, 1),
        "near_share": options.near_share,
        "seed": options.seed,
        "torch": torch.__version__,
        **provenance(),
    }


def learn(agent: Agent, optimiser, rows: list[list], obs, options: Options) -> None:
    """One update from what the worlds gave."""
    seen, action, old, value, reward, ended, counts = (
        torch.stack([torch.as_tensor(x) for x in column])
        for column in zip(*rows, strict=True)
    )
    with torch.no_grad():
        after = agent.value(obs)
    reward, ended = 0.1 * reward.float(), ended.float()
    gain = advantages(reward, value, after, ended)
    parts = seen, action, old, gain, gain + value, counts
    update(agent, optimiser, [x.flatten(0, 1) for x in parts], options)


@main_guard
def main() -> None:
    """Reads the command line, trains, writes."""
    options = tyro.cli(Options)
    row = train(options)
    write_json(options.out, [row])
    print(f"\n{row}")


if __name__ == "__main__":
    main()
