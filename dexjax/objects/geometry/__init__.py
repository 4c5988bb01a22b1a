"""Convex hulls of one size, points on surfaces, and how a solid comes to rest."""
