"""Every choice of a training can be given on every command that trains."""

import dataclasses
import re
import sys
from pathlib import Path

import pytest

from dexjax.cli import train_base, train_hyper, train_student
from dexjax.cli.main import dispatch
from dexjax.errors import DexjaxError
from dexjax.runs.run import Budget, PpoRun, Run, SceneConfig
from dexjax.systems.resdex.hyper import HyperOptions, stage_run
from dexjax.systems.resdex.student import StudentOptions, StudentRun

# Not under a name of their own on the command line.
FLAT = (SceneConfig, Budget)
OPTIONS = {
    "train base": PpoRun,
    "train hyper": HyperOptions,
    "train student": StudentOptions,
}
UNCHOSEN = {"teacher_digest"}


def leaves(kind, prefix=""):
    """Dotted names of the options that a dataclass should have."""
    for field in dataclasses.fields(kind):
        default = field.default
        if field.name in UNCHOSEN:
            continue
        if not dataclasses.is_dataclass(default):
            yield prefix + field.name
        elif isinstance(default, (*FLAT, Run)):
            yield from leaves(type(default), prefix)
        else:
            yield from leaves(type(default), f"{prefix}{field.name}.")


@pytest.mark.parametrize("name", OPTIONS)
def test_every_field_is_an_option(name, capsys):
    with pytest.raises(SystemExit):
        dispatch([*name.split(), "--help"])
    found = set(re.findall(r"--[\w.-]+", capsys.readouterr().out))
    wanted = {f"--{leaf.replace('_', '-')}" for leaf in leaves(OPTIONS[name])}
    assert len(wanted) > 40 and wanted <= found, wanted - found
    assert {"--hand", "--devices", "--engine", "--task.reward"} <= wanted


# Others than any preset's.
SCENE = {
    "object": "can:2",
    "size": 0.1,
    "dexgraspnet": Path("data"),
    "hand": "allegro",
    "wrist": "wrench",
    "encoder": Path("codes"),
    "grasps": Path("mine.npz"),
    "engine": "mjx",
}
BUDGET = {
    "env_steps": 12_800,
    "stop_at": 0.5,
    "eval_episodes": 3,
    "checkpoint_every": 5.0,
}
TASK = {
    "goal_height": 0.25,
    "episode_steps": 150,
    "held_steps": 12,
    "enough_steps": 40,
    "starts": 7,
    "retry_share": 0.25,
    "near_share": 0.75,
    "offset": 0.01,
}
PPO = {"worlds": 20, "steps": 10, "epochs": 3, "minibatches": 5, "discount": 0.9}
DAGGER = {"worlds": 10, "steps": 20, "buffer": 400, "updates": 3, "minibatch": 9}
NETWORK = {"widths": (9, 8), "initial_std": 0.5}


def words(prefix="", **choices):
    """As they are typed."""
    found = []
    for name, value in choices.items():
        values = value if isinstance(value, tuple) else (value,)
        found += [f"--{prefix}{name.replace('_', '-')}", *map(str, values)]
    return found


COMMON = [
    *words(**SCENE, **BUDGET, devices=2, seed=7, out="a", preset="smoke"),
    *words("task.", **TASK),
]


def differing(config, **wanted):
    """What of a configuration is not as it is wanted."""
    return {n: x for n, x in wanted.items() if getattr(config, n) != x}


@pytest.fixture
def asked(monkeypatch):
    """What would be trained by a command."""
    found = []

    def stop(options):
        found.append(options)
        raise KeyboardInterrupt

    for module in (train_base, train_hyper, train_student):
        monkeypatch.setattr(module, "use_compilation_cache", lambda: None)
    monkeypatch.setattr(train_base, "train_base", stop)
    monkeypatch.setattr(train_hyper, "train_hyper", stop)
    monkeypatch.setattr(train_student, "train_student", stop)

    def asked(*arguments):
        with pytest.raises(KeyboardInterrupt):
            dispatch(["train", *arguments])
        return found.pop()

    return asked


