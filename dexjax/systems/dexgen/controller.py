"""Controllers: diffusion and inverse dynamics from transitions (DexterityGen, IV-B)."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from tqdm import tqdm

from dexjax.data import TransitionSpec, loader, read_spec, spec_of, split, written
from dexjax.errors import DexjaxError
from dexjax.hands import Hand, load_hand
from dexjax.hands.finger_state import PER_FINGER
from dexjax.learners.diffusion import (
    Diffusion,
    DiffusionConfig,
    DiffusionState,
    Windows,
    make_diffusion,
    make_distillation,
    prepare,
    preset,
)
from dexjax.limits import Limits
from dexjax.networks.diffusion.motions import (
    FUTURE,
    HISTORY,
    Example,
    Sizes,
    motion_sizes,
)
from dexjax.policies.controller import STEPS, Controller, make_controller
from dexjax.runs.assemble import load_run_objects
from dexjax.runs.kept import keep, with_kept
from dexjax.runs.records.metrics import Metrics
from dexjax.runs.records.provenance import provenance
from dexjax.runs.run import Budget, InhandRun, SceneConfig
from dexjax.runs.storage import checkpoint
from dexjax.runs.storage.folder import RunFolder
from dexjax.runs.stored import load_stored, policy_meta, read_run
from dexjax.shipped import find
from dexjax.systems.dexgen.transitions import RUN
from dexjax.tasks.inhand import InhandConfig

FOLDER = Path("runs/dexgen/controller")
# Share of the shards that are for testing alone.
HELD_OUT = 0.05
TEST_BATCHES = 16
CHECKPOINT_S = 60.0
LOGGED_EVERY = 100  # gradient steps
_LEAST = 4  # steps of a sampler that was not distilled


# Read from the transitions, not chosen.
_Read = (tyro.conf.Fixed, tyro.conf.Suppress)


@dataclasses.dataclass(frozen=True)
class ControllerRun(InhandRun):
    """Trains a controller on transitions; scene and task are those of its experts.

    Attributes:
        transitions: their folder.
        diffusion: the learner; the preset, "laptop", "gpu" or "paper", sets all of it.
        per_finger: keypoints of each finger, 1 or 2.
        touch: the state of the hand has the forces at the fingertips, too.
        sampler: steps of the sampler, 4 to 12; of a distilled one 1 to 3.
        teacher: folder of a controller whose sampler is distilled into one of fewer
            steps; networks and inverse dynamics are the teacher's. None by default.
    """

    scene: Annotated[SceneConfig, *_Read] = InhandRun.scene
    task: Annotated[InhandConfig, *_Read] = InhandConfig()
    budget: Annotated[Budget, *_Read] = Budget()
    devices: Annotated[int, *_Read] = 1
    transitions: Path = Path("runs/dexgen/transitions")
    diffusion: DiffusionConfig = preset("laptop")
    per_finger: int = 2
    touch: bool = False
    sampler: int = 8
    teacher: str = ""

    LIMITS: ClassVar[Limits] = {
        "per_finger": (min(PER_FINGER), max(PER_FINGER)),
        "sampler": STEPS,
    }

    def check_fit(self) -> None:
        """Refuses a sampler with too few steps for what it is."""
        least, most = (1, _LEAST - 1) if self.teacher else (_LEAST, STEPS[1])
        if not least <= self.sampler <= most:
            kind = "distilled" if self.teacher else "trained on transitions"
            raise DexjaxError(
                f"sampler is {self.sampler}, must be {least} to {most} for one that is "
                f"{kind}"
            )


def controller_run(name: str) -> ControllerRun:
    """The run of a preset.

    Raises:
        DexjaxError: for an unknown name.
    """
    return ControllerRun(preset=name, diffusion=preset(name), out=FOLDER)


class _Examples:
    """Endless examples of some shards."""

    def __init__(self, options: ControllerRun, hand: Hand, shards: tuple[int, ...]):
        self._options, self._shards = options, shards
        self._prepare = prepare(hand, options.per_finger, options.touch)

    def after(self, batches: int) -> Iterator[Example]:
        """From so many batches on."""
        own = self._options
        source = loader(
            own.transitions,
            own.diffusion.batch,
            HISTORY,
            FUTURE,
            own.seed,
            self._shards,
            start=batches,
        )
        for window in source:
            parts = (window.joints, window.targets, window.forces, window.mode)
            yield self._prepare(Windows(*map(jnp.asarray, parts)))


def train_controller(options: ControllerRun) -> dict:
    """Trains, measures and reports; again, it goes on. The summary.

    Raises:
        DexjaxError: for transitions that cannot be used, or a folder of another run.
    """
    spec = read_spec(options.transitions)
    hand = hand_of(spec)
    numbers = written(options.transitions)
    if len(numbers) < 2:
        raise DexjaxError(
            f"{options.transitions} has {len(numbers)} shards: two are needed, one to "
            "test on"
        )
    learn, test = split(numbers, HELD_OUT, options.seed)
    options = with_experts_run(options)
    plain = options.plain() | {"shards": len(numbers)}
    assert options.out is not None
    with RunFolder.open(options.out, plain, options.fresh) as run:
        if run.finished:
            print(f"{options.out} is finished: --fresh begins anew")
            return run.read_summary()
        keep(run.path, options, load_run_objects(options))
        sizes = motion_sizes(hand, options.per_finger, options.touch)
        learner = learner_of(options, sizes)

        def policy(state: DiffusionState) -> Controller:
            return make_controller(
                learner.models,
                state.ema,
                state.scaling,
                hand,
                f"{hand.name} hand, fixed palm",
                options.sampler,
            )

        state, seconds = _train(
            run, options, learner, _Examples(options, hand, learn), policy
        )
        tested = _test(learner, state, _Examples(options, hand, test))
        summary = {
            **tested,
            "steps": int(state.step),
            "seconds": round(seconds, 1),
            "parameters": sum(x.size for x in jax.tree.leaves(state.params)),
            "keypoints": sizes.keypoints,
            "touch": options.touch,
            "sampler": options.sampler,
            "teacher": options.teacher,
            "preset": options.preset,
            "shards": len(numbers),
            "seed": options.seed,
            **provenance(),
        }
        run.write_summary(summary)
    print(
        f"denoising {tested['denoising']:.3f} (1 for knowing nothing), inverse "
        f"dynamics {tested['inverse_rad']:.4f} rad; wrote {options.out}"
    )
    return summary


def learner_of(options: ControllerRun, sizes: Sizes) -> Diffusion:
    """The learner of a run.

    Raises:
        DexjaxError: for a teacher that is no controller, or of other sizes.
    """
    if not options.teacher:
        return make_diffusion(options.diffusion, sizes)
    teacher = load_stored(find(options.teacher)).policy
    if not isinstance(teacher, Controller):
        raise DexjaxError(f"{options.teacher} is no controller")
    own = teacher.sizes
    if own != sizes:
        raise DexjaxError(
            f"{options.teacher} has {own.keypoints} keypoints and {own.features} "
            f"features of a state, asked for are {sizes.keypoints} and {sizes.features}"
        )
    return make_distillation(options.diffusion, teacher, options.sampler)


def with_experts_run(run: ControllerRun) -> ControllerRun:
    """The run with scene and task of the transitions' experts."""
    source = run.transitions / RUN
    found = with_kept(source, read_run(source))
    assert isinstance(found, InhandRun)
    return dataclasses.replace(run, scene=found.scene, task=found.task)


