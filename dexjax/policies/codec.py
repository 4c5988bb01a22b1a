"""From policies to what a file can hold, and back: one entry per kind."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from flax.errors import FlaxError

from dexjax.errors import DexjaxError
from dexjax.policies import actor, controller, mixture, student
from dexjax.policies.plain import size, sizes, switch, text
from dexjax.policies.policy import Policy
from dexjax.spec import Observation, PolicySpec


class Codec(NamedTuple):
    """How policies of one kind are described.

    Attributes:
        policy: the class.
        describe: policy -> what of it is no array, as JSON may hold it.
        blank: (that, spec) -> a policy with arrays of the right shapes and no values.
    """

    policy: type
    describe: Callable[[Any], dict]
    blank: Callable[[Mapping[str, Any], PolicySpec], Any]


CODECS = {
    "mlp": Codec(actor.ActorPolicy, actor.describe, actor.blank),
    "mixture": Codec(mixture.MixturePolicy, mixture.describe, mixture.blank),
    "student": Codec(student.StudentPolicy, student.describe, student.blank),
    "controller": Codec(controller.Controller, controller.describe, controller.blank),
}


def describe(policy: Policy) -> dict:
    """Kind, spec and sizes of a policy, as JSON may hold them.

    Raises:
        DexjaxError: for a policy of no kind that can be kept.
    """
    for kind, codec in CODECS.items():
        if type(policy) is codec.policy:
            told = codec.describe(policy)
            return {"kind": kind, "spec": dataclasses.asdict(policy.spec), **told}
    raise DexjaxError(
        f"a {type(policy).__name__} cannot be kept: policies/codec.py knows "
        f"{', '.join(CODECS)}"
    )


def blank(told: Mapping[str, Any]) -> Policy:
    """A policy of that description with shapes in the place of a file's arrays.

    Raises:
        DexjaxError: for an unknown kind or a damaged description.
    """
    kind = told.get("kind") if isinstance(told, Mapping) else None
    if not isinstance(kind, str) or kind not in CODECS:
        raise DexjaxError(f"policy kind {kind!r}: this dexjax has {', '.join(CODECS)}")
    try:
        _check_numbers(told)
        spec = _spec(told["spec"])
        made = jax.eval_shape(lambda: CODECS[kind].blank(told, spec))
        _check_total(x.shape for x in jax.tree.leaves(made))
        return made
    except _DAMAGED as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise DexjaxError(
            f"the description of a {kind} policy is damaged ({what[:200]})"
        ) from None


# What a wrong type, name or size comes to, here or in a network.
_DAMAGED = (
    ArithmeticError,
    AttributeError,
    FlaxError,
    LookupError,
    TypeError,
    ValueError,
)
# A description may come from anywhere: what no policy has is refused before anything is
# made of it.
_MOST_ENTRIES = 256  # of a list
_LARGEST = 1e6  # number
_MOST_PARAMETERS = 2**28


def _check_numbers(told: Any) -> None:
    """Refuses long lists, and numbers that are neither sizes nor limits."""
    if isinstance(told, Mapping | list):
        if len(told) > _MOST_ENTRIES:
            raise ValueError(f"a list of {len(told)}")
        for own in told.values() if isinstance(told, Mapping) else told:
            _check_numbers(own)
    elif isinstance(told, int | float) and not 0 <= told <= _LARGEST:
        raise ValueError(f"{told!r:.40} where a size or limit has to be")
    elif not isinstance(told, int | float | str):
        raise TypeError(f"{told!r:.40} where a size, limit or name has to be")


def _check_total(shapes: Iterable[tuple[int, ...]]) -> None:
    total = sum(map(math.prod, shapes))
    if total > _MOST_PARAMETERS:
        raise ValueError(f"{total} numbers in all")


def _spec(told: Mapping[str, Any]) -> PolicySpec:
    observations = tuple(_observation(own) for own in told["observations"])
    _check_total(own.shape for own in observations)
    return PolicySpec(observations, size(told["actions"]), text(told["body"]))


def _observation(told: Mapping[str, Any]) -> Observation:
    shape = sizes(told["shape"])
    others = ("shape", "of_object")
    names = {n: text(value) for n, value in told.items() if n not in others}
    of_object = switch(told.get("of_object", False))
    own = Observation(shape=shape, of_object=of_object, **names)
    np.dtype(own.dtype)
    return own
