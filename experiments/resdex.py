"""The whole of ResDex, trained and measured: `python experiments/resdex.py`.

Object codes, base policies, hyper-policy in two stages, vision students; then every
policy on all three splits. Can be interrupted anywhere: what is finished is kept, an
unfinished training is resumed. Completes benchmarks/results/resdex.json, a list of
rows, and counts the time of its parts in runs/hours.json.
"""

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dexjax.errors import DexjaxError, main_guard
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.config import for_many_objects, preset
from dexjax.runs.folder import read_json, write_json
from dexjax.runs.hours import Hours
from dexjax.runs.metrics import provenance, read_metrics
from dexjax.runs.splits import splits

ROOT = Path(__file__).resolve().parents[1]
# What tells one row from another.
KEY = ("policy", "k", "stage", "residual", "cloud", "object", "kind", "split", "seed")
KEPT = ("success_held", "success_reached", "episodes", "ci95", "pose_distance")
TRAINED = ("env_steps", "wall_s", "preset", "engine")
# The part of the time that evaluations take.
EVALUATION = "evaluation"
# Of a learning curve.
POINTS = 20
# Figure 2: base policies of an object of each of these categories, of three kinds.
ABLATED = ("phone", "toy_figure", "bottle", "game_console", "toilet_paper", "mug")
KINDS: dict[str, tuple[str, ...]] = {
    "geometry-unaware": (),
    "full observation": ("--observation", "full"),
    "full pose reward": ("--reward", "full-pose"),
}


@dataclasses.dataclass(frozen=True)
class Options:
    """Trains and measures ResDex; goes on where it was interrupted.

    Attributes:
        k: numbers of base policies, one hyper-policy for each.
        seeds: of the trainings; hyper-policies of all seeds share their base policies.
        preset: "smoke", "laptop" or "gpu".
        env_steps: control steps of each stage; the preset's by default.
        encoder: folder of an encoder of object codes; one is trained by default.
        vision: also distil the hyper-policy with most base policies.
        baselines: also train mixtures without residual, in stage 2 that of most base
            policies only, and plain PPO on all objects with the steps of stages and
            base policies together.
        ablations: also train the base policies of Figure 2.
        dexgraspnet: folder of DexGraspNet: measures on all objects there, too.
        runs: folder for the trainings.
        out: JSON file to complete.
    """

    k: tuple[int, ...] = (4,)
    seeds: tuple[int, ...] = (0,)
    preset: str = "laptop"
    env_steps: int | None = None
    encoder: Path | None = None
    vision: bool = True
    baselines: bool = False
    ablations: bool = False
    dexgraspnet: Path | None = None
    runs: Path = Path("runs")
    out: Path = ROOT / "benchmarks" / "results" / "resdex.json"


@dataclasses.dataclass(frozen=True)
class Entry:
    """One policy of the tables.

    Attributes:
        script: that trains it.
        arguments: of the script.
        folder: where it leaves the run.
        fields: of its rows.
        only: split that it is measured on; all by default.
    """

    script: str
    arguments: tuple[object, ...]
    folder: Path
    fields: dict
    only: str | None = None


def entries(options: Options) -> Iterator[Entry]:
    """All policies in the order in which they need each other."""
    for seed in options.seeds:
        for k in options.k:
            yield from hyper(options, k, seed, residual=True)
        if options.vision and max(options.k) > 1:
            yield from students(options, max(options.k), seed)
        if options.baselines:
            for k in options.k:
                stages = (1, 2) if k == max(options.k) else (1,)
                yield from hyper(options, k, seed, residual=False, stages=stages)
            yield plain(options, seed)
        if options.ablations:
            yield from bases(options, seed)


def train_encoder(options: Options, hours: Hours) -> None:
    """The encoder of object codes, one for all seeds; none if one is given."""
    if options.encoder is not None:
        return
    few = ("--autoencoder.steps", 50) if options.preset == "smoke" else ()
    arguments = ("--out", options.runs / "codes", *few)
    run_script("codes.py", arguments, hours, "codes")


def encoder(options: Options) -> Path:
    """The folder of the encoder of object codes."""
    return options.encoder or options.runs / "codes"


def hyper(
    options: Options,
    k: int,
    seed: int,
    residual: bool,
    stages: tuple[int, ...] = (1, 2),
) -> Iterator[Entry]:
    """Stages of a hyper-policy."""
    folder = hyper_folder(options, k, seed, residual)
    for stage in stages:
        yield Entry(
            "hyper.py",
            (
                *("--k", k, "--stage", stage, "--seed", seed, "--out", folder),
                *("--preset", options.preset, "--bases", options.runs / "base"),
                *("--encoder", encoder(options)),
                *([] if residual else ["--no-residual"]),
                *(["--env-steps", options.env_steps] if options.env_steps else []),
            ),
            folder / f"stage{stage}",
            {"policy": "hyper", "k": k, "stage": stage, "residual": residual},
        )


def students(options: Options, k: int, seed: int) -> Iterator[Entry]:
    """The vision students of a hyper-policy."""
    teacher = hyper_folder(options, k, seed, True) / "stage2"
    for cloud in ("points", "seen-points"):
        folder = options.runs / "distill" / f"{cloud}-seed{seed}"
        yield Entry(
            "distill.py",
            (
                *("--teacher", teacher, "--cloud", cloud, "--seed", seed),
                *("--preset", options.preset, "--out", folder),
            ),
            folder,
            {"policy": "student", "k": k, "cloud": cloud, "teacher": str(teacher)},
        )


