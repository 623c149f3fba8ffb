"""What hedges cost, what a shock would gain, how far their next changes are, and what their figures rest on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from reports.indicator_sections import SCORED_NAMES, figure, signed_figure
from reports.numbers import beside
from reports.tables import NOTHING, Section, Table, money
from reports.words import count, listed, said_together
from signals.alvh.report import MIXED, MODEL, HedgeSignal, LayerTarget, Reading
from signals.veqtor.report import SignalReport

MODEL_LIMITS = (
    "Prices marked m are the option model's: median error 12% on the one day that could be checked; weeklies, far "
    "strikes and tenors other than a month are extrapolated. docs/hedge.md has the limits."
)


def carried(report: SignalReport) -> list[HedgeSignal]:
    """The hedges of a report that have a signal."""
    return [hedge for hedge in report.hedges if hedge.unavailable is None]


def score(hedge: HedgeSignal) -> str:
    """The score on its scale, such as ``score 0.00 of 4``; empty where nothing is scored."""
    if hedge.score is None or hedge.scale is None or not hedge.sizes_by_state:
        return ""
    return f"score {hedge.score:.2f} of {hedge.scale:g}"


def unsigned_zero(value: float) -> str:
    """Two decimals, and nothing without a sign."""
    shown = f"{value:,.2f}"
    return "0.00" if shown == "-0.00" else shown


def budget_section(report: SignalReport) -> Iterator[Section]:
    """What each hedge costs against its limits, and what it has gained since it began."""
    hedges = [hedge for hedge in carried(report) if hedge.budget is not None or hedge.ledger is not None]
    if not hedges:
        return
    sentences = ["Cost is net, as a share of the notional; gains are USD of a paper account."]
    told = [(hedge.rule_set, sentence) for hedge in hedges for sentence in _standing(hedge)]
    sentences += [f"{listed(names)}: {sentence}" for names, sentence in said_together(told)]
    header = ("Hedge", "Cost", "Sessions", "Alarm", "Stop", "Gain", "Since", "Gain a year")
    rows = tuple(map(_budget_row, hedges))
    yield Section("Budget", tuple(sentences), Table(header, rows, frozenset(range(1, 8))), key="budget", detail=True)


def cost(hedge: HedgeSignal) -> str:
    """What a hedge cost over its budget's window, and how that stands to its limits; empty without a budget."""
    budget = hedge.budget
    if budget is None:
        return ""
    if not budget.net_cost:
        return "cost nothing so far"
    word, sign = ("cost", 1.0) if budget.net_cost > 0.0 else ("earned", -1.0)
    share = beside(sign * budget.net_cost * 100, (sign * limit * 100 for limit in _limits(hedge)))
    told = f"{word} {share}% of the notional in {count(min(budget.sessions, budget.window), 'session')}"
    if budget.standing == "stop" and budget.stop is not None:
        return f"{told}, {_over(budget.net_cost, budget.stop)} its stop of {budget.stop * 100:g}%: purchases are cut"
    if budget.standing == "alarm" and budget.alarm is not None:
        return f"{told}, {_over(budget.net_cost, budget.alarm)} its alarm of {budget.alarm * 100:g}%"
    return told


def _over(net_cost: float, limit: float) -> str:
    return "over" if net_cost > limit else "at"


def _standing(hedge: HedgeSignal) -> Iterator[str]:
    if hedge.budget is not None and hedge.budget.standing != "within":
        yield f"{cost(hedge)}."
    if hedge.ledger is not None and any(layer.held for layer in hedge.layers):
        rise = hedge.break_even
        if rise is None:
            yield "no rise of the VIX at once is enough for what is held now to be worth what it cost."
        elif rise == 0.0:
            yield "what is held now is worth more than it cost."
        else:
            yield f"what is held now is worth what it cost if the VIX rises by {rise:.2f} points at once."
    if hedge.ledger is not None:
        cycles = count(hedge.ledger.cycles, "time")
        yield f"the VIX went above 30 and came back below 20 {cycles} since {hedge.inception}."
    if hedge.index_level is not None:
        yield f"level as an index: {hedge.index_level:,.2f}."


def _budget_row(hedge: HedgeSignal) -> tuple[str, ...]:
    budget, ledger = hedge.budget, hedge.ledger
    used: tuple[str, ...] = (NOTHING,) * 4
    if budget is not None:
        used = (
            f"{beside(budget.net_cost * 100, (limit * 100 for limit in _limits(hedge)))}%",
            f"{min(budget.sessions, budget.window)}",
            *(NOTHING if limit is None else f"{limit * 100:g}%" for limit in (budget.alarm, budget.stop)),
        )
    gained = (NOTHING, NOTHING, NOTHING)
    if ledger is not None:
        rate = ledger.cost_per_year
        yearly = NOTHING if rate is None else f"{unsigned_zero(-rate * 100)}%"
        gained = (money(ledger.pnl_usd), f"{hedge.inception}", yearly)
    return (hedge.rule_set, *used, *gained)


