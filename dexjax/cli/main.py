"""The command `dexjax`: from its words to what is done.

Every command is a function of its arguments that prints for people and returns what a
program may want to read. With `--json` that is all that stdout gets; what is printed
for people goes to stderr then.
"""

import contextlib
import difflib
import importlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from dexjax.errors import DexjaxError, main_guard

# Words -> module of this package whose function `run(arguments)` does it, and what it
# does. Imported when asked for: help comes at once.
COMMANDS = {
    "train base": ("train_base", "trains a policy by PPO on one object or many"),
    "train hyper": ("train_hyper", "trains a hyper-policy and its base policies"),
    "train student": ("train_student", "distils a policy into one that sees points"),
    "train codes": ("train_codes", "trains the encoder of object codes"),
    "train expert": ("train_expert", "trains an expert of moving things in the hand"),
    "train controller": ("train_controller", "trains a controller on transitions"),
    "train depth": ("train_depth", "trains a policy of depth cameras by PPO"),
    "evaluate": ("evaluate", "measures a policy on fresh episodes"),
    "view": ("view", "shows a policy at work in the browser, or a hand"),
    "demo": ("demo", "films the policies that come with dexjax on unseen objects"),
    "demo dexgen": ("demo_dexgen", "films bad commands alone and through a controller"),
    "play": ("play", "films an agent that knows nothing"),
    "export": ("export", "copies a run's policy without what only training needs"),
    "policies": ("policies", "lists the policies that come with dexjax"),
    "objects list": ("objects_list", "lists what is built in"),
    "objects show": ("objects_show", "draws objects into a picture"),
    "objects import": ("objects_import", "makes a mesh file an object, once"),
    "objects build": ("objects_build", "makes the everyday set, once"),
    "objects plan": ("objects_plan", "chooses the everyday set's members anew"),
    "hands check": ("hands_check", "checks a hand's description and MJCF file"),
    "proposals": ("proposals", "finds grasp proposals and tries them out"),
    "grasp-sets": ("grasp_sets", "finds in-hand grasps and tries them out"),
    "transitions": ("transitions", "rolls experts out into a data set"),
    "dexgen": ("dexgen", "makes and measures the whole of DexterityGen"),
    "dexgen study": ("dexgen_study", "measures what a controller makes of commands"),
    "resdex": ("resdex", "trains and measures the whole of ResDex"),
    "tables": ("tables", "prints the paper's tables with our figures"),
}


@main_guard
def main() -> None:
    """Does what the command line says."""
    dispatch(sys.argv[1:])


def dispatch(arguments: Sequence[str]) -> None:
    """Does what the words say.

    Raises:
        DexjaxError: for words that are no command.
    """
    words = list(arguments)
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return
    if words[0] == "--version":
        print(importlib.import_module("dexjax").__version__)
        return
    name, rest = _command(words)
    module, _ = COMMANDS[name]
    run = importlib.import_module(f"dexjax.cli.{module}").run
    if "--json" not in rest:
        run(rest)
        return
    rest.remove("--json")
    with contextlib.redirect_stdout(sys.stderr):
        result = run(rest)
    print(json.dumps(result, indent=1, default=str))


def _command(words: list[str]) -> tuple[str, list[str]]:
    """The command that words begin with, and the others."""
    for count in (2, 1):
        name = " ".join(words[:count])
        if name in COMMANDS:
            return name, words[count:]
    group = [name for name in COMMANDS if name.split()[0] == words[0]]
    if group and (len(words) == 1 or words[1] in ("-h", "--help")):
        print(_overview(words[0]))
        sys.exit(0)
    asked = " ".join(words[: 2 if group else 1])
    near = difflib.get_close_matches(asked, COMMANDS, n=3, cutoff=0.5)
    raise DexjaxError(
        f"no command {asked!r}: choose from {', '.join(near or group or COMMANDS)}"
    )


def _overview(group: str = "") -> str:
    """The commands, a line each."""
    lines: list[Any] = ["usage: dexjax COMMAND [OPTIONS]", ""]
    for name, (_, does) in COMMANDS.items():
        if name.startswith(group):
            lines.append(f"  {name:15} {does}")
    lines += ["", "dexjax COMMAND --help lists its options; --json answers in JSON."]
    return "\n".join(lines)
