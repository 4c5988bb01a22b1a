"""DexGraspNet objects and grasps, in both layouts that exist on disk.

Layout A (DexGraspNet):
    dataset/<name>.npy                      all grasps, {qpos, scale}
    meshdata/<name>/coacd/decomposed.obj    convex pieces, unit radius
Layout B (UniDexGrasp):
    datasetv4.1/<core|sem>/<name>/NNNNN.npz one grasp each, {qpos, scale, plane}
    meshdatav3_scaled/<core|sem>/<name>/coacd/decomposed.obj
In A `scale` multiplies the mesh; in B it is the inverse of that factor. A grasp gives
the palm frame in the frame of the scaled mesh.
"""

from dexjax.objects.dexgraspnet.folders import (
    Source,
    find_objects,
    lacks_mesh,
    read_grasps,
    scaled_names,
    scales_of,
)
from dexjax.objects.dexgraspnet.grasps import JOINT_NAMES, Grasp, grasps_at
from dexjax.objects.dexgraspnet.pieces import read_pieces

__all__ = [
    "JOINT_NAMES",
    "Grasp",
    "Source",
    "find_objects",
    "grasps_at",
    "lacks_mesh",
    "read_grasps",
    "read_pieces",
    "scaled_names",
    "scales_of",
]
