"""`dexjax train base` with wrong arguments: one line on stderr, and nothing is left."""

import dataclasses
import os

import pytest

from dexjax.systems.resdex.presets import PRESETS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--object mugg", "unknown object 'mugg': did you mean mug"),
        ("--object core-mug-0123@0.06", "say where its folder is"),
        ("--object core-mug-1@0.06 --dexgraspnet none", "no DexGraspNet folder 'none'"),
        ("--object mug --size 7", "is 7 m, must be between 0.01 and 0.5 m"),
        ("--object mug --size -0.1", "is -0.1 m, must be between"),
        ("--object mug --size nan", "is nan m, must be between"),
        ("--object none.obj", "none.obj: no such mesh file"),
        ("--object mug:x", "mug:x"),
        ("--preset huge", "preset 'huge': choose from smoke, laptop, gpu, paper"),
        ("--preset=huge", "preset 'huge': choose from smoke, laptop, gpu, paper"),
        ("--engine bullet", "engine 'bullet': choose from auto, native, mjx"),
        ("--hand shadwo", "unknown hand 'shadwo': choose from ['shadow']"),
        ("--wrist rope", "wrist 'rope': choose from servo, wrench"),
        (
            "--task.reward bas",
            "reward 'bas': choose from base, full-pose, stage1, stage2",
        ),
        ("--task.observation all", "observation 'all': choose from geometry-unaware"),
        ("--ppo.worlds 0", "ppo.worlds is 0, must be between 1 and 1,000,000"),
        ("--ppo.worlds -4", "ppo.worlds is -4, must be between"),
        ("--network.widths 64 0", "network.widths is 0, must be between"),
        ("--ppo.minibatches 7", "ppo.minibatches is 7, must divide"),
        ("--ppo.discount 1.5", "ppo.discount is 1.5, must be between 0.0 and 1.0"),
        ("--ppo.learning-rate nan", "ppo.learning_rate is nan, must be between"),
        ("--ppo.learning-rate-range 1e-2 1e-4", "from 0.01 down to 0.0001"),
        ("--env-steps 0", "env_steps is 0, must be between 1 and 2,000,000,000"),
        ("--env-steps 3000000000", "env_steps is 3000000000, must be between"),
        ("--eval-episodes 0", "eval_episodes is 0, must be between"),
        ("--checkpoint-every -1", "checkpoint_every is -1.0, must be between"),
        ("--seed -1", "seed is -1, must be between 0 and 2,000,000,000"),
        ("--stop-at 95", "stop_at is 95.0, must be between 0.0 and 1.0"),
        ("--task.starts 0", "task.starts is 0, must be between"),
        ("--task.held-steps 300", "task.held_steps is 300, must be at most"),
        ("--seed three", "Error parsing --seed: invalid literal"),
        ("--sead 3", "Unrecognized options: --sead"),
        ("--seed", "Missing value for argument '--seed'"),
        ("mug", "Unrecognized options: mug"),
    ],
)
def test_a_wrong_argument_is_one_line_and_leaves_nothing(
    refused, tmp_path, arguments, said
):
    assert said in refused(*arguments.split())
    assert os.listdir(tmp_path) == []


def test_a_misspelt_option_is_told_the_right_one(refused):
    assert "did you mean --seed" in refused("--sead", "3")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_passes_the_check(name):
    PRESETS[name].check()


def test_every_limit_is_of_a_field_that_exists():
    """One of a field that has been renamed would check nothing."""

    def limits(config):
        names = {field.name for field in dataclasses.fields(config)}
        assert set(getattr(type(config), "LIMITS", {})) <= names
        parts = [getattr(config, name) for name in names]
        return 1 + sum(limits(p) for p in parts if dataclasses.is_dataclass(p))

    assert limits(PRESETS["smoke"]) == 6


def test_help_is_no_error(run):
    status, said, error = run("--help")
    assert (status, error) == (0, "") and "largest extent of a mesh file" in said