def hand_of(spec: TransitionSpec) -> Hand:
    """The hand of transitions.

    Raises:
        DexjaxError: if it has changed since.
    """
    hand = load_hand(spec.hand)
    own = spec_of(hand, spec.objects, spec.turns, spec.experts, spec.modes)
    different = own.difference(spec)
    if different:
        raise DexjaxError(f"the transitions are of another hand: {different}")
    return hand


def _train(
    run: RunFolder,
    options: ControllerRun,
    learner: Diffusion,
    examples: _Examples,
    policy: Callable[[DiffusionState], Controller],
) -> tuple[DiffusionState, float]:
    """Takes all gradient steps; the state and the seconds they took."""
    key = jax.random.key(options.seed)
    state = learner.init(key, next(examples.after(0)))
    meta = policy_meta(policy(state)) | {"object": "transitions"}
    state, spent = _resumed(run, state, meta)
    done = int(state.step)
    began = saved = time.monotonic()
    metrics = Metrics(run.path, done if done else None)
    total = options.diffusion.steps
    with tqdm(total=total, initial=done, unit=" steps") as bar:
        for example in examples.after(done):
            if done >= total:
                break
            state, losses = learner.update(
                state, example, jax.random.fold_in(key, done)
            )
            done += 1
            if done % LOGGED_EVERY == 0:
                seconds = spent + time.monotonic() - began
                row = {name: float(loss) for name, loss in losses.items()}
                metrics.write(done, {"wall_s": seconds} | row)
                bar.set_postfix_str(f"denoising {row['denoising']:.3f}")
                bar.update(done - bar.n)
            if time.monotonic() - saved >= CHECKPOINT_S or done == total:
                wall = spent + time.monotonic() - began
                tree = {"policy": policy(state), "state": state}
                checkpoint.save(run.checkpoints, done, tree, meta | {"wall_s": wall})
                saved = time.monotonic()
    metrics.close()
    return state, spent + time.monotonic() - began


def _resumed(
    run: RunFolder, state: DiffusionState, meta: dict
) -> tuple[DiffusionState, float]:
    """The state to go on from, and the seconds so far."""
    if checkpoint.latest_step(run.checkpoints) is None:
        return state, 0.0
    step, state, found = checkpoint.restore(
        run.checkpoints, state, expect={"policy": meta["policy"]}, part="state"
    )
    print(f"resuming {run.path} after step {step:,}")
    return state, found["wall_s"]


def _test(
    learner: Diffusion, state: DiffusionState, examples: _Examples
) -> dict[str, float]:
    """Losses on shards that no training saw."""
    found: list[dict[str, Any]] = []
    for _, example in zip(range(TEST_BATCHES), examples.after(0), strict=False):
        found.append(jax.device_get(learner.evaluate(state, example)))
    return {name: float(np.mean([row[name] for row in found])) for name in found[0]}
