"""The figure of the study: what a controller makes of bad commands (Figure 8)."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

# Row's field -> its axis.
MEASURES = {"hold_s": "held for, s", "goals_per_min": "goals a minute"}


def draw_study(rows: list[dict], path: Path) -> None:
    """Draws holding time and goals over guidance, a column for each set of objects.

    Lines are the controller under each disturbance with 95 % intervals; the same
    commands without it are dashed.

    Args:
        rows: of `study`.
        path: PNG file.
    """
    sets = list(dict.fromkeys(row["objects"] for row in rows))
    figure = Figure(figsize=(3.6 * len(sets) + 1.6, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(MEASURES), len(sets), squeeze=False, sharex=True)
    for column, name in enumerate(sets):
        own = [row for row in rows if row["objects"] == name]
        for line, measure in enumerate(MEASURES):
            _draw(axes[line, column], own, measure)
        axes[0, column].set_title(name.split("/")[1] if "/" in name else name)
        axes[0, column].set_yscale("log")
        axes[-1, column].set_xlabel("guidance")
    for line, label in enumerate(MEASURES.values()):
        axes[line, 0].set_ylabel(label)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    handles.append(Line2D([], [], color="grey", linestyle="--", linewidth=0.9))
    labels.append("without the controller")
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
    figure.savefig(path, dpi=120)


def _draw(axes: Axes, rows: list[dict], measure: str) -> None:
    """One measure of one set of objects."""
    experts = [row for row in rows if row["policy"] == "expert"]
    for number, name in enumerate(dict.fromkeys(r["disturbance"] for r in experts)):
        own = [row for row in experts if row["disturbance"] == name]
        bare = [row[measure] for row in own if not row["controller"]]
        led = sorted(
            (row for row in own if row["controller"]), key=lambda row: row["guidance"]
        )
        colour = f"C{number}"
        for value in bare:
            axes.axhline(value, color=colour, linestyle="--", linewidth=0.9)
        if led:
            means = [row[measure] for row in led]
            below = [row[measure] - row[f"{measure}_ci95"][0] for row in led]
            above = [row[f"{measure}_ci95"][1] - row[measure] for row in led]
            axes.errorbar(
                [row["guidance"] for row in led],
                means,
                [below, above],
                color=colour,
                linewidth=1.3,
                label="clean" if name == "none" else name,
            )
    axes.set_xscale("symlog", linthresh=0.02)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
