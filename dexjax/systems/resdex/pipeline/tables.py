"""Tables 1 to 5 of ResDex with our figures beside the paper's."""

from collections.abc import Callable, Mapping

import numpy as np

from dexjax.systems.resdex.pipeline.rows import Rows

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


def paper_lines(figures: Mapping[str, tuple[float, ...]]) -> list[list[str]]:
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


TABLES = (table_1, table_2, table_3, table_4, table_5)
