"""What was worked out for one reader, kept for the next one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")

#: How many results of one kind are kept.
_DEFAULT_SIZE = 8


class Memory:
    """Results by kind and key, the least used of a kind forgotten first. For many threads.

    What takes long is worked out once, also where several readers ask for it at the same time. What fails is not kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, OrderedDict[Hashable, Any]] = {}
        self._making: dict[tuple[str, Hashable], threading.Lock] = {}

    def get(self, kind: str, key: Hashable, make: Callable[[], T], size: int = _DEFAULT_SIZE) -> T:
        """The result under a key; made by `make` where it is not there."""
        found, there = self._find(kind, key)
        if there:
            return cast("T", found)
        with self._lock:
            making = self._making.setdefault((kind, key), threading.Lock())
        with making:
            found, there = self._find(kind, key)
            if there:
                return cast("T", found)
            try:
                made = make()
                with self._lock:
                    kept = self._kept.setdefault(kind, OrderedDict())
                    kept[key] = made
                    while len(kept) > size:
                        kept.popitem(last=False)
            finally:
                with self._lock:
                    self._making.pop((kind, key), None)
        return made

    def _find(self, kind: str, key: Hashable) -> tuple[Any, bool]:
        with self._lock:
            kept = self._kept.get(kind, OrderedDict())
            if key not in kept:
                return None, False
            kept.move_to_end(key)
            return kept[key], True
