import numpy as np
import pandas as pd

from ecglib.plots import real as real_plots
from ecglib.plots.palette import INK, look

LABEL = "some data"
RIVALS = ("heart rate", "STR, mean", "STR, fine-tuned", "from scratch")
PRETEXTS = ("random", "STR", "contrastive")
POOLINGS = ("max", "mean", "scales")


def scored(rows):
    return pd.DataFrame(
        [{**row, "mean": 0.5 + 0.01 * i, "low": 0.4, "high": 0.7} for i, row in enumerate(rows)]
    )


def pooled(**more):
    return scored({"pretext": p, "pooling": q, **more} for p in PRETEXTS for q in POOLINGS)


def test_rivals_have_their_own_looks_over_the_labelled_people(check):
    table = scored({"rival": r, "people": n} for r in RIVALS for n in (2, 5, 30))
    fig = real_plots.label_efficiency(table, LABEL)
    check(fig, LABEL, "people whose labels are used", "area under the ROC curve")
    lines = {line.get_label(): line for line in fig.axes[0].lines[: len(RIVALS)]}
    assert {name: line.get_color() for name, line in lines.items()} == {
        name: look(name).colour for name in RIVALS
    }
    assert len({line.get_marker() for line in lines.values()}) == len(RIVALS)


def test_a_pooling_is_a_marker_in_the_colour_of_its_pretext():
    fig = real_plots.pooling_dots(pooled(panel="eegmat"), LABEL, {"heart rate": 0.8})
    assert [text.get_text() for text in fig.axes[0].get_yticklabels()] == list(PRETEXTS)
    drawn = {(line.get_color(), line.get_marker()) for line in fig.axes[0].lines[:-1]}
    assert len(drawn) == len(PRETEXTS) * len(POOLINGS)
    assert {colour for colour, _ in drawn} == {look(p).colour for p in PRETEXTS}
    texts = [text.get_text() for text in fig.legends[0].texts]
    assert texts == ["maximum", "mean", "two time scales"]
    assert {handle.get_color() for handle in fig.legends[0].legend_handles} == {INK}


def test_bars_are_coloured_by_pretext_and_hatched_by_pooling():
    measures = {"heart_rate": "heart rate", "rmssd": "RMSSD"}
    table = pd.concat([pooled(measure=measure) for measure in measures])
    fig = real_plots.probe_bars(table, measures, PRETEXTS, LABEL)
    bars = fig.axes[0].patches
    assert len(bars) == len(PRETEXTS) * len(POOLINGS)
    assert len({bar.get_hatch() for bar in bars}) == len(POOLINGS)
    assert [text.get_text() for text in fig.axes[0].get_xticklabels()] == list(PRETEXTS)


def test_a_split_is_a_marker_in_the_colour_of_the_features(check):
    table = pd.DataFrame(
        {"rival": rival, "protocol": split, "balanced_accuracy": 0.5 + 0.1 * number}
        for rival in RIVALS
        for number, split in enumerate(("single windows", "whole people"))
    )
    fig = real_plots.protocols(table, LABEL)
    check(fig, LABEL, "balanced accuracy", "")
    assert {line.get_color() for line in fig.axes[0].lines[:-1]} == {look(r).colour for r in RIVALS}


def test_heads_are_named_in_words():
    table = pd.DataFrame(
        {"tested": tested, "head": head, "value": 0.9}
        for tested in ("eegmat", "other patients")
        for head in ("negation", "time_warping")
    )
    ticks = real_plots.recognition_dots(table, LABEL).axes[0].get_yticklabels()
    assert [text.get_text() for text in ticks] == ["negation", "time warping"]


def test_a_difference_is_filled_where_its_interval_leaves_out_zero():
    table = pd.DataFrame(
        {"question": ["one", "other"], "mean": [0.1, 0.1], "low": [0.05, -0.1], "high": [0.2, 0.3]}
    )
    fig = real_plots.difference_forest(table, LABEL)
    fills = [line.get_markerfacecolor() for line in fig.axes[0].lines[:2]]
    assert fills == [INK, "white"]
    np.testing.assert_allclose(fig.axes[0].lines[0].get_xdata(), [0.1])
