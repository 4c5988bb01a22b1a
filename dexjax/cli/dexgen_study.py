"""`dexjax dexgen study`: disturbed experts with and without a controller."""

from collections.abc import Sequence

from dexjax.cli.arguments import parse
from dexjax.runs.assemble import use_compilation_cache
from dexjax.systems.dexgen.study import StudyOptions, study


def run(arguments: Sequence[str]) -> list[dict]:
    """Measures what is missing and prints the table. All rows."""
    options = parse(StudyOptions, arguments, StudyOptions(), "dexgen study")
    use_compilation_cache()
    rows = study(options)
    show(rows)
    return rows


def show(rows: list[dict]) -> None:
    """Prints the table of the study."""
    print("\n".join([HEADER, *map(line, rows)]))


HEADER = (
    f"{'commands':12} {'acts':10} {'guidance':>8} {'held for, s':>18} "
    f"{'goals/min':>16} {'drops/min':>9}  objects"
)


def line(row: dict) -> str:
    """One row of the table."""
    low, high = row["hold_s_ci95"]
    least, most = row["goals_per_min_ci95"]
    held = f"{row['hold_s']:.1f} ({low:.1f}-{high:.1f})"
    goals = f"{row['goals_per_min']:.1f} ({least:.1f}-{most:.1f})"
    acts = "controller" if row["controller"] else row["policy"]
    guidance = f"{row['guidance']:g}" if row["controller"] else ""
    return (
        f"{row['disturbance']:12} {acts:10} {guidance:>8} {held:>18} {goals:>16} "
        f"{row['drops_per_min']:9.2f}  {row['objects']}"
    )