def plain(options: Options, seed: int) -> Entry:
    """PPO on all objects at once, tuned alike, at the same cost.

    That is the steps of both stages and of the base policies that are mixed; those that
    were passed over are not counted.
    """
    mixture = hyper_folder(options, max(options.k), seed, True)
    stages = [mixture / "stage1", mixture / "stage2"]
    runs = [read_json(stage / "summary.json") for stage in stages]
    steps = sum(run["env_steps"] for run in runs + experts(stages[0]))
    folder = options.runs / "plain" / f"seed{seed}"
    return Entry(
        "base.py",
        (
            *("--object", "everyday/train", "--preset", options.preset),
            *("--task.observation", "surface", "--env-steps", steps, "--stop-at", 0),
            *tuned(options.preset),
            *("--encoder", encoder(options)),
            *("--seed", seed, "--out", folder),
        ),
        folder,
        {"policy": "ppo"},
    )


def tuned(name: str) -> Iterator[object]:
    """Flags for all that a preset does otherwise on many objects."""
    usual = preset(name)
    many = for_many_objects(usual)
    for part in ("task", "ppo"):
        old, new = getattr(usual, part), getattr(many, part)
        for field in dataclasses.fields(new):
            value = getattr(new, field.name)
            if value != getattr(old, field.name):
                yield f"--{part}.{field.name.replace('_', '-')}"
                yield from value if isinstance(value, tuple) else (value,)


def bases(options: Options, seed: int) -> Iterator[Entry]:
    """Base policies that see or are rewarded for more than ours.

    They are measured on all objects to train on, of which each has seen one.
    """
    for category in ABLATED:
        for kind, flags in KINDS.items():
            folder = options.runs / "ablations" / f"{category}-{kind}-seed{seed}"
            folder = Path(str(folder).replace(" ", "-"))
            yield Entry(
                "base.py",
                (
                    *("--object", f"everyday/train/{category}:1", *flags),
                    *("--preset", options.preset, "--seed", seed, "--out", folder),
                    *("--encoder", encoder(options)),
                ),
                folder,
                {"policy": "base", "object": category, "kind": kind},
                only="train",
            )


def hyper_folder(options: Options, k: int, seed: int, residual: bool) -> Path:
    """Where the stages of a hyper-policy are."""
    kind = "" if residual else "-no-residual"
    return options.runs / "hyper" / f"k{k}{kind}-seed{seed}"


def experts(stage: Path) -> list[dict]:
    """Summaries of the base policies in a run's folder, in their order."""
    folders = sorted((stage / "bases").glob("*"), key=lambda folder: int(folder.name))
    return [read_json(folder / "summary.json") for folder in folders]


def run_script(
    script: str, arguments: tuple[object, ...], hours: Hours, part: str
) -> None:
    """Runs one of the experiments; its time is that of a part of the whole.

    Raises:
        DexjaxError: if it fails; it has said why.
    """
    command = [sys.executable, str(ROOT / "experiments" / script)]
    with subprocess.Popen(command + [str(x) for x in arguments]) as process:
        try:
            status = hours.wait(part, process)
        except BaseException:
            process.kill()
            raise
    if status:
        raise DexjaxError(f"{script} failed: see above; the same command goes on")


def measure(
    entry: Entry, split: str, seed: int, on: tuple[object, ...], hours: Hours
) -> dict:
    """One row: a trained policy on one split.

    What a policy was trained on has been measured at the end of its training: an
    episode of each object, from a fresh start.
    """
    summary = read_json(entry.folder / "summary.json")
    found, its_own = summary, summary["object"] == f"everyday/{split}"
    if not its_own:
        out = entry.folder / f"{split}.json"
        run_script("evaluate.py", (entry.folder, *on, "--out", out), hours, EVALUATION)
        found = read_json(out)
    return {
        **{name: None for name in KEY},
        **entry.fields,
        "experts": [base["object"] for base in experts(entry.folder)] or None,
        "split": split,
        "seed": seed,
        **{name: found[name] for name in KEPT},
        **{name: summary[name] for name in TRAINED},
        "curve": curve(entry.folder / "metrics.csv") if its_own else None,
        "worlds": summary["learner"]["worlds"],
        "train_commit": summary["commit"],
        **provenance(),
    }


def curve(metrics: Path) -> list[tuple[int, float]]:
    """A learning curve of few points: (env steps, success held in the training)."""
    columns = read_metrics(metrics)
    names = ("env_steps", "episodes", "success_held")
    parts = np.array_split(np.array([columns[name] for name in names]), POINTS, axis=1)
    return [
        (int(steps[-1]), float(np.nansum(episodes * held) / episodes.sum()))
        for steps, episodes, held in parts
        if episodes.sum() > 0
    ]


@main_guard
def main() -> None:
    """Trains what is missing, measures what is missing."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    rows = read_json(options.out) if options.out.exists() else []
    hours = Hours(options.runs / "hours.json")
    train_encoder(options, hours)
    for seed in options.seeds:
        for entry in entries(dataclasses.replace(options, seeds=(seed,))):
            part = str(entry.folder.relative_to(options.runs))
            run_script(entry.script, entry.arguments, hours, part)
            for split, on in splits(options.dexgraspnet).items():
                new = entry.fields | {"split": split, "seed": seed}
                if entry.only not in (None, split):
                    continue
                if any(all(row.get(n) == new.get(n) for n in KEY) for row in rows):
                    continue
                rows.append(measure(entry, split, seed, on, hours))
                write_json(options.out, rows)
    print(f"all of {options.runs} took {hours.total:.1f} h: {options.runs}/hours.json")


if __name__ == "__main__":
    main()
