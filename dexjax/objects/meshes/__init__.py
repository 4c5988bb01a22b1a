"""Mesh files: read, repaired, parted into bodies, decomposed into convex pieces."""
