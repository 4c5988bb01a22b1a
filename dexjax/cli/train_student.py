"""`dexjax train student`: a policy distilled into one that sees points."""

from collections.abc import Sequence

from dexjax.cli.arguments import parse, read
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.launch import show
from dexjax.systems.resdex.student import (
    StudentOptions,
    student_options,
    train_student,
)


def run(arguments: Sequence[str]) -> dict:
    """Distils, evaluates and reports; again, it goes on. The summary."""
    # Most defaults are the teacher's, and which that is has to be read first.
    asked = read(StudentOptions, arguments, StudentOptions(), "train student")
    usual = student_options(asked.run.preset, asked.run.teacher, asked.cloud)
    options = parse(StudentOptions, arguments, usual, "train student")
    use_compilation_cache()
    summary = train_student(options)
    show(summary)
    return summary
