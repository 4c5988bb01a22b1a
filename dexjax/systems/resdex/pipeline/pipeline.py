"""The whole of ResDex, trained and measured.

Object codes, base policies, hyper-policy in two stages, vision students; then every
policy on all splits. Can be interrupted anywhere: what is finished is kept, an
unfinished training is resumed. Completes a JSON file, a list of rows, and counts the
time of its parts in hours.json.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np

from dexjax.runs.measure import Where, measure
from dexjax.runs.records.hours import Hours
from dexjax.runs.records.metrics import read_metrics
from dexjax.runs.records.provenance import provenance
from dexjax.runs.storage.files import make_folder, read_json, write_json
from dexjax.runs.stored import load_stored
from dexjax.systems.resdex.encoder_training import train_codes
from dexjax.systems.resdex.pipeline.entries import Entry, encoder_options, entries
from dexjax.systems.resdex.pipeline.options import Pipeline
from dexjax.systems.resdex.pipeline.rows import read_rows
from dexjax.systems.resdex.pipeline.splits import splits

# What tells one row from another.
KEY = ("policy", "k", "stage", "residual", "cloud", "object", "kind", "split", "seed")
KEPT = ("success_held", "success_reached", "episodes", "ci95", "pose_distance")
TRAINED = ("env_steps", "wall_s", "preset", "engine")
# The part of the time that evaluations take.
EVALUATION = "evaluation"
# Of a learning curve.
POINTS = 20


def run_pipeline(options: Pipeline) -> list[dict]:
    """Trains what is missing, measures what is missing; all rows.

    Raises:
        DexjaxError: for whatever is wrong with the options or a folder.
    """
    rows = read_rows(options.out)
    make_folder(options.out.parent)
    hours = Hours(options.runs / "hours.json")
    if options.encoder is None:
        with hours.counting("codes"):
            train_codes(encoder_options(options.preset, options.runs / "codes"))
    for entry in entries(options):
        with hours.counting(str(entry.folder.relative_to(options.runs))):
            entry.train()
        for split, where in missing(options, entry, rows):
            with hours.counting(EVALUATION):
                rows.append(measured(entry, split, where))
            write_json(options.out, rows)
        # Engines and models of thousands of objects, kept by what was compiled.
        jax.clear_caches()
    print(f"all of {options.runs} took {hours.total:.1f} h: {options.runs}/hours.json")
    return rows


def missing(
    options: Pipeline, entry: Entry, rows: list[dict]
) -> Iterator[tuple[str, Where]]:
    """The splits that an entry has not been measured on."""
    for split, where in splits(options.dexgraspnet).items():
        new = entry.fields | {"split": split, "seed": entry.seed}
        known = any(all(row.get(n) == new.get(n) for n in KEY) for row in rows)
        if entry.only in (None, split) and not known:
            yield split, dataclasses.replace(where, engine=options.engine)


def measured(entry: Entry, split: str, where: Where) -> dict:
    """One row: a trained policy on one split.

    What a policy was trained on has been measured at the end of its training: an
    episode of each object, from a fresh start.
    """
    summary = read_json(entry.folder / "summary.json")
    found, its_own = summary, summary["object"] == where.object
    if not its_own:
        out = entry.folder / f"{split}.json"
        found = measure(load_stored(entry.folder), where, out.with_suffix(""))
        write_json(out, found)
    return {
        **{name: None for name in KEY},
        **entry.fields,
        "experts": [base["object"] for base in base_summaries(entry.folder)] or None,
        "split": split,
        "seed": entry.seed,
        **{name: found[name] for name in KEPT},
        **{name: summary[name] for name in TRAINED},
        "curve": curve(entry.folder / "metrics.csv") if its_own else None,
        "worlds": summary["learner"]["worlds"],
        "train_commit": summary["commit"],
        **provenance(),
    }


def base_summaries(folder: Path) -> list[dict]:
    """Summaries of the base policies of a hyper-policy's run; none of others."""
    file = folder / "bases.json"
    return read_json(file) if file.exists() else []


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
