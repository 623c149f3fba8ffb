"""What a check found, and looking at many things at once within a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

from signals.errors import TailguardError

OK, WARN, FAIL = "ok", "warn", "fail"

#: Shorter ones would blot out half of every text.
_SHORTEST_SECRET = 4
_MASK = "********"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes
    ----------
    name : str
    status : str
        ``ok``; ``warn``, where a run works or may work; ``fail``, where it does not.
    found : str
    do : str
        What to do about it; empty where nothing has to be done.
    """

    name: str
    status: str
    found: str
    do: str = ""


@dataclass(frozen=True)
class Check:
    """Something to look at.

    Attributes
    ----------
    name : str
        Of its finding, where it has none of its own: when it raises, or takes too long.
    look : callable
    late : str
        The status of one that takes too long.
    """

    name: str
    look: Callable[[], Finding | Sequence[Finding]]
    late: str = FAIL


def run_checks(checks: Sequence[Check], seconds: float) -> list[Finding]:
    """Look at everything at once, and return the findings in the order of the checks.

    A check that raises is a failed one, which names the error. What takes longer is not waited for: its thread is a
    daemon and does not keep the program from ending.
    """
    futures = [_started(check) for check in checks]
    wait(futures, timeout=seconds)
    return [
        finding
        for check, future in zip(checks, futures, strict=True)
        for finding in (future.result() if future.done() else [_late(check, seconds)])
    ]


def without_secrets(findings: Iterable[Finding], secrets: Iterable[str]) -> list[Finding]:
    """The findings, with secrets masked wherever an error quotes one."""
    hidden = sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)
    return [replace(each, found=_masked(each.found, hidden), do=_masked(each.do, hidden)) for each in findings]


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return text


def _started(check: Check) -> Future[list[Finding]]:
    future: Future[list[Finding]] = Future()

    def work() -> None:
        future.set_result(_found(check))

    threading.Thread(target=work, name=f"doctor {check.name}", daemon=True).start()
    return future


def _found(check: Check) -> list[Finding]:
    try:
        found = check.look()
    except TailguardError as error:
        return [Finding(check.name, FAIL, f"{error.about}: {error.got}, expected {error.expected}", error.do)]
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what this check found
        said = " ".join(str(error).split())[:200]
        what = f"{type(error).__name__}: {said}" if said else type(error).__name__
        return [Finding(check.name, FAIL, f"the check ended with {what}", "Look into what it names.")]
    return [found] if isinstance(found, Finding) else list(found)


def _late(check: Check, seconds: float) -> Finding:
    do = "Try again; if it stays so, look into what hangs." if check.late == FAIL else "Nothing is known to be wrong."
    return Finding(check.name, check.late, f"not known after {seconds:g} s", do)
