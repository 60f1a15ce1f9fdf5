import matplotlib.pyplot as plt
import pandas as pd
import pytest

from ecglib.evaluation.leave_out import ladder
from ecglib.evaluation.probes import PROBES
from ecglib.evaluation.protocols import MAJORITY
from ecglib.plots import leakage as leakage_plots

EFFECTS = (0.0, 0.5, 2.0)


@pytest.fixture
def summary():
    return pd.DataFrame(
        {
            "protocol": splitter.protocol,
            "model": model,
            "metric": metric,
            "effect": effect,
            "mean": 0.5 if model == MAJORITY else 0.8 - 0.03 * rung + 0.05 * effect,
            "low": 0.4,
            "high": 0.9,
        }
        for effect in EFFECTS
        for metric in ("auc", "pooled_accuracy")
        for rung, splitter in enumerate(ladder())
        for model in (MAJORITY, "A", "B")
    )


def test_every_effect_has_a_line_of_seven_rungs_and_an_oracle_beside_the_auc(summary):
    ceilings = pd.DataFrame({"effect": EFFECTS, "mean": [0.5, 0.7, 0.95]})
    floors = pd.Series({"auc": 0.5, "pooled_accuracy": 0.6})
    fig = leakage_plots.rung_lines(summary, ceilings, floors, "synthetic")
    assert "(synthetic)" in fig.get_suptitle()
    assert [ax.get_title() for ax in fig.axes] == ["A", "B", "", ""]
    for ax, has_oracle in zip(fig.axes, (False, False, True, True), strict=True):
        lines = [line for line in ax.get_lines() if line.get_label().startswith("effect")]
        assert [line.get_label() for line in lines] == ["effect 0", "effect 0.5", "effect 2"]
        first = lines[0].get_ydata()
        assert list(first) == pytest.approx([0.8 - 0.03 * rung for rung in range(7)])
        assert (0.5 if has_oracle else 0.6) in [line.get_ydata()[0] for line in ax.get_lines()]
        marks = [line.get_ydata()[0] for line in ax.get_lines() if line.get_mfc() == "white"]
        assert marks == ([0.5, 0.7, 0.95] if has_oracle else [])
        # The column of the oracle is shaded where there is one, and holds the word of the line.
        assert len(ax.patches) == has_oracle
        word = next(t for t in ax.texts if t.get_text() in ("chance", "majority\nclass"))
        assert word.xy[0] > 6.5
    assert fig.axes[0].get_ylim()[1] > 0.93  # no interval reaches the words above them
    assert plt.get_fignums() == []


def test_every_identity_has_an_axes_with_all_features_and_guessing():
    probes = pd.DataFrame(
        {"identity": i, "features": f, "mean": 0.5, "low": 0.4, "high": 0.6, "chance": 0.05}
        for i in PROBES
        for f in ("x", "y")
    )
    fig = leakage_plots.probe_dots(probes, "synthetic")
    assert "(synthetic)" in fig.get_suptitle()
    assert [ax.get_title() for ax in fig.axes] == [f"which {i}?" for i in PROBES]
    assert [text.get_text() for text in fig.axes[0].get_yticklabels()] == ["x", "y"]
    assert fig.axes[0].get_xscale() == "linear" and fig.axes[0].get_xlim()[1] > 1
    assert [text.get_text() for text in fig.axes[0].texts][:2] == ["0.50", "0.50"]
    for ax in fig.axes:
        assert 0.05 in [line.get_xdata()[0] for line in ax.get_lines()]
