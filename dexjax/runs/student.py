"""Vision students: their configuration, their teacher, their learner."""

import dataclasses

import jax

from dexjax.learners.dagger import DaggerConfig, make_dagger
from dexjax.learners.learner import Learner
from dexjax.runs.config import RunConfig
from dexjax.runs.evaluation import Act
from dexjax.tasks.clouds import POINTS
from dexjax.tasks.grasp import GraspTask
from dexjax.tasks.grasp_config import GraspConfig
from dexjax.tasks.task import TaskState


@dataclasses.dataclass(frozen=True)
class StudentConfig(RunConfig):
    """Distils a policy into one that sees points; what all runs have: `RunConfig`.

    Attributes:
        dagger: the learner.
        teacher: what the teacher is called: the folder of its run.
        teacher_digest: of its parameters.
    """

    dagger: DaggerConfig = DaggerConfig()
    teacher: str = ""
    teacher_digest: str = ""

    @property
    def sees_codes(self) -> bool:
        """Its teacher does."""
        return True

    @property
    def learner(self) -> DaggerConfig:
        """DAgger's."""
        return self.dagger


def make_student(
    task: GraspTask, teacher: Act, sees: GraspConfig, config: StudentConfig
) -> Learner:
    """DAgger from a teacher.

    Args:
        task: with the student's observations.
        teacher: what it would do.
        sees: the task's configuration with the teacher's observations.
        config: of the student.
    """

    def see(world: TaskState) -> jax.Array:
        return task.view(world, sees.observation, sees.relative)

    def label(worlds: TaskState) -> jax.Array:
        return teacher(jax.vmap(see)(worlds))

    return make_dagger(task, label, POINTS, config.dagger)
