import json
from dataclasses import replace
from types import MappingProxyType

import keras
import numpy as np
import pytest

import ecglib
from ecglib.core.errors import DataError
from ecglib.models.card import (
    EncoderCard,
    Preprocessing,
    Recognition,
    TrainingData,
    current_versions,
)
from ecglib.models.encoder import EncoderConfig
from tests.models.cards import make_card


def through_json(card):
    return EncoderCard.from_json(json.loads(json.dumps(card.to_json(), allow_nan=False)))


@pytest.mark.parametrize(
    "card",
    [
        make_card(),
        make_card(network=EncoderConfig(filters=(3, 4), kernels=(8, 4), slope=0.1)),
        make_card(recognition=None, training={}, attribution="", data=TrainingData("a cohort")),
        make_card(preprocessing=Preprocessing(128, 10, None, "none")),
        make_card(
            training=MappingProxyType({"sizes": (1, 2)}),
            recognition=Recognition({"stress": np.float32(0.5)}, "others"),
            data=TrainingData("a cohort", people=np.int64(3)),
        ),
    ],
)
def test_a_card_comes_back_from_plain_values(card):
    assert through_json(card) == card


def test_it_keeps_what_it_was_given():
    training = {"epochs": 3, "views": {"snr": [15]}}
    card = make_card(training=training)
    training["views"]["snr"].append(0)
    assert card.training == {"epochs": 3, "views": {"snr": [15]}}


def test_versions_are_those_of_this_process():
    versions = make_card().versions
    assert versions == current_versions()
    assert versions["ecglib"] == ecglib.__version__ and versions["numpy"] == np.__version__
    assert versions["keras"] == keras.__version__ and keras.backend.backend() in versions


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: make_card(name=""), "name"),
        (lambda: make_card(licence=None), "licence"),
        (lambda: make_card(limits=" "), "limits"),
        (lambda: make_card(attribution=3), "attribution"),
        (lambda: make_card(data="DREAMER"), "data"),
        (lambda: make_card(data=None), "data"),
        (lambda: make_card(preprocessing={"fs": 256}), "preprocessing"),
        (lambda: make_card(recognition=0.9), "recognition"),
        (lambda: make_card(network="small"), "network"),
        (lambda: make_card(training=[1]), "training"),
        (lambda: make_card(training={"loss": float("nan")}), "training"),
        (lambda: make_card(training={"loss": np.float32(1)}), "training"),
        (lambda: make_card(versions={"numpy": 2}), "versions.numpy"),
        (lambda: TrainingData(3), "data.name"),
        (lambda: TrainingData("x", people=0), "data.people"),
        (lambda: TrainingData("x", people=2.5), "data.people"),
        (lambda: TrainingData("x", people=True), "data.people"),
        (lambda: TrainingData("x", sha256="abc"), "data.sha256"),
        (lambda: TrainingData("x", sha256=7), "data.sha256"),
        (lambda: TrainingData("x", description=None), "data.description"),
        (lambda: Preprocessing(0, 10, 0.8, "z"), "preprocessing.fs"),
        (lambda: Preprocessing(float("nan"), 10, 0.8, "z"), "preprocessing.fs"),
        (lambda: Preprocessing(10**400, 10, 0.8, "z"), "preprocessing.fs"),
        (lambda: Preprocessing(256, float("inf"), 0.8, "z"), "preprocessing.length_s"),
        (lambda: Preprocessing(256, "10", 0.8, "z"), "preprocessing.length_s"),
        (lambda: Preprocessing(256, 10, -1, "z"), "preprocessing.highpass_hz"),
        (lambda: Preprocessing(256, 10, 0.8, ""), "preprocessing.normalisation"),
        (lambda: Recognition({}, "x"), "recognition.auc"),
        (lambda: Recognition([0.5], "x"), "recognition.auc"),
        (lambda: Recognition({"a": 1.5}, "x"), "recognition.auc.a"),
        (lambda: Recognition({"a": None}, "x"), "recognition.auc.a"),
        (lambda: Recognition({"a": 0.5}, ""), "recognition.people"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(make, field):
    with pytest.raises(DataError) as caught:
        make()
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda v: v.pop("limits"), "card.limits"),
        (lambda v: v.update(more=1), "card.more"),
        (lambda v: v["data"].update(more=1), "data.more"),
        (lambda v: v["preprocessing"].pop("fs"), "preprocessing.fs"),
        (lambda v: v.update(data=[1]), "data"),
        (lambda v: v.update(preprocessing=None), "preprocessing"),
        (lambda v: v["network"].update(filters=[3, 2.0]), "network.filters"),
        (lambda v: v["network"].update(filters=3), "network.filters"),
        (lambda v: v["network"].update(filters=[]), "network.filters"),
        (lambda v: v["network"].update(kernels=[0, 4]), "network.kernels"),
        (lambda v: v["network"].update(filters=[3]), "network"),
        (lambda v: v["network"].update(batch_norm=1), "network.batch_norm"),
        (lambda v: v["network"].update(pool_size="8"), "network.pool_size"),
        (lambda v: v["network"].update(pool_stride=True), "network.pool_stride"),
        (lambda v: v["network"].update(slope=float("nan")), "network.slope"),
        (lambda v: v["network"].update(activation="gelu"), "network"),
        (lambda v: v["network"].update(new=1), "network.new"),
    ],
)
def test_plain_values_that_make_no_card_are_refused_by_name(spoil, field):
    network = EncoderConfig(filters=(3, 4), kernels=(8, 4))
    values = json.loads(json.dumps(make_card(network=network).to_json()))
    spoil(values)
    with pytest.raises(DataError) as caught:
        EncoderCard.from_json(values)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "windows",
    [
        {},
        {"fs": 256.0, "n_samples": 640, "highpass_hz": 0.8, "normalisation": "z-score per person"},
        {"fs": 256},
        {"fs": np.float64(255.9)},
        {"n_samples": np.int64(640)},
    ],
)
def test_windows_that_fit(windows):
    assert make_card().check_fits(**windows) is None


