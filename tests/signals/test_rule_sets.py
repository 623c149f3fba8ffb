"""Rule sets: what ships, what a file may say, and how what is wrong with one is told."""

from __future__ import annotations

import ast
import datetime as dt
import re
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.alvh.keys import NONE, content, flat, literal, toml_of
from signals.alvh.rules import SHIPPED, Layer, RuleSet
from signals.alvh.ruleset_files import parse_rule_set, shipped_rule_set
from signals.errors import ConfigurationError
from tests.conftest import ROOT

RULE_SETS = ROOT / "signals/alvh/rule_sets"
SEED = (RULE_SETS / "alvh-seed.toml").read_text()

#: A change of one of these is a change of what the hedge does, and needs another version.
HASHES = {
    "alvh-seed": "61a1b3d8efbb6fb411c0f14419d0be47368779f22a4373cb6f03863e06ede086",
    "alvh-442": "b1862c98b8ff778505d875fc6439111916d071a3628bf896a2ad86083364fbf7",
    "alvh-seed-reactive": "d252960922c5254fa303f19d5ad3f14b38659fb4458b4ec2afc180132f2f090c",
    "vxth": "e5114698381957a614cff498db9129422ff7481116b0e0662107341e34e033c8",
}


def changed(key: str, value: str, text: str = SEED) -> str:
    """A rule set with another value of one key, which is written as TOML spells it."""
    table, _, name = key.rpartition(".")
    start = text.index(f"[{table}]") if table else 0
    before, after = text[:start], text[start:]
    line = re.compile(rf"^{name} = .*$", re.MULTILINE)
    assert line.search(after), key
    return before + line.sub(lambda _: f"{name} = {value}" if value else "", after, count=1)


