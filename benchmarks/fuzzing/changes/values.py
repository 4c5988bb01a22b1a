"""Changes of values in dicts and lists; and of what is JSON."""

import json
from random import Random
from typing import Any

from fuzzing import strange
from fuzzing.changes.text import changed_text


def changed_value(value: Any, chance: Random) -> Any:
    """A tree of dicts and lists with one or two of its entries changed."""
    for _ in range(chance.choice((1, 1, 1, 2))):
        value = _changed_entry(value, chance)
    return value


def changed_json(data: bytes, chance: Random) -> bytes:
    """A JSON file: changed values mostly, else changed text, or nested without end."""
    kind = chance.randrange(10)
    if kind == 0:
        return b"[" * 200_000
    if kind < 3:
        return changed_text(data, chance)
    return json.dumps(changed_value(json.loads(data), chance)).encode()


def _changed_entry(value: Any, chance: Random) -> Any:
    """One entry of a tree removed, renamed or of another value."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.08:
        return chance.choice(strange.VALUES)
    whole = dict(value) if isinstance(value, dict) else dict(enumerate(value))
    key, kind = chance.choice(list(whole)), chance.randrange(8)
    if kind < 5:
        whole[key] = _changed_entry(whole[key], chance)
    elif kind == 5:
        del whole[key]
    elif kind == 6 and isinstance(value, dict):
        whole[f"{key}x"] = whole.pop(key)
    else:
        whole[key] = chance.choice(strange.VALUES)
    return whole if isinstance(value, dict) else list(whole.values())
