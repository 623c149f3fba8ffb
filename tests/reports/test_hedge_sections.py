from __future__ import annotations

from dataclasses import replace

import pytest

from reports.hedge_risk import MODEL_LIMITS
from reports.html import render_html
from reports.sections import sections
from reports.slack import BLOCK_LIMIT, render_slack, render_slack_thread
from reports.tables import Section
from reports.text import render_text
from reports.triggers import triggers
from reports.view import SUBJECT_LIMIT
from signals.alvh.report import HOLD, OBSERVED, BudgetUse, HedgeSignal, LayerTarget, Package
from signals.veqtor.report import SignalReport
from signals.veqtor.signal import VeqtorSignals, signal_report
from tests.reports import hedges
from tests.reports.test_renderings import check, slack_texts, view_of, words


@pytest.fixture(scope="module")
def plain(made_up_signals: VeqtorSignals) -> SignalReport:
    return signal_report(made_up_signals, hedges.SESSION, hedges.NOTIONAL)


@pytest.fixture(scope="module")
def report(plain: SignalReport) -> SignalReport:
    return replace(plain, hedges=hedges.hedges(), macro=hedges.macro())


def many(count: int) -> tuple[HedgeSignal, ...]:
    """Rule sets of nine layers, each with indicators of its own."""
    seed, remark = hedges.seed(), "made from two others, as its own publisher has nothing for this session"
    own = tuple(replace(item, name=f"{item.name}_{copy}", remark=remark) for item in seed.indicators for copy in (1, 2))
    return tuple(
        replace(seed, rule_set=f"own-{number}", layers=seed.layers * 3, indicators=own) for number in range(count)
    )


def without_actions(hedge: HedgeSignal) -> HedgeSignal:
    return replace(hedge, layers=tuple(replace(layer, action=HOLD) for layer in hedge.layers))


def named(report: SignalReport, title: str) -> Section:
    """The first section whose title begins so."""
    return next(section for section in view_of(report).sections if section.title.startswith(title))


def observed(layer: LayerTarget) -> LayerTarget:
    def quoted(package: Package | None) -> Package | None:
        return package and replace(package, basis=OBSERVED)

    return replace(layer, held=quoted(layer.held), target=quoted(layer.target))


def test_every_rendering_has_all_of_the_hedges_and_is_in_its_limits(report: SignalReport) -> None:
    check(view_of(report))
    check(view_of(replace(report, hedges=many(1))))


def test_what_is_shared_is_said_once_and_hedges_share_tables(report: SignalReport) -> None:
    titles = [section.title for section in sections(report, None, triggers(report))]
    assert [title for title in titles if title not in ("Events ahead",)] == [
        "Changed since the session before",
        "Orders for the close of Tuesday 2006-04-04 16:00 New York",
        "Hedge my-own",
        "Hedge alvh-seed: Weekly, medium and long layers",
        "Hedge alvh-442: Ladder of calls",
        "VEQTOR: weights, and the tests behind them",
        "Index levels",
        "ALVH: state and score",
        "Indicators of alvh-seed and alvh-442",
        "Measures, scored by none",
        "alvh-seed: why, and what it holds",
        "alvh-442: why, and what it holds",
        "Macro panel: context only",
        "Budget",
        "Stress",
        "Distance to the next changes",
        "Distances of the hedges",
        "Data: OK",
    ]
    text = words(render_text(view_of(report)))
    for once in ("A proposal of its own", "Marks are in points", "Delta is per point", "USD gained or lost"):
        assert text.count(once) == 1
    stress = named(report, "Stress").table
    assert stress
    assert stress.header == ("Shock", "VIX then", "alvh-seed", "alvh-442")
    assert stress.rows[0] == ("VIX +5", "16.40", "+16,400", "+8,200")


def test_orders_are_told_with_what_they_come_to(report: SignalReport) -> None:
    assert named(report, "Hedge alvh-seed").sentences == (
        "Open l1, roll l2 and sell a quarter of l3 at the close of 2006-04-04 (ACTIVE).",
        "At the marks of 2006-04-03, l1 buys 5 USD; l2 sells 7,656 USD and buys 7,696 USD; l3 sells 1,250 USD.",
        "l1: Too small for one contract: 0.38 of one.",
        "A proposal of its own for a portfolio of 1,000,000 USD in the S&P 500, no part of VEQTOR's weights. The "
        "hedges alvh-seed and alvh-442 are alternatives to each other. Whoever begins today buys what stands under "
        "Next.",
        "Contracts held now and from the close of 2006-04-04, and whole ones with their trade. Expiry +25/-45: calls "
        "with a strike of 25 bought, of 45 sold. Marks are in points of 100 USD at the close of 2006-04-03: m model, o "
        "observed, s settled, x mixed.",
        "Orders are filled at the close of 2006-04-04, whatever the prices are then: they can be several times as "
        "high.",
    )


