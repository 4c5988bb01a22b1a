"""Everyday objects made from a few numbers each, as they rest, base at z = 0."""

from dexjax.objects.procedural.categories import CATEGORIES, SEEN, UNSEEN, make_shape

__all__ = ["CATEGORIES", "SEEN", "UNSEEN", "make_shape"]