def refused(text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as error:
        parse_rule_set(text, "my.toml")
    return error.value


def wrong(key: str, value: str, text: str = SEED) -> tuple[str, str, str]:
    """The key an error names, what it expected of it, and what it got."""
    error = refused(changed(key, value, text))
    return error.about.removeprefix("rule set my.toml, key "), error.expected, error.got


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_what_show_prints_of_it(name: str) -> None:
    # After a change of what a key means, `tailguard rules show NAME` without its first line is the new file.
    assert (RULE_SETS / f"{name}.toml").read_text() == toml_of(shipped_rule_set(name))
    assert shipped_rule_set(name).name == name


@pytest.mark.parametrize("name", SHIPPED)
def test_the_hash_of_what_ships_is_pinned(name: str) -> None:
    rules = shipped_rule_set(name)
    assert rules.sha256 == HASHES[name]
    assert rules.digest == HASHES[name][:16]


def test_every_file_ships_and_is_listed() -> None:
    assert {path.stem for path in RULE_SETS.iterdir()} == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_key_of_a_file_has_a_comment_and_fits_a_terminal(name: str) -> None:
    for line in (RULE_SETS / f"{name}.toml").read_text().splitlines():
        assert len(line) <= 80
        assert "=" not in line or "  # " in line, line


def test_the_seed_has_the_layers_that_the_methodology_describes() -> None:
    engine, buffer, anchor = shipped_rule_set("alvh-seed").layers
    assert [layer.id for layer in (engine, buffer, anchor)] == ["l1", "l2", "l3"]
    assert engine.legs == ((1, "moneyness", 1.10), (-2, "moneyness", 1.35), (1, "moneyness", 1.60))
    assert (engine.days_min, engine.days_max, engine.premium) == (1, 7, 0.0005)
    assert buffer.legs == ((1, "delta", 0.40), (-1, "delta", 0.15))
    assert (buffer.days_min, buffer.days_target, buffer.days_max, buffer.premium) == (30, 45, 60, 0.008)
    assert (buffer.carry_cheap_factor, buffer.carry_dear_factor, buffer.roll_at_days_to_expiry) == (1.25, 0.75, 21)
    assert anchor.legs == ((1, "delta", 0.30),)
    assert (anchor.days_min, anchor.days_target, anchor.days_max, anchor.premium) == (180, 210, None, 0.004)
    assert anchor.collapse is not None
    assert [(sale.multiple, sale.fraction) for sale in anchor.monetise] == [(5.0, 0.25)]
    assert [layer.event_lift for layer in (engine, buffer, anchor)] == [1, 0, 0]
    assert [layer.size_when_stopped for layer in (engine, buffer, anchor)] == [0.0, 0.5, 1.0]


def test_the_ladder_holds_four_four_two_and_uses_no_state() -> None:
    rules = shipped_rule_set("alvh-442")
    assert [layer.ladder_contracts for layer in rules.layers] == [4, 4, 2]
    assert [layer.days_target for layer in rules.layers] == [30, 110, 220]
    assert [layer.roll_after_days_held for layer in rules.layers] == [27, 95, 190]
    assert (rules.sizing.ladder_premium, rules.budget.stop, rules.state.sizes_entries) == (0.01, None, False)


def test_the_reactive_seed_differs_by_top_ups_early_sales_collapse_and_its_stop() -> None:
    seed, reactive = (flat(content(shipped_rule_set(name))) for name in ("alvh-seed", "alvh-seed-reactive"))
    assert {key for key in seed if seed[key] != reactive[key]} == {
        "name", "version", "description", "layers.l2.monetise", "layers.l3.monetise", "recycling.share",
        "layers.l3.collapse.capm_premium_at_most", "top_up.enabled", "budget.stop",
    }  # fmt: skip


def test_vxth_trades_on_the_day_at_model_prices() -> None:
    rules = shipped_rule_set("vxth")
    assert (rules.timing.fill_lag_sessions, rules.costs.half_spread, rules.costs.minimum_half_spread) == (0, 0.0, 0.0)
    assert [rules.layers[0].premium, *rules.price_gate.factors] == [0.01, 0.0, 1.0, 0.5, 0.0]


# The hash.


def test_the_hash_does_not_depend_on_order_comments_or_spelling() -> None:
    document = tomllib.loads(SEED)
    shuffled = dict(reversed(document.items()))
    # Inline tables allow any order; integers stand where numbers are meant, and the other way round.
    respelled = {key: toml_value(value) for key, value in shuffled.items()}
    text = "# another comment\n" + "\n".join(f"{key} = {value}" for key, value in respelled.items())
    assert "14.0" in text
    assert "[30, 50]" in text
    assert parse_rule_set(text, "my.toml") == shipped_rule_set("alvh-seed")
    assert parse_rule_set(text, "my.toml").sha256 == HASHES["alvh-seed"]


def toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml_value(item)}' for key, item in reversed(value.items()))} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml_value, value))}]"
    if isinstance(value, bool | str):
        return literal(value)
    if isinstance(value, int):
        return f"{value}.0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:e}"
    return str(value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", "3"),
        ("layers.l2.long_delta", "0.41"),
        ("layers.l3.collapse.only_in_profit", "false"),
        ("layers.l2.monetise.multiple", "6"),
        ("budget.stop", '"none"'),
        ("indicators.vix_rsi.on_at", "61"),
        ("state.weights.reer_shift", "1"),
        ("timing.first_session", "2007-01-03"),
    ],
)
def test_the_hash_changes_with_anything_that_decides(key: str, value: str) -> None:
    assert parse_rule_set(changed(key, value), "my.toml").sha256 != HASHES["alvh-seed"]


@pytest.mark.parametrize(("key", "value"), [("description", '"Other words"'), ("layers.l1.label", '"another name"')])
def test_words_for_people_are_not_hashed(key: str, value: str) -> None:
    found = parse_rule_set(changed(key, value), "my.toml")
    assert found != shipped_rule_set("alvh-seed")
    assert found.sha256 == HASHES["alvh-seed"]


