"""Vision students: DAgger from a policy that knows more (ResDex, section 3.4)."""

import dataclasses
import time
from pathlib import Path
from typing import Annotated, ClassVar

import tyro

from dexjax.errors import DexjaxError
from dexjax.learners.dagger import make_dagger
from dexjax.learners.dagger_config import DaggerConfig
from dexjax.learners.learner import Learner
from dexjax.learners.placement import Placement
from dexjax.limits import Limits, one_of
from dexjax.networks.student import VisionActor
from dexjax.policies.policy import check_fits
from dexjax.runs.kept import with_kept
from dexjax.runs.launch import launch
from dexjax.runs.run import GraspRun
from dexjax.runs.storage.digest import digest
from dexjax.runs.stored import StoredPolicy, grasp_run, load_stored
from dexjax.shipped import find
from dexjax.tasks.grasp import GraspTask
from dexjax.tasks.grasp.observations import (
    OBSERVATIONS,
    POINTS,
    SEEN_POINTS,
    VISION,
    observed_names,
)

_CLOUDS = {POINTS, SEEN_POINTS}
# Where the hyper-policy that is made by default ends.
TEACHER = "runs/hyper/k4-seed0/stage2"
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
class StudentRun(GraspRun):
    """Distils a policy into one that sees points; what all runs have: `Run`.

    Attributes:
        dagger: the learner.
        teacher: folder of the policy to imitate, or the name of one that comes with
            dexjax.
        teacher_digest: of its parameters.
    """

    dagger: DaggerConfig = DaggerConfig()
    teacher: str = TEACHER
    # Not chosen but read.
    teacher_digest: Annotated[str, tyro.conf.Fixed, tyro.conf.Suppress] = ""

    @property
    def learner(self) -> DaggerConfig:
        """DAgger's."""
        return self.dagger


@dataclasses.dataclass(frozen=True)
class StudentOptions:
    """Distils a policy into one that sees points on the object, not its pose.

    Attributes:
        run: of the student; objects and scene are the teacher's by default, out is
            runs/distill/<cloud>-seed<seed>.
        cloud: "points" (all of the surface) or "seen-points" (by two cameras).
    """

    run: Annotated[StudentRun, tyro.conf.arg(name="")] = StudentRun()
    cloud: str = "points"

    LIMITS: ClassVar[Limits] = {"cloud": VISION}


def student_options(
    name: str, teacher: str = TEACHER, cloud: str = "points"
) -> StudentOptions:
    """The options of a preset for a teacher.

    Raises:
        DexjaxError: for an unknown name, or a teacher that sees points itself.
    """
    if cloud not in VISION:
        raise DexjaxError(f"cloud {cloud!r}: choose from {', '.join(VISION)}")
    steps, dagger = one_of("preset", name, PRESETS)
    stored = load_stored(find(teacher))
    run = with_kept(stored.folder, grasp_run(stored))
    if run.task.observation in VISION:
        raise DexjaxError(f"{teacher} is a vision student, no teacher for one")
    task = dataclasses.replace(
        run.task,
        observation=cloud,
        relative=False,
        privileged=_privileged(stored, cloud),
        reward="stage2",
        pose=False,
        near_share=0.0,
    )
    fields = {f.name: getattr(run, f.name) for f in dataclasses.fields(run)} | {
        "task": task,
        "budget": dataclasses.replace(run.budget, env_steps=steps, stop_at=0.0),
        "preset": name,
        "devices": 1,
        "seed": 0,
        "out": None,
        "fresh": False,
    }
    own = StudentRun(
        **fields,
        dagger=dagger,
        teacher=teacher,
        teacher_digest=digest(stored.policy),
    )
    return StudentOptions(own, cloud)


def train_student(options: StudentOptions) -> dict:
    """Distils, evaluates and reports; again, it goes on. The summary.

    Raises:
        DexjaxError: for whatever is wrong with the options or a folder.
    """
    started = time.monotonic()
    run = options.run
    if run.devices != 1:
        raise DexjaxError(f"devices is {run.devices}: a student is trained on 1")
    out = run.out or Path(f"runs/distill/{options.cloud}-seed{run.seed}")
    run = dataclasses.replace(run, out=out)
    run.check()
    if run.task.observation != options.cloud:
        raise DexjaxError(
            f"observation {run.task.observation!r}: a student of the cloud "
            f"{options.cloud!r} observes that; choose by --cloud"
        )
    teacher = load_stored(find(run.teacher)).policy

    def learner(task: GraspTask, placement: Placement | None) -> Learner:
        check_fits(teacher, task.spec, f"the teacher {run.teacher}")
        vectors = tuple(n for n in OBSERVATIONS[options.cloud] if n not in _CLOUDS)
        (cloud,) = set(OBSERVATIONS[options.cloud]) & _CLOUDS
        network = VisionActor(vectors, cloud, task.spec.actions, run.dagger.widths)
        return make_dagger(task, teacher, network, run.dagger, run.env_steps)

    return launch(run, learner, started, option="--dagger.worlds")


def _privileged(teacher: StoredPolicy, cloud: str) -> tuple[str, ...]:
    """What the teacher sees and the student does not."""
    own = observed_names(cloud, relative=False)
    names = (each.name for each in teacher.policy.spec.observations)
    return tuple(name for name in names if name not in own)