@pytest.mark.parametrize(
    ("windows", "told"),
    [
        ({"fs": 128.0}, "field fs: windows with 128. Expected 256, .*'tiny' learnt.*256 Hz"),
        ({"fs": 250.0}, "field fs: windows with 250"),
        ({"fs": float("nan")}, "field fs: windows with nan"),
        ({"n_samples": 1280}, "field n_samples: windows with 1280. Expected 640"),
        ({"highpass_hz": 0.5}, "field highpass_hz: windows with 0.5. Expected 0.8"),
        ({"highpass_hz": None}, "field highpass_hz: windows with None. Expected 0.8"),
        ({"normalisation": "none"}, "field normalisation: windows with none. Expected z-score"),
    ],
)
def test_windows_that_do_not_fit_are_refused_by_name(windows, told):
    with pytest.raises(DataError, match=told):
        make_card().check_fits(**windows)


def test_no_filter_fits_no_filter():
    card = make_card(preprocessing=Preprocessing(256.0, 2.5, None, "none"))
    card.check_fits(highpass_hz=None)
    with pytest.raises(DataError, match=r"windows with 0\.8\. Expected None"):
        card.check_fits(highpass_hz=0.8)


def test_nothing_else_can_be_compared():
    with pytest.raises(TypeError, match=r"\['lead'\].*fs.*n_samples"):
        make_card().check_fits(lead=1)


def test_the_page_says_everything():
    page = make_card(network=EncoderConfig(filters=(3, 4), kernels=(8, 4))).to_markdown()
    for told in (
        "# tiny\n",
        "| Learnt by | STR |",
        "synthetic: 5 people. Lead 1.",
        "0a" * 32,
        "| Licence | BSD-3-Clause |",
        "| Sampling rate | 256 Hz |",
        "| Length | 2.5 s, 640 samples |",
        "| High-pass | 0.8 Hz |",
        "z-score per person",
        "It reads no emotions.",
        "two people left out",
        "| noise | 0.900 |",
        "| epochs | 3 |",
        r'{"noise": \[15.0, true, null\]}',
        r"| filters | \[3, 4\] |",
        f"| keras | {keras.__version__} |",
    ):
        assert told in page, told
    widths = {line.count("|") for line in page.splitlines() if line.startswith("|")}
    assert widths == {3}


def test_the_page_says_what_is_not_known():
    card = make_card(
        recognition=None,
        attribution="",
        training={},
        data=TrainingData("a cohort"),
        preprocessing=Preprocessing(256.0, 10.0, None, "none"),
    )
    page = card.to_markdown()
    for told in ("an unknown number of people", "not known", "none asked for", "no filter"):
        assert told in page
    assert "Not measured." in page and "## Training" not in page and "## Network" not in page


def test_no_text_of_a_card_becomes_a_mark_of_the_page():
    evil = "a | b\n\n# Title\n<script>x</script> ![](http://x) `c` \\"
    card = replace(make_card(), name=evil, limits=evil, training={evil: evil})
    lines = card.to_markdown().splitlines()
    assert sum(line.startswith("# ") for line in lines) == 1
    assert "<script>" not in card.to_markdown() and "![](" not in card.to_markdown()
    row = next(line for line in lines if line.startswith("| a "))
    assert row.replace("\\|", "").count("|") == 3