def test_zero_and_minus_zero_are_the_same() -> None:
    assert parse_rule_set(changed("recycling.share", "-0.0"), "my.toml").sha256 == HASHES["alvh-seed"]


# What is wrong is named with its key.


@pytest.mark.parametrize(
    ("key", "value", "expected", "got"),
    [
        ("layers.l2.long_delta", "1.4", "a number from 0.01 to 0.99", "1.4"),
        ("layers.l2.long_delta", '"none"', "a number from 0.01 to 0.99", '"none"'),
        ("costs.half_spread", "-0.06", "a number from 0 to 0.5", "-0.06"),
        ("costs.half_spread", "nan", "a number from 0 to 0.5", "NaN"),
        ("costs.half_spread", f"1{'0' * 400}", "a number from 0 to 0.5", f"1{'0' * 56}..."),
        ("costs.package_fills", "1", "true or false", "1"),
        ("state.scale", "true", "a number from 0.1 to 100", "true"),
        ("indicators.vix_rsi.length", "14.5", "a whole number from 2 to 252", "14.5"),
        ("budget.stop", "1.5", 'a number from 0.001 to 1, or "none"', "1.5"),
        ("budget.stop", '"never"', 'a number from 0.001 to 1, or "none"', '"never"'),
        ("layers.l1.instrument", '"put"', 'one of "call", "call-spread", "butterfly", "future", "vxx-call"', '"put"'),
        ("layers.l1.instrument", "3", 'one of "call", "call-spread", "butterfly", "future", "vxx-call"', "3"),
        ("timing.first_session", '"2006-03-31"', "a date such as 2006-03-31", '"2006-03-31"'),
        ("timing.first_session", "2006-03-31T16:00:00", "a date such as 2006-03-31", "2006-03-31 16:00:00"),
        ("price_gate.edges", "30", "a list of 1 to 10 values", "30"),
        ("price_gate.edges", "[]", "a list of 1 to 10 values", "[]"),
        ("name", '""', "text of 1 to 24 characters", '""'),
        ("name", '"My Rules"', "small letters, digits and hyphens, a letter first", '"My Rules"'),
        ("description", '"two\\nlines"', "text of 1 to 64 characters", '"two\\nlines"'),
        ("layers.l3.collapse.variance_premium_sessions", "0", "a whole number from 1 to 63", "0"),
    ],
)
def test_a_value_of_a_wrong_type_or_out_of_range_is_named_with_its_range(
    key: str, value: str, expected: str, got: str
) -> None:
    assert wrong(key, value) == (key, expected, got)


