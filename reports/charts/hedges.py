"""What a layered hedge has cost, layer by layer, against its budget. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from reports.charts.chart import LINE_ROLES, WHOLE, Chart, Level, Line, Panel, Points
from reports.charts.windows import known, note, times
from reports.numbers import beside
from signals.alvh.report import BudgetUse, HedgeSignal
from signals.veqtor.report import SignalReport
from storage.figures import ALL_LAYERS, HedgeFigures, SessionFigures

_THOUSAND = 1_000.0


def hedge_chart(
    report: SignalReport, hedge: HedgeSignal, figures: Sequence[HedgeFigures], history: Sequence[SessionFigures]
) -> Chart | None:
    """What every layer paid and is worth, and how the cost of all stands against alarm and stop.

    None for a hedge without a signal or a budget, and with fewer than two sessions in a row.
    """
    budget = hedge.budget
    if hedge.unavailable is not None or budget is None:
        return None
    rows = _of_the_last_sessions(figures, history)
    sessions = sorted({row.session for row in rows})
    if len(sessions) < 2 or sessions[-1] != report.session:
        return None
    layers = [layer.layer for layer in hedge.layers][: len(LINE_ROLES)]
    of_layer = {name: [row for row in rows if row.layer == name] for name in (*layers, ALL_LAYERS)}
    if any(len(found) != len(sessions) for found in of_layer.values()):
        return None
    spent = {name: _spent(of_layer[name], hedge.notional_usd) for name in layers}
    worth = {
        name: _line(of_layer[name], [_scaled(row.worth_usd, row, hedge.notional_usd) for row in of_layer[name]])
        for name in layers
    }
    costs = [None if (cost := known(row.net_cost)) is None else cost * 100.0 for row in of_layer[ALL_LAYERS]]
    title, standing = _title(hedge, budget), _standing(budget)
    told = "; ".join(
        f"{name} {_amount(spent[name], 'paid', 'received')}, worth {_last(worth[name])}" for name in layers
    )
    span = f"{len(sessions)} sessions"
    alt = (
        f"Hedge {hedge.rule_set} in the last {span} up to {report.session}, for a portfolio of "
        f"{hedge.notional_usd:,.0f} USD. By layer, thousand USD, paid less received since the close of {sessions[0]} "
        f"and worth now: {told}. {title}{standing}."
    )
    named = ", ".join(f"{layer.layer} {layer.label}" for layer in hedge.layers[: len(layers)])
    limits = [(budget.alarm, "alarm"), (budget.stop, "stop")]
    return Chart(
        name=f"hedge-{hedge.rule_set}",
        section="budget",
        title=title,
        subtitle=f"Portfolio of {hedge.notional_usd:,.0f} USD; {named}",
        alt=alt,
        note=note(report, "a paper account, at modelled prices where none are quoted"),
        panels=(
            Panel(
                f"Paid less received since the close of {sessions[0]}, thousand USD",
                lines=tuple(
                    Line(f"{name} {_last(spent[name])}", spent[name], role, steps=True)
                    for name, role in zip(layers, LINE_ROLES, strict=False)
                ),
                share=1.1,
            ),
            Panel(
                "Worth at the close, thousand USD",
                lines=tuple(
                    Line(f"{name} {_last(worth[name])}", worth[name], role)
                    for name, role in zip(layers, LINE_ROLES, strict=False)
                ),
                share=1.1,
            ),
            Panel(
                f"Net cost over the {budget.window} sessions that end here, % of the portfolio; below zero a gain",
                lines=(Line(_cost(budget), _line(of_layer[ALL_LAYERS], costs), WHOLE),),
                levels=tuple(
                    Level(limit * 100.0, f"{name} at {limit * 100:g}%") for limit, name in limits if limit is not None
                ),
                suffix="%",
                share=1.1,
            ),
        ),
        simulated=report.simulated,
    )


def _of_the_last_sessions(figures: Sequence[HedgeFigures], history: Sequence[SessionFigures]) -> list[HedgeFigures]:
    """The rows after the last session that is missing: what is added up must have no holes."""
    sessions = {row.session for row in figures}
    unbroken = []
    for row, following in zip(reversed(history), (None, *reversed(history)), strict=False):
        if row.session not in sessions or (following is not None and following.session != row.effective_session):
            break
        unbroken.append(row.session)
    return [row for row in figures if unbroken and row.session >= unbroken[-1]]


def _scaled(amount: float | None, row: HedgeFigures, notional: float) -> float | None:
    """Thousand USD for today's notional."""
    found = known(amount)
    return None if found is None else found * notional / row.notional_usd / _THOUSAND


def _spent(rows: Sequence[HedgeFigures], notional: float) -> Points:
    """What was paid less what was received since the close of the first row."""

    def daily() -> Iterator[float]:
        yield 0.0
        for row in rows[1:]:
            yield _scaled(row.paid_usd - row.received_usd, row, notional) or 0.0

    return _line(rows, list(accumulate(daily())))


def _line(rows: Sequence[HedgeFigures], values: Sequence[float | None]) -> Points:
    return tuple((row.session, value) for row, value in zip(rows, values, strict=True))


def _last(line: Points) -> str:
    value = line[-1][1]
    return "without a price" if value is None else _thousands(value)


def _thousands(value: float) -> str:
    text = f"{value:,.1f}"
    return text if float(text.replace(",", "")) else "0.0"


def _amount(line: Points, paid: str, received: str) -> str:
    value = line[-1][1] or 0.0
    return f"{paid if value >= 0.0 else received} {_thousands(abs(value))}"


def _cost(budget: BudgetUse) -> str:
    limits = [limit * 100.0 for limit in (budget.alarm, budget.stop) if limit is not None]
    return f"{beside(budget.net_cost * 100.0, (0.0, *limits))}%"


def _title(hedge: HedgeSignal, budget: BudgetUse) -> str:
    """What the window cost or gained, and where that stands against the limits."""
    limits = [limit * 100.0 for limit in (budget.alarm, budget.stop) if limit is not None]
    said = beside(abs(budget.net_cost) * 100.0, limits if budget.net_cost > 0.0 else ())
    over = times(budget.sessions, "session") + (f" of {budget.window}" if budget.sessions < budget.window else "")
    if budget.net_cost > 0.0:
        return f"{hedge.rule_set} cost {said}% of the portfolio over {over}{_against(budget)}"
    gained = f"gained {said}%" if budget.net_cost < 0.0 else "cost nothing"
    return f"{hedge.rule_set} {gained} of the portfolio over {over}".replace("nothing of the portfolio", "nothing")


def _against(budget: BudgetUse) -> str:
    """Where a cost stands: the lowest limit above it, else the highest one it has reached."""
    limits = [(limit, name) for limit, name in ((budget.alarm, "alarm"), (budget.stop, "stop")) if limit is not None]
    above = [each for each in limits if budget.net_cost < each[0]]
    reached = [each for each in limits if budget.net_cost >= each[0]]
    parts = []
    if reached:
        limit, name = max(reached)
        parts.append(f"past the {limit * 100:g}% {name}")
    if above:
        limit, name = min(above)
        gap = beside((limit - budget.net_cost) * 100.0, (0.0,))
        parts.append(f"{gap} points below the {limit * 100:g}% {name}")
    return f", {' and '.join(parts)}" if parts else ""


def _standing(budget: BudgetUse) -> str:
    return f"; the budget says {budget.standing}"
