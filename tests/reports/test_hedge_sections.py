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
        "alvh-seed: greeks and P&L",
        "alvh-seed: budget and stress",
        "Hedge alvh-442: Ladder of calls",
        "alvh-442: why",
        "alvh-442: greeks and P&L",
        "alvh-442: budget and stress",
        "Hedge my-own",
        "Indicators: alvh-seed, alvh-442",
        "Macro panel: context only",
        "Doubts and limits of the hedges",
    ]
    first = hedge_sections(report)[0]
    assert first.sentences[:3] == (
        "Open l1, roll l2 and sell a quarter of l3 at the close of 2006-04-04 (ACTIVE).",
        "l1: Too small for one contract: 0.38 of one.",
        "State GUARDED -> ACTIVE: vix_rsi is on.",
    )


def test_a_roll_says_what_goes_and_what_comes(report: SignalReport) -> None:
    table = hedge_sections(report)[0].table
    assert table
    before, after = (list(row) for row in table.rows if row[1] == "ROLL")
    assert before[2:] == ["call-spread 2006-04-19 14/20", "16", "1.25 model", "61.25", "0.00", "0", "-"]
    assert after[2:] == ["call-spread 2006-05-17 15/22.5", "44", "1.31 model", "0.00", "58.75", "59", "2006-04-26"]


def test_what_is_sold_in_part_is_one_row_with_both_counts(report: SignalReport) -> None:
    assert (
        "l3 long-term anchor: action MONETISE; instrument call 2006-11-15 17; days 226; price 1.25 observed; "
        "now 40.00; next 30.00; whole 30; next roll 2006-10-25."
    ) in words(render_text(view_of(report)))


def test_every_layer_has_its_reason_and_what_was_done(report: SignalReport) -> None:
    text = words(render_text(view_of(report)))
    for hedge in report.hedges:
        for layer in hedge.layers:
            assert f"{layer.layer}: {layer.reason}" in text
    assert "Done today, l3: SELL call 2006-11-15 17, 2.50 at 2.75 (model), 646 USD received." in text


def test_budget_ledger_and_break_even_are_told_with_their_limits(report: SignalReport) -> None:
    text = words(render_text(view_of(report)))
    assert "+1.23% of the notional spent over 252 sessions, 2 so far; alarm 2%, stop 3.5%." in text
    assert "-0.40% of the notional spent over 252 sessions; alarm 2%, stop none." in text
    assert "a year: too early to say; volatility cycles completed: 0." in text
    assert "if the VIX rises by 4.50 points at once" in text
    seed = replace(hedges.seed(), break_even=None)
    assert "no rise of the VIX at once is enough" in words(render_text(view_of(replace(report, hedges=(seed,)))))


def test_a_missing_price_is_left_out_of_the_sum_and_shown_as_missing(report: SignalReport) -> None:
    risk, stress = (section.table for section in hedge_sections(report)[2:4])
    assert risk
    assert stress
    assert risk.rows[0][5] == "-"
    assert risk.rows[-1] == ("All", "+12,701", "+3,817", "+173", "-248", "+15,801", "-624", "-3,614")
    assert stress.rows[2] == ("VIX +20", "31.40", "+31,400", "+314", "+18,840", "-")


def test_indicators_that_rule_sets_share_are_shown_once(report: SignalReport) -> None:
    text = words(render_text(view_of(report)))
    assert text.count("VIX RSI(14), points: value 61.25; previous 58.50; percentile 72; threshold 60.00;") == 1
    assert "Breadth MACD below its signal, issues: threshold 0.00; state unavailable." in text
    assert "Breadth MACD below its signal: the recorded data end before." in text


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
