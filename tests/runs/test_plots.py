"""The learning curve is drawn from what metrics.csv holds."""

import numpy as np
import pytest
from PIL import Image

from dexjax.errors import DexjaxError
from dexjax.runs.records.metrics import Metrics
from dexjax.runs.records.plots import learning_curve, running_median


def _log(folder, count):
    log = Metrics(folder)
    for i in range(count):
        values = {"env_steps": 8192.0 * i, "success_held": min(1, i / 30)}
        values |= {"reward/reach": -0.5 + i / 100, "reward/lift": i / 200}
        # No episode has ended yet: not known.
        if i < 5:
            values["success_held"] = float("nan")
        log.write(i, values)
    log.close()


@pytest.mark.parametrize("count", [1, 60])
def test_curve_is_a_picture(tmp_path, count):
    _log(tmp_path, count)
    path = tmp_path / "curve.png"
    learning_curve(tmp_path / "metrics.csv", path, "mug")
    image = np.asarray(Image.open(path))
    assert image.shape[:2] == (780, 900)
    assert not list(tmp_path.glob(".partial*"))
    # Curves are coloured; axes and text are grey.
    colour = np.ptp(image[..., :3].astype(int), axis=-1) > 60
    assert colour.any()
    if count > 1:
        upper, lower = colour[:390], colour[390:]
        assert upper.sum() > 500 and lower.sum() > 500


def test_no_metrics_is_one_line(tmp_path):
    with pytest.raises(DexjaxError, match="no metrics"):
        learning_curve(tmp_path / "metrics.csv", tmp_path / "curve.png")


def test_running_median_ignores_a_spike_and_keeps_a_line():
    line = np.arange(20.0)
    np.testing.assert_allclose(running_median(line)[4:-4], line[4:-4])
    spiked = line.copy()
    spiked[10] = 1e6
    assert np.abs(running_median(spiked)[4:-4] - line[4:-4]).max() <= 1
