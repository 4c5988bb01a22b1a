"""What to say about a name that does not exist."""

import difflib
from collections.abc import Iterable

_MOST_NAMED = 40


def nearest(name: str, names: Iterable[str]) -> str:
    """The names most like a mistaken one; if none is, what there is."""
    names = list(names)
    wanted = name.lower()
    likeness = {n: difflib.SequenceMatcher(None, n, wanted).ratio() for n in names}
    best = max(likeness.values(), default=0.0)
    # One far behind the best is not what was meant.
    least = max(0.4, best - 0.2)
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=least)
    if near:
        return f"did you mean {', '.join(near)}?"
    return f"there are {', '.join(sorted(names)[:_MOST_NAMED])}"
