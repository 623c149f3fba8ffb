"""What sections are made of, and how figures are written."""

from __future__ import annotations

from dataclasses import dataclass

#: A cell without a value.
NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header. Columns named in `numeric` are aligned to the right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Section:
    """A titled part of a report: sentences, then a table, either of which may be absent.

    Attributes
    ----------
    key : str
        What it is about, such as ``changes`` or ``stress``; sections of one subject share it, others have none.
    detail : bool
        Whether what is pushed on a day without changes leaves it out.
    """

    title: str
    sentences: tuple[str, ...] = ()
    table: Table | None = None
    key: str = ""
    detail: bool = False


def signed(value: float, digits: int) -> str:
    """A figure with its sign, and zero without one."""
    shown = f"{value:+,.{digits}f}"
    return shown if shown.strip("+-0.,") else shown[1:]


def money(value: float | None) -> str:
    """US dollars with their sign; a dash where there is no amount."""
    return NOTHING if value is None else signed(value, 0)


def percent(weight: float) -> str:
    """A weight as a percentage."""
    return f"{weight * 100:g}%"
