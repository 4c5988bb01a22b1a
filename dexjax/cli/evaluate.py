"""`dexjax evaluate`: a policy measured on fresh episodes."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from dexjax.cli.arguments import parse
from dexjax.errors import DexjaxError
from dexjax.evaluation.objects import by_category
from dexjax.runs.assemble import use_compilation_cache
from dexjax.runs.measure import Where, measure
from dexjax.runs.storage.files import write_json
from dexjax.runs.stored import load_stored
from dexjax.shipped import find
from dexjax.systems.resdex.base import base_folder

# More objects than this are shown by category.
MOST_LINES = 32


@dataclasses.dataclass(frozen=True)
class Options:
    """Evaluates the deterministic policy of a run, finished or not.

    Attributes:
        policy: the run's folder, or the name of a policy that comes with dexjax.
        base: in its place: what `dexjax train base --object` was given.
        hand: and its --hand.
        where: what it is measured on.
        split: "train", "unseen-object" or "unseen-category" of the everyday set.
        out: JSON file; evaluation.json in the run's folder by default, and for a policy
            that comes with dexjax in runs/evaluation/<its name>.
    """

    policy: Positional[str] = "runs/base/mug"
    base: str = ""
    hand: str = "shadow"
    where: Annotated[Where, tyro.conf.arg(name="")] = Where()
    split: str = ""
    out: Path | None = None


def run(arguments: Sequence[str]) -> dict:
    """Evaluates, prints the table, writes the file. The whole result."""
    options = parse(Options, arguments, Options(), "evaluate")
    use_compilation_cache()
    where = options.where
    if options.split and where.object:
        raise DexjaxError("give a split or objects, not both")
    if options.split:
        where = dataclasses.replace(where, object=f"everyday/{options.split}")
    name = (
        str(base_folder(options.base, options.hand)) if options.base else options.policy
    )
    stored = load_stored(find(name))
    own = Path(name).expanduser()
    usual = own if own.is_dir() else Path("runs/evaluation") / name
    out = (options.out or usual / "evaluation.json").expanduser()
    out.parent.mkdir(parents=True, exist_ok=True)
    result = measure(stored, where, out.with_suffix(""))
    print(
        f"{name}: trained on {result['trained_on']}, seed "
        f"{result['training_seed']}, iteration {stored.step}; engine {result['engine']}"
    )
    rows = result["rows"]
    table = [result] * (len(rows) > 1) + rows
    if len(rows) > MOST_LINES:
        table = [result, *by_category(rows)]
    print("\n".join([HEADER, *map(line, table)]))
    write_json(out, result)
    print(f"wrote {out}")
    return result


HEADER = (
    f"{'object':24} {'held':>7} {'95 % interval':>15} {'reached':>8} {'episodes':>8}  "
    "penetration, overlap: median / p95 mm"
)


def shown(name: str) -> str:
    """An object's name that fits its column; a long one keeps its scale."""
    if "," in name:
        return f"{name.count(',') + 1} objects"
    return name if len(name) <= 24 else f"{name[:16]}…{name[-7:]}"


def line(row: dict) -> str:
    """One row of the table."""
    low, high = row["ci95"]
    contacts = row.get("contacts", {})
    depths = [
        f"{contacts[f'{name}_median_mm']:.2f} / {contacts[f'{name}_p95_mm']:.2f}"
        for name in ("penetration", "finger_overlap")
        if f"{name}_median_mm" in contacts
    ]
    interval = f"{low:.1%} to {high:.1%}"
    return (
        f"{shown(row['object']):24} {row['success_held']:7.1%} {interval:>15} "
        f"{row['success_reached']:8.1%} {row['episodes']:8}  "
        f"{', '.join(depths)}"
    )
