"""What hedges cost, what a shock would gain, how far their next changes are, and what their figures rest on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from reports.indicator_sections import SCORED_NAMES, figure, signed_figure
from reports.tables import NOTHING, Section, Table, money
from reports.words import count, listed, said_together
from signals.alvh.report import MIXED, MODEL, HedgeSignal
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
    word, share = ("cost", budget.net_cost) if budget.net_cost > 0 else ("earned", -budget.net_cost)
    sessions = min(budget.sessions, budget.window)
    told = f"{word} {share * 100:.2f}% of the notional in {count(sessions, 'session')}"
    if budget.standing == "stop" and budget.stop is not None:
        return f"{told}, over its stop of {budget.stop * 100:g}%: purchases are cut"
    if budget.standing == "alarm" and budget.alarm is not None:
        return f"{told}, over its alarm of {budget.alarm * 100:g}%"
    return told


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
            f"{unsigned_zero(budget.net_cost * 100)}%",
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
    """Of each hedge the next date and the limit of its budget, as rows of the table of distances."""
    for hedge in carried(report):
        if (due := next_date(hedge)) is not None:
            layer, day, what = due
            days = count((day - report.session).days, "day")
            yield (f"{hedge.rule_set} {what}", f"{layer} held", f"{day}", days, "the calendar")
        yield from _nearest_indicator(hedge)
        budget = hedge.budget
        limit = next((each for each in (_limits(hedge)) if budget is not None and budget.net_cost < each), None)
        if budget is not None and limit is not None:
            name = "alarm" if limit == budget.alarm else "stop"
            away = f"{(limit - budget.net_cost) * 100:.2f} points"
            now = f"{unsigned_zero(budget.net_cost * 100)}%"
            yield (f"{hedge.rule_set} budget", now, f"{limit * 100:g}%", away, f"net cost, up to its {name}")


def _limits(hedge: HedgeSignal) -> list[float]:
    budget = hedge.budget
    return sorted(limit for limit in (budget.alarm, budget.stop) if limit is not None) if budget is not None else []


def next_date(hedge: HedgeSignal) -> tuple[str, dt.date, str] | None:
    """The layer whose contracts roll or expire next, when, and which of the two."""
    dated = [(layer.next_roll, layer) for layer in hedge.layers if layer.next_roll is not None]
    if not dated:
        return None
    day, layer = min(dated, key=lambda each: each[0])
    return layer.layer, day, "expiry" if layer.next_roll_is_expiry else "roll"


def _nearest_indicator(hedge: HedgeSignal) -> Iterator[tuple[str, ...]]:
    """The score, and the scored indicator that needs the smallest share of its threshold to change."""
    able = [
        item
        for item in hedge.indicators
        if item.name in SCORED_NAMES and item.threshold and item.distance is not None and item.value is not None
    ]
    if not hedge.sizes_by_state or not able:
        return
    item = min(able, key=lambda each: abs((each.distance or 0.0) / (each.threshold or 1.0)))
    now, turns = f"{hedge.score or 0.0:.2f} of {hedge.scale or 0.0:g}", "off" if item.state == "on" else "on"
    moved_by = f"{item.name}, now {figure(item.value)}, would turn {turns}"
    row = (now, figure(item.threshold), signed_figure(item.distance or 0.0), moved_by)
    yield (f"{hedge.rule_set} score", *row)


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