def test_a_book_that_begins_late_says_so(report: SignalReport) -> None:
    late = "The book begins on 2006-03-31, where the loaded history lets it"
    assert late not in words(render_text(view_of(report)))
    seed = replace(hedges.seed(), begins_late=True)
    assert late in words(render_text(view_of(replace(report, hedges=(seed,)))))


def test_a_roll_says_what_goes_and_what_comes(report: SignalReport) -> None:
    table = named(report, "Hedge alvh-seed").table
    assert table
    before, after = (list(row) for row in table.rows if row[1] == "ROLL")
    assert before[2:] == ["2006-04-19 +14/-20", "61.25", "0.00", "0 (-61)", "1.25 m"]
    assert after[2:] == ["2006-05-17 +15/-22.5", "0.00", "58.75", "59 (+59)", "1.31 m"]
    reasons = named(report, "alvh-seed: why").sentences
    assert reasons[1].endswith("Its next roll is decided at the close of 2006-04-26.")


def test_what_is_sold_in_part_is_one_row_with_both_counts(report: SignalReport) -> None:
    assert "l3 MONETISE 2006-11-15 +17 40.00 30.00 30 (-10) 1.25 o" in words(render_text(view_of(report)))


def test_every_layer_has_its_reason(report: SignalReport) -> None:
    text = words(render_text(view_of(report)))
    for hedge in report.hedges:
        for layer in hedge.layers:
            assert f"{layer.layer}, {layer.label}: {layer.reason}" in text


def test_budget_ledger_and_break_even_are_told_with_their_limits(report: SignalReport) -> None:
    budget = named(report, "Budget")
    assert budget.table
    assert budget.table.rows == (
        ("alvh-seed", "1.23%", "2", "2%", "3.5%", "-1,205", "2006-03-31", "-"),
        ("alvh-442", "-0.40%", "252", "2%", "-", "+4,000", "2006-03-31", "0.40%"),
    )
    assert "alvh-seed: what is held now is worth what it cost if the VIX rises by 4.50 points at once." in (
        budget.sentences
    )
    over = replace(hedges.seed(), break_even=None, budget=BudgetUse(0.036, 0.02, 0.035, 252, 252, "stop"))
    told = named(replace(report, hedges=(over,)), "Budget").sentences
    assert "alvh-seed: cost 3.60% of the notional in 252 sessions, over its stop of 3.5%: purchases are cut." in told
    assert any("no rise of the VIX at once is enough" in sentence for sentence in told)


def test_a_missing_price_is_left_out_of_the_sum_and_shown_as_missing(report: SignalReport) -> None:
    table = named(report, "alvh-seed: why").table
    assert table
    rows = {row[0]: row for row in table.rows}
    assert rows["l1, in"][1:6] == ("9", "-", "+5", "-", "-1,205")
    assert rows["l2, out"][1:6] == ("16", "+7,900", "+7,656", "-312", "-1,205")
    assert rows["l2, in"][1:6] == ("44", "-", "+7,696", "-", "-")
    assert rows["l3"][3] == "+5,000"
    assert rows["All now"][2:6] == ("+15,801", "+12,656", "-624", "-3,614")
    assert rows["All next"][2:6] == ("-", "+11,451", "-", "-")
    seed = replace(hedges.seed(), stress=tuple(replace(item, pnl_usd=None) for item in hedges.seed().stress))
    shocks = named(replace(report, hedges=(seed,)), "Stress").table
    assert shocks
    assert {row[-1] for row in shocks.rows} == {"-"}


def test_indicators_that_rule_sets_share_are_shown_once(report: SignalReport) -> None:
    text = words(render_text(view_of(report)))
    assert text.count("vix_rsi 61.25 58.50 72 on 60.00 (-1.25)") == 1
    assert text.count("breadth_macd - - - unavailable -") == 1
    assert text.count("carry 0.62 0.6 18 cheap pct 25.00 (+7.00)") == 1
    assert "breadth_macd: the recorded data end before." in text


def test_the_subject_and_the_glance_say_what_hedges_do(report: SignalReport) -> None:
    view = view_of(report)
    assert view.subject.endswith(" VIX futures; alvh-seed l1 OPEN, l2 ROLL, l3 MONETISE")
    line = next(line for line in view.glance if line.label == "alvh-seed")
    assert line.text == (
        "Open l1, roll l2 and sell a quarter of l3 at the close of 2006-04-04 (ACTIVE); score 2.25 of 4; cost 1.23% of "
        "the notional in 2 sessions."
    )


