from __future__ import annotations

from dataclasses import replace

import pytest

from reports.hedge_sections import MODEL_LIMITS, hedge_sections
from reports.html import render_html
from reports.slack import BLOCK_LIMIT, render_slack
from reports.text import render_text
from reports.view import SUBJECT_LIMIT
from signals.alvh.report import HOLD, OBSERVED, HedgeSignal, LayerTarget, Package
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


def observed(layer: LayerTarget) -> LayerTarget:
    def quoted(package: Package | None) -> Package | None:
        return package and replace(package, basis=OBSERVED)

    return replace(layer, held=quoted(layer.held), target=quoted(layer.target))


def test_every_rendering_has_all_of_the_hedges_and_is_in_its_limits(report: SignalReport) -> None:
    check(view_of(report))
    check(view_of(replace(report, hedges=many(1))))


def test_a_hedge_is_told_in_the_order_in_which_it_is_acted_on(report: SignalReport) -> None:
    assert [section.title for section in hedge_sections(report)] == [
        "Hedge alvh-seed: Weekly, medium and long layers",
        "alvh-seed: why",
        "alvh-seed: held now",
        "alvh-seed: held from the close of 2006-04-04",
        "alvh-seed: budget",
        "Hedge alvh-442: Ladder of calls",
        "alvh-442: why",
        "alvh-442: held now",
        "alvh-442: held from the close of 2006-04-04",
        "alvh-442: budget",
        "Hedge my-own",
        "Indicators: alvh-seed, alvh-442",
        "Measures",
        "Macro panel: context only",
        "Doubts and limits of the hedges",
    ]
    first = hedge_sections(report)[0]
    assert first.sentences[:5] == (
        "Open l1, roll l2 and sell a quarter of l3 at the close of 2006-04-04 (ACTIVE).",
        "A proposal of its own for a portfolio of 1,000,000 USD in the S&P 500: no part of VEQTOR's weights; an "
        "alternative to alvh-442 and my-own. Whoever begins today buys what stands under Next.",
        "l1: Too small for one contract: 0.38 of one.",
        "State GUARDED -> ACTIVE: vix_rsi is on.",
        "Orders at these marks, USD: l1 buys 5; l2 sells 7,656 and buys 7,696; l3 sells 1,250. They are filled at the "
        "close of 2006-04-04, whatever the prices are then: these can be several times as high.",
    )


def test_a_book_that_begins_late_says_so(report: SignalReport) -> None:
    late = "The book begins on 2006-03-31, where the loaded history lets it"
    assert late not in words(render_text(view_of(report)))
    seed = replace(hedges.seed(), begins_late=True)
    assert late in words(render_text(view_of(replace(report, hedges=(seed,)))))


def test_a_roll_says_what_goes_and_what_comes(report: SignalReport) -> None:
    table = hedge_sections(report)[0].table
    assert table
    before, after = (list(row) for row in table.rows if row[1] == "ROLL")
    assert before[2:] == ["2006-04-19 +14/-20", "61.25", "0.00", "0 (-61)", "1.25 m"]
    assert after[2:] == ["2006-05-17 +15/-22.5", "0.00", "58.75", "59 (+59)", "1.31 m"]
    reasons = hedge_sections(report)[1].sentences
    assert reasons[3].endswith("Its next roll is decided at the close of 2006-04-26.")


def test_what_is_sold_in_part_is_one_row_with_both_counts(report: SignalReport) -> None:
    assert "l3 MONETISE 2006-11-15 +17 40.00 30.00 30 (-10) 1.25 o" in words(render_text(view_of(report)))


def test_every_layer_has_its_reason(report: SignalReport) -> None:
    text = words(render_text(view_of(report)))
    for hedge in report.hedges:
        for layer in hedge.layers:
            assert f"{layer.layer}, {layer.label}: {layer.reason}" in text


def test_budget_ledger_and_break_even_are_told_with_their_limits(report: SignalReport) -> None:
    text = words(render_text(view_of(report)))
    assert (
        "In the last 252 sessions (2 so far) the hedge cost 1.23% of the notional; alarm at a cost of 2% and stop at a "
        "cost of 3.5%."
    ) in text
    assert "In the last 252 sessions the hedge earned 0.40% of the notional; alarm at a cost of 2%." in text
    assert "On paper since 2006-03-31: lost 1,205 USD; 0 volatility cycles completed." in text
    assert "On paper since 2006-03-31: gained 4,000 USD, a gain of 0.40% a year; 3 volatility cycles completed." in text
    assert "if the VIX rises by 4.50 points at once" in text
    seed = replace(hedges.seed(), break_even=None)
    assert "no rise of the VIX at once is enough" in words(render_text(view_of(replace(report, hedges=(seed,)))))


