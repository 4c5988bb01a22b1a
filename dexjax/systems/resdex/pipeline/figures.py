"""Figures 2 and 3 of ResDex, and learning curves."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dexjax.systems.resdex.pipeline.tables import NOT_RUN, SPLITS, Rows, chosen


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