@pytest.mark.parametrize(
    ("key", "value", "named", "expected"),
    [
        ("layers.l2.short_delta", "0.4", "", "less than long_delta, 0.4: sold above the one bought"),
        ("layers.l1.middle_moneyness", "1.0", "", "more than lower_moneyness, 1.1"),
        ("layers.l1.upper_moneyness", "1.35", "", "more than middle_moneyness, 1.35"),
        ("layers.l2.days_min", "50", "layers.l2.days_target", "at least days_min, 50"),
        ("layers.l2.days_max", "40", "", "at least days_target, 45"),
        ("layers.l2.roll_at_days_to_expiry", "30", "", "less than days_min, 30"),
        ("layers.l2.roll_after_days_held", "20", "", '"none" beside roll_at_days_to_expiry'),
        ("layers.l1.roll_after_days_held", "8", "", "at most days_target, 7"),
        ("layers.l1.premium", '"none"', "", 'a number where sizing.ladder_premium is "none"'),
        ("sizing.ladder_premium", "0.01", "layers.l1.ladder_contracts", "a number where sizing.ladder_premium is 0.01"),
        ("layers.l1.ladder_contracts", "4", "", '"none" where sizing.ladder_premium is "none"'),
        ("layers.l1.instrument", '"call"', "layers.l1.long_delta", "a number, as a call has this strike"),
        ("layers.l1.days_target", "0", "", "a whole number from 1 to 400"),
        ("budget.stop", "0.01", "", "at least the alarm, 0.02"),
        ("price_gate.edges", "[50, 30]", "", "ascending prices above 0"),
        ("price_gate.edges", "[30]", "price_gate.factors", "2 factors, one more than edges"),
        ("price_gate.factors", "[1, 0.5, -1]", "", "numbers from 0 to 3"),
        ("indicators.vix_rsi.off_below", "60.5", "", "at most on_at, 60"),
        ("indicators.curve_inversion.off_below", "1.01", "", "at most on_at, 1"),
        ("indicators.liquidity_quick_ratio.off_above", "0.4", "", "at least on_at, 0.5"),
        ("indicators.breadth_macd.fast", "26", "indicators.breadth_macd.slow", "more than 26, the smaller one"),
        (
            "indicators.carry.cheap_percentile",
            "75",
            "indicators.carry.dear_percentile",
            "more than 75, the smaller one",
        ),
        ("state.thresholds.active", "1", "", "more than 1, the state below"),
        ("state.thresholds.guarded", "0", "", "more than 0, the state below"),
        ("state.scale", "2.5", "state.thresholds.expanded", "at most the scale, 2.5"),
        ("state.multipliers.active", "0.4", "", "at least 0.5, that of the state below"),
    ],
)
def test_values_that_contradict_each_other_are_named(key: str, value: str, named: str, expected: str) -> None:
    assert wrong(key, value)[:2] == (named or key, expected)


def without_sales(text: str, layer: str) -> str:
    start = text.index(f"[[layers.{layer}.monetise]]")
    end = text.index("\n\n", start)
    head, tail = text[:start], text[end:]
    return head.replace(f"[layers.{layer}]\n", f"[layers.{layer}]\nmonetise = []\n") + tail


def test_nothing_can_be_recycled_where_nothing_is_sold() -> None:
    text = without_sales(without_sales(SEED, "l2"), "l3")
    assert wrong("recycling.share", "0.5", text) == ("recycling.share", "0 where no layer is sold early", "0.5")


def test_purchases_at_their_largest_stay_within_what_there_is() -> None:
    text = SEED.replace("premium = 0.008 ", "premium = 0.1 ")
    assert text != SEED
    assert wrong("state.multipliers.expanded", "10", text) == (
        "state.multipliers.expanded", "purchases of at most the whole base, all at their largest", "1.29 of it"
    )  # fmt: skip


def test_no_more_can_be_sold_than_was_bought() -> None:
    sales = "[layers.l2]\nmonetise = [{ multiple = 3, fraction = 0.6 }, { multiple = 5, fraction = 0.5 }]\n"
    text = without_sales(SEED, "l2").replace("[layers.l2]\nmonetise = []\n", sales)
    error = refused(text)
    assert (error.about, error.expected, error.got) == (
        "rule set my.toml, key layers.l2.monetise", "fractions of at most 1 together", "1.1"
    )  # fmt: skip
    error = refused(text.replace("fraction = 0.6", "fraction = 1.6"))
    assert error.about == "rule set my.toml, key layers.l2.monetise[0].fraction"
    assert error.expected == "a number from 0.01 to 1"


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    error = refused(SEED.replace("long_delta = 0.4 ", "long_dleta = 0.4 "))
    assert str(error) == (
        "rule set my.toml, key layers.l2.long_dleta: expected a known key, such as long_delta, got an unknown one. "
        "Correct its name, or remove it."
    )
    error = refused(f"zzz = 1\n{SEED}")
    assert error.expected.startswith("a known key: name, version, description")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_missing_key_is_named(name: str) -> None:
    rules = shipped_rule_set(name)
    for key in flat(content(rules)):
        table, _, last = key.rpartition(".")
        text = toml_of(rules)
        if f"\n{last} = " not in f"\n{text}" or "monetise" in key:
            continue
        error = refused(changed(key, "", text))
        assert error.about == f"rule set my.toml, key {key}"
        assert error.got == "no such key"
        assert table in key


