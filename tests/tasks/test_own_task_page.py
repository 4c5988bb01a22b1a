"""The whole task of docs/own-task.md: its code is run, and what it trains arrives."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-task.md"


def test_the_page_s_task_is_learned():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    found = {"__name__": "own_task"}
    exec("\n".join(blocks), found)
    held = found["found"].succeeded
    assert len(held) == 64 and held.mean() > 0.9
    # Before any training the palm arrives at few of the goals.
    untrained = found["learner"].policy(
        found["learner"].init(found["jax"].random.key(1))
    )
    task = found["task"]
    before = found["evaluate"](task, untrained, task.episodes(64), seed=0)
    assert before.succeeded.mean() < 0.5