def check_common(run):
    assert differing(run.scene, **SCENE) == {}
    assert differing(run.budget, **BUDGET) == {}
    assert differing(run.task, **TASK) == {}
    assert (run.devices, run.seed, run.preset) == (2, 7, "smoke")


def test_a_base_policy_takes_them(asked):
    ppo = [*words("ppo.", **PPO), *words("network.", **NETWORK)]
    run = asked("base", *COMMON, *ppo, "--task.reward", "stage2", "--task.no-relative")
    check_common(run)
    assert differing(run.ppo, **PPO) == differing(run.network, **NETWORK) == {}
    assert run.task.reward == "stage2" and not run.task.relative
    assert run.out == Path("a")


def test_a_hyper_policy_takes_them_in_every_stage(asked):
    ppo = [*words("ppo.", **PPO), *words("network.", **NETWORK)]
    options = asked("hyper", *COMMON, *ppo, "--task.observation", "full")
    for reward in ("stage1", "stage2"):
        run = stage_run(options, [], reward)
        check_common(run)
        assert differing(run.ppo, **PPO) == differing(run.network, **NETWORK) == {}
        assert run.out == Path("a") / reward
        assert (run.task.observation, run.task.reward) == ("full", reward)


def test_a_student_takes_them(asked):
    dagger = words("dagger.", **DAGGER, widths=(9, 8))
    options = asked("student", "--teacher", "resdex/mug", *COMMON, *dagger)
    run = options.run
    check_common(run)
    assert isinstance(run, StudentRun) and run.out == Path("a")
    assert differing(run.dagger, **DAGGER, widths=(9, 8)) == {}
    assert run.teacher == "resdex/mug" and run.teacher_digest


def test_a_students_defaults_are_its_teachers(asked):
    run = asked("student", "--teacher", "resdex/ring_box").run
    assert run.scene.object == "ring_box:8@0.06" and run.scene.wrist == "servo"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("hyper --task.reward stage2", "reward 'stage2': the stages of a hyper-policy"),
        (
            "student --teacher resdex/mug --task.observation full",
            "observation 'full': a student of the cloud 'points'",
        ),
        ("student --teacher resdex/mug --devices 2", "a student is trained on 1"),
        (
            "student --teacher resdex/mug --preset smoke --hand allegro --object box",
            "the teacher resdex/mug does not fit the task: it moves the shadow hand",
        ),
    ],
)
def test_what_has_no_meaning_is_refused(arguments, said, tmp_path, monkeypatch):
    """And not passed over."""
    monkeypatch.chdir(tmp_path)
    for module in (train_hyper, train_student):
        monkeypatch.setattr(module, "use_compilation_cache", lambda: None)
    with pytest.raises(DexjaxError, match=said):
        dispatch(["train", *arguments.split()])


def test_the_scripts_call_the_same(monkeypatch):
    """`python experiments/x.py` is `dexjax …`."""
    scripts = Path(__file__).resolve().parents[2] / "experiments"
    called = {
        "base": ["train", "base"],
        "hyper": ["train", "hyper"],
        "distill": ["train", "student"],
        "codes": ["train", "codes"],
        **{n: [n] for n in "evaluate demo play proposals resdex tables".split()},
    }
    for name, expected in called.items():
        found = []
        source = (scripts / f"{name}.py").read_text()
        own: dict = {"__name__": name}
        exec(compile(source, name, "exec"), own)
        own["dispatch"] = found.append
        monkeypatch.setattr(sys, "argv", [name, "--seed", "3"])
        own["main"]()
        assert found == [[*expected, "--seed", "3"]]


@pytest.mark.parametrize(
    ("command", "observation", "taker"),
    [
        ("base", "depth", "depth"),
        ("base", "points", "student"),
        ("hyper", "seen-points", "student"),
    ],
)
def test_dense_layers_are_given_no_images(tmp_path, command, observation, taker):
    words = ["train", command, "--preset", "smoke", "--out", str(tmp_path / "run")]
    line = rf"observation is '{observation}': take `dexjax train {taker}`"
    with pytest.raises(DexjaxError, match=line):
        dispatch([*words, "--task.observation", observation])