def test_a_table_that_is_missing_or_none_is_named() -> None:
    assert refused('name = "x"\nversion = 1\ndescription = "x"').about == "rule set my.toml, key timing"
    text = re.sub(r"\[recycling\].*\n.*\n", "", SEED)
    assert refused(f"recycling = 3\n{text}").expected == "a table of keys"


def test_layers_are_named_and_go_by_days_to_expiry() -> None:
    assert refused(SEED.replace("[layers.l1]", "[layers.engine]")).about == "rule set my.toml, key layers.engine"
    swapped = SEED.replace("layers.l1", "layers.l9")
    assert refused(swapped).about == "rule set my.toml, key layers.l9.days_target"


def test_a_strike_that_the_instrument_does_not_have_is_refused() -> None:
    error = refused(SEED.replace("[layers.l3]\n", "[layers.l3]\nshort_delta = 0.1\n"))
    assert (error.about, error.expected) == (
        "rule set my.toml, key layers.l3.short_delta",
        "no such key, as a call has no such strike",
    )


def test_what_is_no_toml_is_said_with_its_place() -> None:
    error = refused('name = "x"\nversion =\n')
    assert (error.about, error.expected) == ("rule set my.toml", "TOML")
    assert "line 2" in error.got
    assert "overwrite" in refused('name = "x"\nname = "y"\n').got


def test_a_name_that_does_not_ship_is_met_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean alvh-seed"):
        shipped_rule_set("alvh-sed")


def test_weights_of_nothing_are_refused() -> None:
    text = SEED
    for name in ("vix_rsi", "breadth_macd", "curve_inversion", "reer_shift", "liquidity_quick_ratio"):
        text = changed(f"state.weights.{name}", "0", text)
    assert refused(text).about == "rule set my.toml, key state.weights"


# Whatever is in a file, it is a rule set or one error that names it.

_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just(NONE), st.just({}), st.just([]),
    st.dates(), st.lists(st.floats(), max_size=3),
)  # fmt: skip


@pytest.mark.server
@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SHIPPED), st.data())
def test_any_change_of_a_file_is_a_rule_set_or_one_error(name: str, data: st.DataObject) -> None:
    document = tomllib.loads((RULE_SETS / f"{name}.toml").read_text())
    table = document
    while True:
        key = data.draw(st.sampled_from(sorted(table)))
        if not isinstance(table[key], dict) or not table[key] or data.draw(st.integers(0, 4)) == 0:
            break
        table = table[key]
    value = data.draw(_VALUES)
    if value is None:
        del table[key]
    else:
        table[key] = value
    text = "\n".join(f"{name} = {as_toml(item)}" for name, item in document.items())
    try:
        found = parse_rule_set(text, "my.toml")
    except ConfigurationError as error:
        found, problem = None, error
    if found is None:
        assert problem.about.startswith("rule set my.toml")
        assert len(problem.got) <= 80
    else:
        assert parse_rule_set(toml_of(found), "again.toml") == found
        assert parse_rule_set(toml_of(found), "again.toml").sha256 == found.sha256


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {as_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(value), repr(value))
    if isinstance(value, dt.date):
        return value.isoformat()
    return literal(value).replace("\x7f", "\\u007f")


def test_a_rule_set_is_frozen_and_can_be_a_key() -> None:
    rules = shipped_rule_set("vxth")
    assert {rules: 1}[replace(rules)] == 1
    assert isinstance(rules, RuleSet)
    assert isinstance(rules.layer("l1"), Layer)


def test_reading_one_takes_no_numpy() -> None:
    for module in ("keys", "rules", "ruleset_files"):
        names = {
            (node.module or "").partition(".")[0] if isinstance(node, ast.ImportFrom) else node.names[0].name
            for node in ast.walk(ast.parse((ROOT / f"signals/alvh/{module}.py").read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert "numpy" not in names
