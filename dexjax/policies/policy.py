"""What a policy is."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import jax

from dexjax.errors import DexjaxError
from dexjax.spec import PolicySpec, TaskSpec


class Policy(Protocol):
    """What acts: a pytree of arrays with pure methods.

    The same for dense layers, a mixture, a student of points or a policy with memory.

    Attributes:
        spec: what it acts on.
    """

    @property
    def spec(self) -> PolicySpec:
        """See above."""
        ...

    def init(self, batch: int) -> Any:
        """What it remembers at the start of (batch,) episodes, a pytree (batch, …)."""
        ...

    def act(
        self, obs: Mapping[str, jax.Array], carry: Any, key: jax.Array | None = None
    ) -> tuple[jax.Array, Any]:
        """Actions for a batch of worlds.

        Args:
            obs: name -> (batch, …).
            carry: what `init` or the last `act` gave.
            key: of what is drawn; policies that draw nothing need none.

        Returns:
            (batch, actions) in [-1, 1] once a task has clipped them, and the carry.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Command:
    """A number that a person gives a policy while it acts.

    Attributes:
        name: what it is called.
        low, high: its limits.
        start: where it is if nothing is said.
    """

    name: str
    low: float = -1.0
    high: float = 1.0
    start: float = 0.0


@runtime_checkable
class Steered(Policy, Protocol):
    """A policy that does as it is told.

    Attributes:
        commands: what it can be told.
    """

    commands: tuple[Command, ...]

    def told(self, carry: Any, command: Mapping[str, Any]) -> Any:
        """What it remembers, with a person's command in it.

        Args:
            carry: what `init` or the last `act` gave.
            command: a number for every name in `commands`.
        """
        ...


def check_fits(policy: Policy, task: TaskSpec, name: str = "the policy") -> None:
    """Refuses a task that a policy was not made for.

    Raises:
        DexjaxError: says what differs.
    """
    misfits = policy.spec.misfits(task)
    if misfits:
        raise DexjaxError(f"{name} does not fit the task: {'; '.join(misfits)}")
