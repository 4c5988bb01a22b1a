"""Distils a policy into a vision student: `python experiments/distill.py`."""

import dataclasses
import sys
import time
from pathlib import Path

from dexjax.errors import DexjaxError, main_guard
from dexjax.learners.dagger import DaggerConfig
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.config import RunConfig, check
from dexjax.runs.digest import digest
from dexjax.runs.launch import launch, show
from dexjax.runs.policies import TrainedPolicy, load_policy
from dexjax.runs.student import StudentConfig, make_student
from dexjax.tasks.observations import VISION

# Control steps and learner of each preset.
PRESETS = {
    "smoke": (
        40_960,
        DaggerConfig(
            worlds=64, buffer=16_384, updates=4, minibatch=128, points=64, guided=10
        ),
    ),
    "laptop": (1_500_000, DaggerConfig()),
    "gpu": (
        100_000_000,
        DaggerConfig(worlds=4096, buffer=1_048_576, updates=64, minibatch=1024),
    ),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """Distils a policy into one that sees points on the object, not its pose.

    Attributes:
        teacher: folder of the policy to imitate.
        cloud: "points" (all of the surface) or "seen-points" (by two cameras).
        objects: to train on; the teacher's by default.
        preset: "smoke", "laptop" or "gpu".
        engine: "auto", "native", "mjx" or "warp".
        env_steps: control steps of all worlds together; the preset's by default.
        seed: of everything.
        out: run folder; runs/distill/<cloud>-seed<seed> by default.
        fresh: start anew.
    """

    teacher: Path = Path("runs/hyper/k4-seed0/stage2")
    cloud: str = "points"
    objects: str = ""
    preset: str = "laptop"
    engine: str = "auto"
    env_steps: int | None = None
    seed: int = 0
    out: Path | None = None
    fresh: bool = False


def configuration(options: Options, teacher: TrainedPolicy) -> StudentConfig:
    """The student's configuration: the teacher's, but for what it sees and learns by.

    Raises:
        DexjaxError: for an unknown name, or a teacher that sees points itself.
    """
    if options.cloud not in VISION:
        raise DexjaxError(f"cloud {options.cloud!r}: choose from {', '.join(VISION)}")
    if options.preset not in PRESETS:
        known = ", ".join(PRESETS)
        raise DexjaxError(f"preset {options.preset!r}: choose from {known}")
    if teacher.config.task.observation in VISION:
        raise DexjaxError(f"{options.teacher} is a vision student, no teacher for one")
    steps, dagger = PRESETS[options.preset]
    steps = options.env_steps or steps
    iterations = max(steps // (dagger.worlds * dagger.steps), 1)
    task = dataclasses.replace(
        teacher.config.task,
        observation=options.cloud,
        relative=False,
        reward="stage2",
        pose=False,
        near_share=0.0,
    )
    common = dataclasses.fields(RunConfig)
    fields = {f.name: getattr(teacher.config, f.name) for f in common} | {
        "object": options.objects or teacher.config.object,
        "preset": options.preset,
        "engine": options.engine,
        "task": task,
        "devices": 1,
        "env_steps": steps,
        "stop_at": 0.0,
        "seed": options.seed,
        "out": options.out or Path(f"runs/distill/{options.cloud}-seed{options.seed}"),
        "fresh": options.fresh,
    }
    config = StudentConfig(
        **fields,
        dagger=dataclasses.replace(dagger, iterations=iterations),
        teacher=str(options.teacher),
        teacher_digest=digest(teacher.policy),
    )
    check(config)
    return config


@main_guard
def main() -> None:
    """Distils, evaluates and reports; the same command again resumes."""
    started = time.monotonic()
    options = parse_arguments(Options, sys.argv[1:], Options())
    use_compilation_cache()
    teacher = load_policy(options.teacher)
    config = configuration(options, teacher)
    sees = teacher.config.task

    def learner(task, mesh):
        return make_student(task, teacher.act, sees, config)

    show(launch(config, learner, started))


if __name__ == "__main__":
    main()
