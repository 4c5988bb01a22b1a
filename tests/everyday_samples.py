"""All members of the everyday set, and the plan of a small one."""

from dexjax.objects.everyday.plan import members

SMALL = {
    "train": {"box": [(0, 0.06), (1, 0.08)], "phone": [(0, 0.06), (0, 0.08)]},
    "unseen-object": {"box": [(2, 0.06)]},
    "unseen-category": {"toothbrush": [(0, 0.08)]},
}


def everyone():
    return [m for chosen in members().values() for m in chosen]
