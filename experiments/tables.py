"""The paper's tables with our figures beside them: `python experiments/tables.py`."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dexjax.errors import main_guard
from dexjax.runs.arguments import parse_arguments
from dexjax.runs.folder import make_folder, read_json, write_text

ROOT = Path(__file__).resolve().parents[1]
SPLITS = ("train", "unseen-object", "unseen-category")
NOT_RUN = "not run"
KS = range(1, 7)
# Success in per cent on the three splits, as ResDex (ICLR 2025) reports it: reached at
# any step, on DexGraspNet. Ours is what is held at the end, on the everyday set.
PAPER_STATE = {
    "UniDexGrasp": (79.4, 74.3, 70.8),
    "UniDexGrasp++": (87.9, 84.3, 83.1),
    "UniGraspTransformer": (91.2, 89.2, 88.3),
    "ResDex, k = 4, stage 1": (90.6, 89.7, 90.9),
    "ResDex, k = 4, stage 2": (94.6, 94.4, 95.4),
}
PAPER_VISION = {
    "UniDexGrasp": (73.7, 68.6, 65.1),
    "UniDexGrasp++": (85.4, 79.6, 76.7),
    "UniGraspTransformer": (88.9, 87.3, 86.8),
    "ResDex": (88.8, 88.5, 87.2),
}
# On the train split, k = 1 ... 6.
PAPER_MIXTURE = (61.4, 71.1, 79.4, 80.3, 72.1, 81.6)
PAPER_RESIDUAL = (83.2, 82.8, 88.1, 90.6, 87.6, 88.7)
PAPER_DISTANCE = (223.6, 174.5, 194.3, 176.3, 204.6, 176.1)
PAPER_STAGE_2 = (
    (94.3, 93.8, 94.5),
    (94.5, 94.3, 95.2),
    (94.1, 93.9, 94.4),
    (94.6, 94.4, 95.4),
    (94.2, 93.7, 94.2),
    (93.9, 93.6, 94.5),
)

Rows = list[dict]


@dataclasses.dataclass(frozen=True)
class Options:
    """Prints Tables 1 to 5 and draws Figures 2 and 3 from what has been measured.

    Figure 3 comes with learning curves of its policies.

    Attributes:
        results: file that experiments/resdex.py completes.
        out: folder for tables.md and the figures.
    """

    results: Path = ROOT / "benchmarks" / "results" / "resdex.json"
    out: Path = Path("runs/tables")


def chosen(rows: Rows, **wanted: object) -> Rows:
    """The rows with these fields."""
    return [r for r in rows if all(r.get(n) == value for n, value in wanted.items())]


def success(rows: Rows) -> str:
    """Held success of one cell: mean over seeds, pooled interval, number of seeds."""
    if not rows:
        return NOT_RUN
    held = 100 * np.mean([row["success_held"] for row in rows])
    low, high = 100 * np.mean([row["ci95"] for row in rows], axis=0)
    seeds = len({row["seed"] for row in rows})
    return f"{held:.1f} ({low:.1f}–{high:.1f}; {seeds} seed{'s' * (seeds > 1)})"


def over_splits(rows: Rows, **wanted: object) -> list[str]:
    """One cell for each split."""
    return [success(chosen(rows, split=split, **wanted)) for split in SPLITS]


def markdown(title: str, header: list[str], body: list[list[str]]) -> str:
    """A titled table."""
    lines = [header, ["---"] * len(header), *body]
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def paper_lines(figures: dict[str, tuple[float, ...]]) -> list[list[str]]:
    """Lines of the paper's figures."""
    return [
        [f"{name} (paper)", *(f"{x:.1f}" for x in values)]
        for name, values in figures.items()
    ]


def table_1(rows: Rows) -> str:
    """State-based policies."""
    ours = {
        "hyper-policy, k = 4, stage 1": dict(policy="hyper", k=4, stage=1),
        "hyper-policy, k = 4, stage 2": dict(policy="hyper", k=4, stage=2),
        "residual only, k = 1, stage 2": dict(policy="hyper", k=1, stage=2),
    }
    lines = [
        [name, *over_splits(rows, residual=True, **wanted)]
        for name, wanted in ours.items()
    ]
    mixture = over_splits(rows, policy="hyper", k=4, stage=2, residual=False)
    lines.append(["mixture only, k = 4, stage 2", *mixture])
    lines.append(["plain PPO on all objects", *over_splits(rows, policy="ppo")])
    body = paper_lines(PAPER_STATE) + lines
    return markdown("Table 1: state-based, held %", ["policy", *SPLITS], body)


def table_2(rows: Rows) -> str:
    """Vision students."""
    names = {
        "points": "student, whole cloud",
        "seen-points": "student, what two cameras see",
    }
    ours = [
        [name, *over_splits(rows, policy="student", cloud=cloud)]
        for cloud, name in names.items()
    ]
    body = paper_lines(PAPER_VISION) + ours
    return markdown("Table 2: vision-based, held %", ["policy", *SPLITS], body)


def by_k(
    paper: tuple[float, ...], cell: Callable[[Rows], str], rows: Rows, **wanted: object
) -> list[list[str]]:
    """Two lines, the paper's and ours, of one cell for each k."""
    ours = [cell(chosen(rows, policy="hyper", k=k, **wanted)) for k in KS]
    return [["paper", *(f"{x:.1f}" for x in paper)], ["ours", *ours]]


