"""alga: the command-line time tracker for AlgaPSA. Its modules are executed on first use."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader, _LazyModule  # type: ignore[attr-defined]
from types import CodeType, ModuleType
from typing import Any

__version__ = "0.1.0"


class _Unloaded(_LazyModule):  # type: ignore[misc]
    """A module that was not executed yet. Exceptions in it (Ctrl-C too) propagate; the next use tries again."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__spec__":  # import machinery reads this, and swallows exceptions raised by it
            return ModuleType.__getattribute__(self, name)
        try:
            return super().__getattribute__(name)
        except BaseException:
            self.__class__ = _Unloaded
            raise


class _Later(LazyLoader):
    """Creates a module without executing it."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.__class__ = _Unloaded

    def get_code(self, name: str) -> CodeType | None:
        """For `python -m`."""
        code: CodeType | None = self.loader.get_code(name)  # type: ignore[attr-defined]
        return code


class _Lazily:
    """Makes `from alga import entries` cheap: the module is executed when an attribute is first read."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        if not name.startswith("alga."):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec and spec.loader:
            spec.loader = _Later(spec.loader)
        return spec


if _Lazily not in sys.meta_path:
    sys.meta_path.insert(0, _Lazily)
