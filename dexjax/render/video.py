"""Videos and contact sheets from frames; a failure here never costs a training."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

_GAP_PX = 4


def write_video(path: Path, frames: Sequence[np.ndarray], fps: float) -> str | None:
    """Writes an H.264 video with the ffmpeg program that imageio-ffmpeg brings along.

    Args:
        path: file to write, e.g. rollout.mp4; replaced only once complete.
        frames: (height, width, 3) uint8 each; even width and height.
        fps: frames per second.

    Returns:
        None, or one line saying why there is no video and what would help.
    """
    path = Path(path)
    if not frames:
        return f"no video {path}: there are no frames"
    partial = path.with_name(f".partial-{path.name}")
    try:
        _encode(partial, np.stack(frames), fps)
        os.replace(partial, path)
    # Whatever goes wrong in a foreign program must not take the policy with it.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return (
            f"no video {path}: {reason[:200]}; it needs `pip install imageio-ffmpeg`, "
            "or an ffmpeg program with libx264 named by IMAGEIO_FFMPEG_EXE"
        )
    finally:
        partial.unlink(missing_ok=True)
    return None


def _encode(path: Path, frames: np.ndarray, fps: float) -> None:
    import imageio_ffmpeg

    height, width = frames.shape[1:3]
    raw = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r {fps} -i -"
    # yuv420p and the index at the front: what browsers play.
    coded = "-c:v libx264 -crf 20 -pix_fmt yuv420p -movflags +faststart"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
    command += [*raw.split(), *coded.split(), str(path)]
    done = subprocess.run(command, input=frames.tobytes(), capture_output=True)
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(lines[-1] if lines else f"exit status {done.returncode}")


def contact_sheet(
    frames: Sequence[np.ndarray], path: Path | None = None, columns: int = 4
) -> np.ndarray:
    """Lays frames out row by row on one white picture.

    Args:
        frames: (height, width, 3) uint8 each, all of one size.
        path: a PNG file to write as well, if given.
        columns: frames per row.

    Returns:
        The picture (rows * height + gaps, columns * width + gaps, 3) uint8.
    """
    height, width = frames[0].shape[:2]
    columns = min(columns, len(frames))
    rows = -(-len(frames) // columns)
    step_y, step_x = height + _GAP_PX, width + _GAP_PX
    shape = (rows * step_y + _GAP_PX, columns * step_x + _GAP_PX, 3)
    sheet = np.full(shape, 255, np.uint8)
    for i, frame in enumerate(frames):
        y, x = _GAP_PX + i // columns * step_y, _GAP_PX + i % columns * step_x
        sheet[y : y + height, x : x + width] = frame
    if path is not None:
        write_png(path, sheet)
    return sheet


def captioned(frame: np.ndarray, text: str) -> np.ndarray:
    """A frame (height, width, 3) uint8 with a line of text in its upper corner."""
    image = Image.fromarray(frame)
    ImageDraw.Draw(image).text((8, 6), text, fill=(20, 24, 32), font_size=14)
    return np.asarray(image)


def write_png(path: Path, image: np.ndarray) -> None:
    """Writes a PNG file that is either complete or not there.

    Args:
        path: the file.
        image: (height, width, 3) uint8.
    """
    path = Path(path)
    handle, partial = tempfile.mkstemp(
        prefix=".partial-", dir=path.parent, suffix=".png"
    )
    os.close(handle)
    try:
        Image.fromarray(image).save(partial, optimize=True)
        # mkstemp's files are for their owner alone.
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    finally:
        Path(partial).unlink(missing_ok=True)


def pick_frames(frames: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """Picks up to `count` frames at even distances, the first and the last included."""
    count = min(count, len(frames))
    return [frames[i] for i in np.linspace(0, len(frames) - 1, count).astype(int)]