def table_3(rows: Rows) -> str:
    """What the residual adds, by k."""
    body = []
    for name, residual, paper in (
        ("mixture only", False, PAPER_MIXTURE),
        ("mixture + residual", True, PAPER_RESIDUAL),
    ):
        lines = by_k(paper, success, rows, split="train", stage=1, residual=residual)
        body += [[f"{name}, {line[0]}", *line[1:]] for line in lines]
    header = ["stage 1, train", *(f"k = {k}" for k in KS)]
    return markdown("Table 3: mixture and residual, held %", header, body)


def table_4(rows: Rows) -> str:
    """Distance to the grasp proposals, by k."""

    def distance(found: Rows) -> str:
        known = [r["pose_distance"] for r in found if r["pose_distance"] is not None]
        return f"{np.mean(known):.1f}" if known else NOT_RUN

    wanted = dict(split="train", stage=1, residual=True)
    body = by_k(PAPER_DISTANCE, distance, rows, **wanted)
    header = ["stage 1, train", *(f"k = {k}" for k in KS)]
    return markdown("Table 4: pose distance D (lower is better)", header, body)


def table_5(rows: Rows) -> str:
    """After stage 2, by k."""
    body = []
    for k, paper in zip(KS, PAPER_STAGE_2, strict=True):
        ours = over_splits(rows, policy="hyper", k=k, stage=2, residual=True)
        body.append([f"k = {k}, paper", *(f"{x:.1f}" for x in paper)])
        body.append([f"k = {k}, ours", *ours])
    return markdown("Table 5: after stage 2, held %", ["policy", *SPLITS], body)


def bars(path: Path, title: str, groups: dict[str, dict[str, Rows]]) -> None:
    """Draws held success, one group of bars for each entry.

    Args:
        path: PNG file.
        title: of the figure.
        groups: name of a group -> name of a bar -> rows of all seeds.
    """
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    place = np.arange(len(groups))
    names = list(next(iter(groups.values())))
    for i, name in enumerate(names):
        cells = [group[name] for group in groups.values()]
        means = [
            100 * np.mean([r["success_held"] for r in c]) if c else 0 for c in cells
        ]
        shift = 0.27 * (i - (len(names) - 1) / 2)
        drawn = axes.bar(place + shift, means, 0.25, label=name)
        texts = [
            f"{m:.1f}" if c else NOT_RUN for m, c in zip(means, cells, strict=True)
        ]
        axes.bar_label(drawn, texts, padding=2, fontsize=6, rotation=90)
    axes.set_xticks(place, list(groups), fontsize=8)
    axes.set(ylabel="held %", ylim=(0, 100), title=title)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def figures(rows: Rows, out: Path) -> None:
    """Figure 2: what base policies see; figure 3: what mixture and residual do."""
    kinds = ("geometry-unaware", "full observation", "full pose reward")
    bases = chosen(rows, policy="base")
    objects = list(dict.fromkeys(row["object"] for row in bases)) or ["any object"]
    by_object = {
        name.replace("_", " "): {k: chosen(bases, object=name, kind=k) for k in kinds}
        for name in objects
    }
    title = "Base policies of one object each, on all objects of the train split"
    bars(out / "figure-2.png", title, by_object)
    parts = {
        "plain PPO": [chosen(rows, policy="ppo")],
        "mixture only": both_stages(rows, 4, False),
        "residual only": both_stages(rows, 1, True),
        "mixture + residual": both_stages(rows, 4, True),
    }
    final = {
        name: {split: chosen(stages[-1], split=split) for split in SPLITS}
        for name, stages in parts.items()
    }
    bars(out / "figure-3.png", "What the mixture and the residual are worth", final)
    learning_curves(out / "learning-curves.png", parts)


def both_stages(rows: Rows, k: int, residual: bool) -> list[Rows]:
    """The rows of one kind of hyper-policy, by stage."""
    kind = chosen(rows, policy="hyper", k=k, residual=residual)
    return [chosen(kind, stage=stage) for stage in (1, 2)]


def learning_curves(path: Path, policies: dict[str, list[Rows]]) -> None:
    """Draws success in the training, one line for each seed, stage after stage.

    Args:
        path: PNG file.
        policies: name -> rows by stage.
    """
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for i, (name, stages) in enumerate(policies.items()):
        for seed in sorted({row["seed"] for row in stages[-1]}):
            line = np.array(joined([chosen(rows, seed=seed) for rows in stages]))
            if len(line):
                axes.plot(*line.T, color=f"C{i}", linewidth=1.2, label=name)
                name = "_"  # One entry in the legend.
    axes.set(xlabel="environment steps (million)", ylabel="held in training %")
    if axes.lines:
        axes.legend(frameon=False, fontsize=8)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def joined(stages: list[Rows]) -> list[tuple[float, float]]:
    """Million steps and % held of one seed, each stage after the one before."""
    line, before = [], 0
    for rows in stages:
        own = [row for row in rows if row.get("curve")]
        for row in own[:1]:
            line += [((before + x) / 1e6, 100 * y) for x, y in row["curve"]]
            before += row["env_steps"]
    return line


@main_guard
def main() -> None:
    """Prints and draws."""
    options = parse_arguments(Options, sys.argv[1:], Options())
    rows = read_json(options.results) if options.results.exists() else []
    make_folder(options.out)
    tables = [table(rows) for table in (table_1, table_2, table_3, table_4, table_5)]
    text = "\n\n".join(tables)
    print(text)
    write_text(options.out / "tables.md", text + "\n")
    figures(rows, options.out)
    print(f"\nwrote tables.md, two figures and learning-curves.png to {options.out}")


if __name__ == "__main__":
    main()