def test_hedges_that_hold_do_not_ask_for_attention(report: SignalReport, plain: SignalReport) -> None:
    still = view_of(replace(report, hedges=tuple(map(without_actions, report.hedges))))
    assert (still.subject, still.notices) == (view_of(plain).subject, view_of(plain).notices)


def test_a_subject_that_would_be_cut_names_only_the_hedges_that_act(report: SignalReport) -> None:
    subject = view_of(replace(report, hedges=many(3))).subject
    assert len(subject) <= SUBJECT_LIMIT
    assert subject.endswith("; hedges act: own-0, own-1, own-2")


def test_a_hedge_without_a_signal_is_one_sentence(report: SignalReport) -> None:
    gone = replace(report, hedges=(hedges.gone(reason="no VIX option could be priced on 2006-04-03"),), macro=())
    told = "No signal: no VIX option could be priced on 2006-04-03."
    assert named(gone, "Hedge my-own").sentences == (told,)
    assert view_of(gone).glance[-1].text == told
    assert render_text(view_of(gone)).count("my-own") == 3


def test_the_limits_of_model_prices_are_told_where_there_are_some(report: SignalReport) -> None:
    seed = replace(hedges.seed(), layers=tuple(map(observed, hedges.seed().layers)))
    assert MODEL_LIMITS in named(report, "Data").sentences
    assert MODEL_LIMITS not in named(replace(report, hedges=(seed,)), "Data").sentences


def test_a_doubt_that_some_hedges_have_names_them(report: SignalReport) -> None:
    assert "alvh-seed: No breadth file: breadth_macd is unavailable." in named(report, "Data").sentences
    both = tuple(replace(hedge, doubts=hedges.seed().doubts) for hedge in report.hedges[:2])
    assert "No breadth file: breadth_macd is unavailable." in named(replace(report, hedges=both), "Data").sentences


def test_distances_of_hedges_are_dates_limits_and_the_nearest_indicator(report: SignalReport) -> None:
    table = named(report, "Distances of").table
    assert table
    decided = "the calendar; traded at the next close"
    assert list(table.rows) == [
        ("alvh-seed roll", "l1", "2006-03-22", "-12 days", decided),
        ("alvh-seed vix_rsi", "61.25", "60.00", "-1.25", "it turns off; score 2.25 of 4"),
        ("alvh-seed budget", "1.23%", "2%", "0.77 points", "net cost, up to its alarm"),
        ("alvh-442 roll", "30d", "2006-04-26", "23 days", decided),
        ("alvh-442 budget", "-0.40%", "2%", "2.40 points", "net cost, up to its alarm"),
    ]


def test_a_report_without_hedges_says_nothing_of_them(plain: SignalReport) -> None:
    assert "hedge" not in render_text(view_of(plain)).lower()


def test_the_provenance_names_what_defines_the_hedges(report: SignalReport) -> None:
    assert (
        named(report, "Provenance")
        .sentences[1]
        .startswith("Hedges: alvh-seed 5eed00000001, alvh-442 442000000001, my-own 900e00000001: own definitions of")
    )


def test_hedges_that_act_are_in_the_message_and_the_rest_in_its_thread(report: SignalReport) -> None:
    view = view_of(report)
    first, (thread,) = "\n".join(slack_texts(render_slack(view, threaded=True))), render_slack_thread(view)
    assert "Orders for the close of" in first
    assert "Hedge alvh-seed" in first
    assert "Hedge alvh-442" not in first
    assert "Hedge alvh-442" in "\n".join(slack_texts(thread))


def test_a_message_without_a_thread_has_all_of_it(report: SignalReport) -> None:
    """What the first message of a thread has stands first."""
    told = "\n".join(slack_texts(render_slack(view_of(report))))
    for each in ("Hedge alvh-442", "Distances of the hedges", "Data: OK", "Stress"):
        assert told.index("Orders for the close of") < told.index("Events ahead") < told.index(each)
    assert told.count("prints all of it") == 1


def test_a_message_with_more_than_slack_takes_says_so_and_keeps_its_end(report: SignalReport) -> None:
    view = view_of(replace(report, hedges=many(60)))
    message = render_slack(view)
    texts = list(slack_texts(message))
    assert len(message["blocks"]) == BLOCK_LIMIT
    assert "more parts are left out." in texts[-3]
    assert "Not investment advice" in texts[-1]
    assert all(len(reply["blocks"]) <= BLOCK_LIMIT for reply in render_slack_thread(view))


def test_a_mail_of_many_hedges_is_not_cut_off(report: SignalReport) -> None:
    assert len(render_html(view_of(replace(report, hedges=many(3)))).encode()) < 100_000
