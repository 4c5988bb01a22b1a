"""The command `dexjax`: words, help, JSON, and what is wrong in one line."""

import json
import subprocess
import sys

import pytest

import dexjax
from dexjax.cli import main as module
from dexjax.cli.main import COMMANDS, main
from dexjax.shipped import names


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A function from words to (exit status, stdout, stderr), in tmp_path."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["dexjax", *map(str, words)])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


@pytest.fixture
def refused(run):
    """A function from words to the one line with which they are refused."""

    def refused(*words):
        status, said, error = run(*words)
        assert status == 2, (said, error)
        assert error.startswith("error: ") and error.count("\n") == 1, error
        assert said == ""
        return error

    return refused


def test_the_overview_names_every_command(run):
    status, said, error = run("--help")
    assert (status, error) == (0, "") and said == run()[1]
    lines = [line.strip() for line in said.splitlines()]
    for name, (_, does) in COMMANDS.items():
        assert any(x.startswith(f"{name} ") and x.endswith(does) for x in lines), name


def test_a_group_lists_its_own(run):
    status, said, _ = run("train")
    assert status == 0 and "train hyper" in said and "evaluate" not in said
    assert run("train", "--help")[1] == said


def test_the_version_is_that_of_the_package(run):
    assert run("--version") == (0, f"{dexjax.__version__}\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run, name):
    status, said, error = run(*name.split(), "--help")
    assert (status, error) == (0, "")
    assert said.startswith(f"usage: dexjax {name} [")
    # Its own words, not those of a dataclass that has none.
    assert "[-h]" in said and f"{module.__name__}" not in said


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_is_not_there_is_named(refused, name):
    needed = ["mug"] * (name == "objects import")
    assert "--nonsense" in refused(*name.split(), *needed, "--nonsense", "3")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("trian base", "no command 'trian': choose from train base"),
        ("train bas", "no command 'train bas': choose from train base"),
        ("--object mug", "no command '--object': choose from"),
        ("train base --preset huge", "preset 'huge': choose from smoke, laptop"),
        ("train base --preset", "Missing value"),
        ("train hyper --preset huge", "preset 'huge': choose from smoke, laptop"),
        ("train hyper --k 0", "k is 0, must be between 1 and 64"),
        ("train hyper --stage 3", "stage '3': choose from 1, 2, both"),
        ("train hyper --normalisation max", "normalisation 'max': choose from norm"),
        ("train hyper --ppo.worlds 0", "ppo.worlds is 0, must be between"),
        ("train hyper --hand foot", "unknown hand 'foot'"),
        ("train student --teacher nowhere", "no policy 'nowhere': give the folder"),
        ("train student --teacher resdex/hyper --cloud rain", "cloud 'rain': choose"),
        ("train student --teacher resdex/hyper --preset paper", "preset 'paper': cho"),
        ("train student --teacher resdex/student", "no teacher for one"),
        (
            "train student --teacher resdex/hyper --dagger.worlds 7",
            "is no multiple of 7 worlds",
        ),
        ("train codes --object nothing", "unknown object 'nothing'"),
        ("train codes --seed -1", "seed is -1, must be between"),
        ("train codes --autoencoder.steps 0", "steps is 0, must be between"),
        (
            "evaluate nowhere",
            "no policy 'nowhere': give the folder of a run, or one of",
        ),
        ("evaluate resdex/mug --episodes 0", "episodes is 0, must be between"),
        ("evaluate resdex/mug --seed -1", "seed is -1, must be between"),
        ("evaluate resdex/mug --engine bullet", "engine 'bullet': choose from auto"),
        ("evaluate resdex/mug --split trian", "trian"),
        ("evaluate resdex/mug --split train --object mug", "a split or objects, not"),
        (
            "evaluate resdex/mug --object mugg",
            "unknown object 'mugg': did you mean mug",
        ),
        ("demo --object mugg", "unknown object 'mugg': did you mean mug"),
        ("demo --policies nowhere", "no policy 'nowhere'"),
        ("demo --seed -1", "seed is -1, must be between"),
        ("play --agent lazy", "agent 'lazy': choose from zero, random"),
        ("play --object mugg", "unknown object 'mugg'"),
        ("export --run nowhere", "no run nowhere"),
        ("policies all", "Unrecognized options: all"),
        ("objects list everyday/tarin", "tarin"),
        ("objects list mug", "'mug' is no part of the everyday set"),
        ("objects show mugg", "unknown object 'mugg'"),
        ("objects import", "Missing"),
        ("objects import none.obj", "none.obj: no such mesh file"),
        ("hands check foot", "unknown hand 'foot'"),
        ("hands check foot.yaml", "foot.yaml"),
        ("proposals --tries 0", "tries is 0, must be between"),
        ("proposals --keep 0", "keep is 0, must be between"),
        ("proposals --engine bullet", "engine 'bullet': choose from auto"),
        ("proposals --hand foot", "unknown hand 'foot'"),
        ("proposals --object mugg", "unknown object 'mugg'"),
        ("resdex --preset paper", "preset 'paper': choose from smoke, laptop, gpu"),
        ("resdex --k 0", "k is 0, must be between"),
        ("resdex --encoder nowhere", "no encoder nowhere"),
        ("tables --results .", ". is no file"),
        ("view nowhere", "no policy 'nowhere'"),
        ("view --hand foot", "unknown hand 'foot'"),
        ("view resdex/mug --hand shadow", "give a policy or a hand, not both"),
        ("view resdex/mug --object mugg", "unknown object 'mugg'"),
        ("view --port 0", "port is 0, must be between"),
        ("view --hand shadow --host 192.0.2.1", "cannot listen at 192.0.2.1:8080"),
        ("view --hand shadow --host no.where.invalid", "cannot listen at no.where"),
    ],
)
def test_what_cannot_be_is_one_line(refused, words, said):
    assert said in refused(*words.split())


def test_json_is_all_that_stdout_gets(run):
    status, said, error = run("policies", "--json")
    rows = json.loads(said)
    assert status == 0 and [row["policy"] for row in rows] == list(names())
    # What people read goes elsewhere.
    assert error == run("policies")[1]


@pytest.mark.parametrize(
    "words",
    [
        "objects list",
        "objects list everyday/unseen-category/",
        "objects import mug:3",
        "objects show mug --out mug.png",
        "hands check",
        "tables",
    ],
)
def test_quick_commands_answer_in_json(run, words):
    status, said, error = run(*words.rstrip("/").split(), "--json")
    assert status == 0, error
    assert json.loads(said) and error


def test_an_error_is_no_json(run):
    status, said, error = run("evaluate", "nowhere", "--json")
    assert (status, said) == (2, "") and error.startswith("error: no policy 'nowhere'")


@pytest.mark.parametrize(
    "command", [["-m", "dexjax"], ["-c", "import dexjax.cli.main as m; m.main()"]]
)
def test_it_runs_as_a_module(tmp_path, command):
    done = subprocess.run(
        [sys.executable, *command, "train", "bass"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no command 'train bass'")
