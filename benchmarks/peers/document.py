"""The section of docs/benchmarks.md that is written by measuring."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.engines import OURS, PATH_SESSIONS, Engine
from benchmarks.peers.recorded import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- other engines -->\n", "<!-- end of other engines -->"


@dataclass(frozen=True)
class Measured:
    """Figures of one engine.

    Attributes
    ----------
    version : str
        Of its package, or of Python.
    seconds : dict of float
        Median by case: ``sessions N`` and ``paths N``.
    difference : float
        Largest relative difference of a level, of any case, from the product's.
    new_process : float
        Seconds, median, of a new process that runs the whole history once.
    """

    engine: Engine
    version: str
    seconds: dict[str, float]
    difference: float
    new_process: float

    def by(self, kind: str) -> dict[int, float]:
        """Median seconds by number of sessions or of paths."""
        cases = (case.split() for case in self.seconds)
        return {int(number): self.seconds[f"{name} {number}"] for name, number in cases if name == kind}


def section(measured: list[Measured], sessions: list[dt.date], *, simulated: bool, busy: bool) -> str:
    """What stands between the two comments, in Markdown."""
    whole = len(sessions) - 1
    what = "SIMULATED sample market, no recorded data" if simulated else "recorded public data"
    head = [
        f"Measured on {dt.datetime.now(dt.UTC).date()} with one run of `make bench-peers`: {what}, {whole:,} sessions",
        f"after the base, {sessions[0]} to {sessions[-1]}. Python {platform.python_version()}; {machine()}.",
    ]
    if busy:
        head += ["Other programs kept the machine busy meanwhile: ratios are rough."]
    return "\n".join(
        [
            *head,
            "",
            *summary(measured, whole),
            "",
            "By length of history; twice the whole is the same sessions again:",
            "",
            *scaling(measured, "sessions"),
            "",
            f"By number of paths, each of {PATH_SESSIONS:,} sessions, in one process:",
            "",
            *scaling(measured, "paths"),
        ]
    )


def summary(measured: list[Measured], whole: int) -> list[str]:
    """The table of the whole history."""
    case = f"sessions {whole}"
    ours = next(found.seconds[case] for found in measured if found.engine is OURS)
    lines = [
        "| engine | version | whole history | times tailguard | target | new process | largest difference |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for found in sorted(measured, key=lambda found: found.seconds[case]):
        ratio, target = found.seconds[case] / ours, found.engine.target
        wanted = "-" if target is None else f"{target:g}{'' if ratio >= target else ', missed'}"
        difference = "-" if found.engine is OURS else f"{found.difference:.0e}" if found.difference else "none"
        cells = [found.engine.label, found.version, duration(found.seconds[case])]
        lines.append(row([*cells, times(ratio), wanted, duration(found.new_process), difference]))
    return lines


def scaling(measured: list[Measured], kind: str) -> list[str]:
    """A table of medians by number of sessions or of paths; a dash where an engine was not asked."""
    numbers = sorted({number for found in measured for number in found.by(kind)})
    lines = [row([kind, *(f"{number:,}" for number in numbers)]), "|---|" + "---:|" * len(numbers)]
    for found in sorted(measured, key=lambda found: found.by(kind)[numbers[0]]):
        known = found.by(kind)
        lines.append(row([found.engine.label, *(duration(known[n]) if n in known else "-" for n in numbers)]))
    return lines


def row(cells: list[str]) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def duration(seconds: float) -> str:
    """A time with as many digits as it deserves."""
    value, unit = (seconds, "s") if seconds >= 1.0 else (seconds * 1e3, "ms")
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"


def times(ratio: float) -> str:
    """A ratio with as many digits as it deserves."""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"


def machine() -> str:
    """Processor and memory."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = found[1] if found else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GB memory, {platform.system()}"


def write(text: str) -> None:
    """Put the section between its two comments."""
    page = DOCUMENT.read_text()
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{DOCUMENT} does not have the two comments that mark the section")
    DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}")
