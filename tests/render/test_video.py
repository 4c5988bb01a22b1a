"""Videos can be read back; failures are one line."""

import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from dexjax.render.video import contact_sheet, pick_frames, write_video


def _frames(count, shape=(48, 64, 3)):
    return [np.full(shape, 20 * i, np.uint8) for i in range(count)]


def _read(path):
    """Frames (count, 48, 64, 3) of a video and ffmpeg's description of it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)]
    command += "-f rawvideo -pix_fmt rgb24 -".split()
    done = subprocess.run(command, capture_output=True, check=True)
    frames = np.frombuffer(done.stdout, np.uint8).reshape(-1, 48, 64, 3)
    return frames, done.stderr.decode()


def test_video_reads_back(tmp_path):
    path = tmp_path / "rollout.mp4"
    assert write_video(path, _frames(10), fps=25) is None
    frames, description = _read(path)
    assert "h264" in description and "25 fps" in description
    assert "64x48" in description and "yuv420p" in description
    expected = [20 * i for i in range(10)]
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), expected, atol=4)
    assert list(tmp_path.iterdir()) == [path]


def test_no_encoder_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "none"))
    line = write_video(tmp_path / "rollout.mp4", _frames(3), fps=25)
    assert line is not None and "\n" not in line
    assert "imageio-ffmpeg" in line
    assert list(tmp_path.iterdir()) == []


def test_failing_encoder_is_one_line(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho first >&2\necho 'no libx264' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(program))
    line = write_video(tmp_path / "rollout.mp4", _frames(3), fps=25)
    assert line is not None and "\n" not in line and "no libx264" in line


def test_failure_keeps_the_older_video(tmp_path):
    path = tmp_path / "rollout.mp4"
    path.write_bytes(b"older")
    unequal = [np.zeros((48, 64, 3), np.uint8), np.zeros((32, 32, 3), np.uint8)]
    assert write_video(path, unequal, fps=25) is not None
    assert path.read_bytes() == b"older"
    assert write_video(path, [], fps=25) is not None


@pytest.mark.parametrize("count,columns,rows", [(7, 3, 3), (2, 4, 1)])
def test_contact_sheet_layout(tmp_path, count, columns, rows):
    path = tmp_path / "rollout.png"
    sheet = contact_sheet(_frames(count), path, columns)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), sheet)
    columns = min(columns, count)
    assert sheet.shape == (rows * 52 + 4, columns * 68 + 4, 3)
    last = count - 1
    y, x = 4 + last // columns * 52, 4 + last % columns * 68
    assert (sheet[y : y + 48, x : x + 64] == 20 * last).all()


def test_pick_frames_has_both_ends():
    assert pick_frames(list(range(100)), 4) == [0, 33, 66, 99]
    assert pick_frames([1, 2], 4) == [1, 2]
