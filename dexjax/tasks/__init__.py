"""Tasks: pure reset and step of worlds over an engine; `dexjax.tasks()` lists them."""

import sys
import types

NAMES = {
    "grasp": "lift an object from the table to a goal and hold it there",
    "inhand": "go from grasp to grasp in the hand, whichever way the palm is turned",
}


class _Listing(types.ModuleType):
    """This package as a function."""

    def __call__(self) -> dict[str, str]:
        """The tasks that `dexjax.make` makes: name -> what is to be done."""
        return dict(NAMES)


sys.modules[__name__].__class__ = _Listing
