"""alga: the command-line time tracker for AlgaPSA. Its modules are loaded when they are first used."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader

__version__ = "0.1.0"


class _Lazily:
    """Makes `from alga import entries` cheap: the module is run when something of it is asked for."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if not name.startswith("alga.") or name == "alga.__main__":  # which runpy asks for its code
            return None
        spec = PathFinder.find_spec(name, path)
        if spec and spec.loader:
            spec.loader = LazyLoader(spec.loader)
        return spec


if _Lazily not in sys.meta_path:
    sys.meta_path.insert(0, _Lazily)
