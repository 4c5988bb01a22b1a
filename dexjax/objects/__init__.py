"""Objects to grasp: procedural shapes, mesh files and DexGraspNet, as one thing."""

from dexjax.objects.loading import load_object, load_object_set, load_objects
from dexjax.objects.object_set import ObjectSet

__all__ = ["ObjectSet", "load_object", "load_object_set", "load_objects"]
