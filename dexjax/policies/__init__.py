"""What acts, one file per kind; `dexjax.policies()` lists what comes along."""

import sys
import types

from dexjax import shipped
from dexjax.policies.policy import Policy, check_fits

__all__ = ["Policy", "check_fits"]


class _Listing(types.ModuleType):
    """This package as a function."""

    def __call__(self) -> tuple[str, ...]:
        """Names of the policies that come with dexjax, as `dexjax.load` takes them."""
        return shipped.names()


sys.modules[__name__].__class__ = _Listing
