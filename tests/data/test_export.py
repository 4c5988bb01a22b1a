"""Transitions as Minari reads them."""

import numpy as np
import pytest

from dexjax.data import export_minari, open_folder, read_shard
from dexjax.errors import DexjaxError

minari = pytest.importorskip("minari")


def test_minari_reads_the_episodes(folder, tmp_path):
    out = tmp_path / "exported"
    export_minari(folder, out)
    episodes = list(minari.MinariDataset(out).iterate_episodes())
    at = 0
    for number in range(3):
        steps = read_shard(folder, number)
        for world, begins in enumerate(steps.begins):
            cuts = [0, *np.flatnonzero(begins[1:]) + 1, len(begins)]
            for start, end in zip(cuts[:-1], cuts[1:], strict=True):
                if end - start == 1:
                    continue
                own = episodes[at]
                at += 1
                targets = steps.targets[world, start:end].astype(np.float32)
                np.testing.assert_array_equal(own.observations["targets"], targets)
                np.testing.assert_array_equal(own.actions, np.diff(targets, axis=0))
                reached = steps.reached[world, start : end - 1]
                np.testing.assert_array_equal(own.rewards, reached)
                safe = steps.safe[world, start:end]
                np.testing.assert_array_equal(own.infos["safe"], safe)
                assert own.truncations[-1] and not own.terminations.any()
    assert at == len(episodes)


def test_nothing_is_overwritten_and_nothing_is_exported_from_nothing(
    folder, tmp_path_factory, spec
):
    out = tmp_path_factory.mktemp("out")
    with pytest.raises(DexjaxError, match="is there already: choose another"):
        export_minari(folder, out)
    open_folder(out, spec)
    with pytest.raises(DexjaxError, match="has no shards to export"):
        export_minari(out, out / "exported")