def stress_section(report: SignalReport) -> Iterator[Section]:
    """What a shock of the day gains or loses, for all hedges side by side."""
    hedges = [hedge for hedge in carried(report) if hedge.stress]
    if not hedges:
        return
    rows = []
    for item in hedges[0].stress:
        found = [{each.scenario: each.pnl_usd for each in hedge.stress}.get(item.scenario) for hedge in hedges]
        rows.append((item.scenario, f"{item.vix:.2f}", *map(money, found)))
    header = ("Shock", "VIX then", *(hedge.rule_set for hedge in hedges))
    sentence = (
        f"USD gained or lost by what is held from the close of {report.effective_session}, at the marks of "
        f"{report.session}, if it happens at once."
    )
    table = Table(header, tuple(rows), frozenset(range(1, len(header))))
    yield Section("Stress", (sentence,), table, key="stress", detail=True)


def hedge_distances(report: SignalReport) -> Iterator[tuple[str, ...]]:
    """Of each hedge the next dates and the limit of its budget, as rows of the table of distances."""
    for hedge in carried(report):
        for names, day, what in next_dates(hedge):
            days = count((day - report.session).days, "day")
            moved_by = "the calendar" if what == "expiry" else "the calendar; traded at the next close"
            yield (f"{hedge.rule_set} {what}", listed(names), f"{day}", days, moved_by)
        yield from _nearest_indicator(hedge)
        budget = hedge.budget
        limit = next((each for each in _limits(hedge) if budget is not None and budget.net_cost < each), None)
        if budget is not None and limit is not None:
            name = "alarm" if limit == budget.alarm else "stop"
            away = f"{beside((limit - budget.net_cost) * 100, (0.0,))} points"
            now = f"{beside(budget.net_cost * 100, (limit * 100,))}%"
            yield (f"{hedge.rule_set} budget", now, f"{limit * 100:g}%", away, f"net cost, up to its {name}")


def _limits(hedge: HedgeSignal) -> list[float]:
    budget = hedge.budget
    return sorted(limit for limit in (budget.alarm, budget.stop) if limit is not None) if budget is not None else []


def next_dates(hedge: HedgeSignal) -> list[tuple[list[str], dt.date, str]]:
    """The first day on which contracts expire or a roll is decided: the layers, the day, and which of the two."""
    dated = [(layer.next_roll, layer) for layer in hedge.layers if layer.next_roll is not None]
    if not dated:
        return []
    first = min(day for day, _ in dated)
    found: dict[str, list[str]] = {}
    for day, layer in dated:
        if day == first:
            found.setdefault("expiry" if layer.next_roll_is_expiry else "roll", []).append(layer.layer)
    return [(names, first, what) for what, names in sorted(found.items())]


def settled(hedge: HedgeSignal, effective: dt.date) -> list[LayerTarget]:
    """The layers whose contracts expire before the close at which targets are traded."""
    return [layer for layer in hedge.layers if layer.held is not None and layer.held.expiry <= effective]


def _nearest_indicator(hedge: HedgeSignal) -> Iterator[tuple[str, ...]]:
    """The scored indicator that needs the fewest of its last changes, or else the least of its threshold, to turn."""
    able = [
        item
        for item in hedge.indicators
        if item.name in SCORED_NAMES
        and item.threshold is not None
        and item.distance is not None
        and item.value is not None
    ]
    if not hedge.sizes_by_state or not able:
        return
    item = min(able, key=_changes_away)
    turns = f"it turns {'off' if item.state == 'on' else 'on'}; {score(hedge)}".removesuffix("; ")
    row = (figure(item.value), figure(item.threshold), signed_figure(item.distance or 0.0), turns)
    yield (f"{hedge.rule_set} {item.name}", *row)


def _changes_away(item: Reading) -> float:
    changed = 0.0 if item.value is None or item.previous is None else abs(item.value - item.previous)
    return abs(item.distance or 0.0) / (changed or abs(item.threshold or 0.0) or 1.0)


def hedge_doubts(hedges: Sequence[HedgeSignal]) -> Iterator[str]:
    """Inputs of hedges that are missing or stand in for others, and the limits of model prices."""
    carrying = [hedge.rule_set for hedge in hedges if hedge.unavailable is None]
    told = said_together((hedge.rule_set, doubt) for hedge in hedges for doubt in hedge.doubts)
    yield from (doubt if names == carrying else f"{listed(names)}: {doubt}" for names, doubt in told)
    packages = [
        package
        for hedge in hedges
        for layer in hedge.layers
        for package in (layer.held, layer.target)
        if package is not None
    ]
    if any(package.basis in (MODEL, MIXED) for package in packages):
        yield MODEL_LIMITS
