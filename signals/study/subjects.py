"""Which strategies a study answers for, and what they are called. Standard library only."""

from __future__ import annotations

from signals.study.result import StudyResult

#: The rule set that follows the public description most closely.
DESCRIBED = "alvh-seed"

#: What a layered hedge stands beside.
BOOKS = ("sp500", "condor")


def asked_hedges(result: StudyResult) -> tuple[str, ...]:
    """Names of the rule sets that were asked for, those that failed too; else of those that were followed."""
    named = result.spec.get("rule_sets")
    if isinstance(named, (list, tuple)) and named:
        return tuple(str(name) for name, _ in named)
    return tuple(dict.fromkeys(track.name.partition("+")[2] for track in result.tracks if "+" in track.name))


def asked_hedge(result: StudyResult) -> str:
    """The rule set a study is about: the described one, else the first that was asked for; empty without any."""
    asked = asked_hedges(result)
    return DESCRIBED if DESCRIBED in asked else next(iter(asked), "")


def subjects(result: StudyResult) -> tuple[str, ...]:
    """Names of the strategies the question is answered for: VEQTOR, and the hedge beside equity and beside condors.

    A hedge that is a portfolio by itself stands for itself. One that failed is among them, so that it can be said.
    """
    hedge = asked_hedge(result)
    if not hedge:
        return ("veqtor",)
    if any(track.name == hedge for track in result.tracks):
        return ("veqtor", hedge)
    return ("veqtor", *(f"{book}+{hedge}" for book in BOOKS))


def label_of(result: StudyResult, name: str) -> str:
    """A strategy as people read it, whether it could be measured or not."""
    found = next((track.label for track in result.tracks if track.name == name), None)
    if found is not None:
        return found
    book, _, hedge = name.partition("+")
    base = {"sp500": "S&P 500 TR", "condor": "Iron condors", "veqtor": "VEQTOR"}.get(book, book)
    return f"{base} + {hedge}" if hedge else base


def confidence_of(result: StudyResult) -> float:
    """The confidence of every interval."""
    found = result.spec.get("confidence")
    return found if isinstance(found, float) else 0.95
