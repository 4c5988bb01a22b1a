"""What cameras of a scene see, of all worlds at once and inside `jit`."""

from dexjax.render.images.imager import Imager, Look
from dexjax.render.images.view import Images, View

__all__ = ["Imager", "Images", "Look", "View"]
