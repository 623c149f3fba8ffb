"""Work on arrays of (sessions, markets) in pieces that stay in the cache of a core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Numbers in a piece of one array: 64 KB of floats.
PIECE = 8192


def by_rows(function: Callable[..., Any], *arrays: Array, out: Array | tuple[Array, ...]) -> None:
    """A function of arrays that works element by element, some rows at a time.

    Parameters
    ----------
    function : callable
        From pieces of `arrays` to what belongs there, as many arrays as `out` has.
    arrays : shape (n, ...)
    out : array or tuple of arrays, shape (n, ...)
        What is filled.
    """
    outs = out if isinstance(out, tuple) else (out,)
    count = len(outs[0])
    rows = max(PIECE // max(int(np.prod(outs[0].shape[1:])), 1), 1)
    for begin in range(0, count, rows):
        piece = slice(begin, begin + rows)
        found = function(*(array[piece] for array in arrays))
        for filled, values in zip(outs, found if isinstance(out, tuple) else (found,), strict=True):
            filled[piece] = values
