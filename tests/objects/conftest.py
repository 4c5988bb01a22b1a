"""A small everyday set, made in a cache of its own."""

import pytest
from everyday_samples import SMALL

from dexjax.objects.everyday import plan
from dexjax.objects.everyday.plan import members


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A plan of six objects, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(plan, "PLAN", tmp_path / "plan.json")
    plan.write_plan(SMALL, plan.PLAN)
    for remembered in (members, plan._splits):
        remembered.cache_clear()
    yield
    for remembered in (members, plan._splits):
        remembered.cache_clear()