def test_a_missing_price_is_left_out_of_the_sum_and_shown_as_missing(report: SignalReport) -> None:
    held, risk = (section.table for section in hedge_sections(report)[2:4])
    assert held
    assert risk
    assert held.rows[0] == ("l1", "-", "-", "-", "-", "-1,205")
    assert held.rows[-1] == ("All", "+12,656", "+15,801", "-", "-624", "-3,614")
    assert risk.rows[0] == ("Worth", "+11,451", "+5", "+7,696", "+3,750")
    assert risk.rows[6] == ("VIX +20, to 31.40", "+31,400", "+314", "+18,840", "-")


def test_indicators_that_rule_sets_share_are_shown_once(report: SignalReport) -> None:
    text = words(render_text(view_of(report)))
    assert text.count("vix_rsi 61.25 58.50 72 on 60.00 (-1.25)") == 1
    assert text.count("breadth_macd - - - unavailable -") == 1
    assert text.count("carry 0.62 0.6 18 cheap pct 25.00 (+7.00)") == 1
    assert "breadth_macd: the recorded data end before." in text


def test_the_subject_and_a_notice_say_what_hedges_do(report: SignalReport) -> None:
    view = view_of(report)
    assert view.subject.endswith(" VIX futures; alvh-seed l1 OPEN, l2 ROLL, l3 MONETISE")
    assert "Hedge alvh-seed acts at the close of 2006-04-04: l1 OPEN, l2 ROLL, l3 MONETISE." in view.notices


def test_hedges_that_hold_do_not_ask_for_attention(report: SignalReport, plain: SignalReport) -> None:
    still = view_of(replace(report, hedges=tuple(map(without_actions, report.hedges))))
    assert (still.subject, still.notices) == (view_of(plain).subject, view_of(plain).notices)


def test_a_subject_that_would_be_cut_names_only_the_hedges_that_act(report: SignalReport) -> None:
    subject = view_of(replace(report, hedges=many(3))).subject
    assert len(subject) <= SUBJECT_LIMIT
    assert subject.endswith("; hedges act: own-0, own-1, own-2")


def test_a_hedge_without_a_signal_is_one_sentence(report: SignalReport) -> None:
    gone = hedges.gone(reason="no VIX option could be priced on 2006-04-03")
    sections = hedge_sections(replace(report, hedges=(gone,), macro=()))
    assert [(section.title, section.sentences, section.table) for section in sections] == [
        ("Hedge my-own", ("No signal: no VIX option could be priced on 2006-04-03.",), None)
    ]


def test_the_limits_of_model_prices_are_told_where_there_are_some(report: SignalReport) -> None:
    seed = replace(hedges.seed(), layers=tuple(map(observed, hedges.seed().layers)))
    assert MODEL_LIMITS in hedge_sections(report)[-1].sentences
    assert hedge_sections(replace(report, hedges=(seed,)))[-1].sentences == (
        "No breadth file: breadth_macd is unavailable.",
    )


def test_a_doubt_that_some_hedges_have_names_them(report: SignalReport) -> None:
    assert "alvh-seed: No breadth file: breadth_macd is unavailable." in hedge_sections(report)[-1].sentences
    both = tuple(replace(hedge, doubts=hedges.seed().doubts) for hedge in report.hedges[:2])
    sentences = hedge_sections(replace(report, hedges=both))[-1].sentences
    assert sentences[0] == "No breadth file: breadth_macd is unavailable."


def test_a_report_without_hedges_says_nothing_of_them(plain: SignalReport) -> None:
    assert hedge_sections(plain) == ()
    assert "hedge" not in render_text(view_of(plain)).lower()


def test_the_footer_names_what_defines_the_hedges(report: SignalReport) -> None:
    assert (
        view_of(report)
        .footer[1]
        .startswith(
            "Hedges: alvh-seed 5eed00000001, alvh-442 442000000001, my-own 900e00000001: own definitions of systems"
        )
    )


def test_a_message_with_more_than_slack_takes_says_so_and_keeps_its_end(report: SignalReport) -> None:
    message = render_slack(view_of(replace(report, hedges=many(12))))
    texts = list(slack_texts(message))
    assert len(message["blocks"]) == BLOCK_LIMIT
    assert "more parts: `tailguard report show` has all of it." in texts[-2]
    assert "Not investment advice" in texts[-1]


def test_a_mail_of_many_hedges_is_not_cut_off(report: SignalReport) -> None:
    assert len(render_html(view_of(replace(report, hedges=many(3)))).encode()) < 100_000
