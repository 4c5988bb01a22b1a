"""Kernels that run between those of mujoco_warp."""

import warp as wp


@wp.kernel(enable_backward=False)
def pick_floats(
    table: wp.array2d[float], object_id: wp.array[int], out: wp.array2d[float]
):
    """Fills rows (worlds, width) of `out` with each world's row of a table."""
    world, i = wp.tid()
    out[world, i] = table[wp.clamp(object_id[world], 0, table.shape[0] - 1), i]


@wp.kernel(enable_backward=False)
def pick_ints(table: wp.array2d[int], object_id: wp.array[int], out: wp.array2d[int]):
    """Fills rows (worlds, width) of `out` with each world's row of a table."""
    world, i = wp.tid()
    out[world, i] = table[wp.clamp(object_id[world], 0, table.shape[0] - 1), i]


@wp.kernel(enable_backward=False)
def note_need(
    rows: wp.array[int],
    near_pairs: wp.array[int],
    contacts: wp.array[int],
    rows_bound: int,
    contacts_bound: int,
    need: wp.array[int],
):
    """Says on standard output which bound was too small, and notes what was needed.

    Args:
        rows: (worlds,) constraint rows.
        near_pairs: (1,) pairs of geoms of all worlds that came close.
        contacts: (1,) contacts of all worlds.
        rows_bound: room for constraint rows in every world.
        contacts_bound: room for contacts of all worlds.
        need: (2,) the most of either that there was room for or that was reported.
    """
    world = wp.tid()
    if rows[world] > need[0]:
        # Of all worlds only those that need more than was ever reported speak.
        if wp.atomic_max(need, 0, rows[world]) < rows[world]:
            wp.printf(
                "engine 'warp': constraints=%d is too small, a world that needs %d is "
                "reset\n",
                rows_bound,
                rows[world],
            )
    if world == 0:
        wanted = wp.max(near_pairs[0], contacts[0])
        if wanted > need[1]:
            need[1] = wanted
            worlds = rows.shape[0]
            wp.printf(
                "engine 'warp': contacts=%d is too small, all %d worlds are reset; "
                "%d would do\n",
                contacts_bound / worlds,
                worlds,
                (wanted + worlds - 1) / worlds,
            )


@wp.kernel(enable_backward=False)
def judge(
    overflow: wp.array[int], faults: int, start: wp.array[float], time: wp.array[float]
):
    """Holds the time (worlds,) of worlds in which something was left out."""
    world = wp.tid()
    if overflow[world] & faults:
        time[world] = start[world]
