"""Inputs that describe a hand or a run: MJCF and YAML."""

from random import Random

import yaml

from dexjax.hands import mjcf_path
from fuzzing.changes import text, values
from fuzzing.input import Input, inside
from fuzzing.seeds import Seeds

# Share of YAML files that unfold to gigabytes.
BOMBS = 0.1


def mjcf(seeds: Seeds, chance: Random) -> Input:
    """A hand whose model is changed."""
    files = _hand(chance)
    name = next(name for name in files if name.endswith(".xml"))
    files[name] = text.changed_xml(files[name], chance)
    return Input("", ["hands", "check", "hand.yaml"], files)


def hand_or_run(seeds: Seeds, chance: Random) -> Input:
    """A hand's description, or a run's configuration."""
    if chance.random() < 0.5:
        files = _hand(chance)
        name, words = "hand.yaml", ["hands", "check", "hand.yaml"]
    else:
        files, name = inside("run", seeds.policy), "run/config.yaml"
        words = ["export", "--run", "run", "--out", "new"]
    if chance.random() < BOMBS:
        many = [f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}]" for i in range(1, 9)]
        files[name] = "\n".join(["a0: &a0 [x]", *many]).encode()
    elif chance.random() < 0.5:
        value = values.changed_value(yaml.safe_load(files[name]), chance)
        files[name] = yaml.safe_dump(value).encode()
    else:
        files[name] = text.changed_text(files[name], chance)
    return Input("", words, files)


def _hand(chance: Random) -> dict[str, bytes]:
    name = chance.choice(("shadow", "allegro"))
    xml = f"{name}_hand.xml"
    described = mjcf_path(f"{name}_hand.yaml").read_bytes()
    return {"hand.yaml": described, xml: mjcf_path(xml).read_bytes()}
