"""Compute what the interactive figures of the book show, into ``book/interactive/``.

Each is a grid of answers, computed here once, so that a page needs neither a network nor a server:
``strength`` (chapter 3) and ``protocols`` (chapter 7) are made from the study's cohort and follow
it; ``filters`` (chapter 2) is made from ten seconds of a real heart, of which curves are kept at a
lower rate. A drawing of each stands beside its numbers, for print and for pages without scripts.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import signal

from ecglib.core.process import tune_process
from ecglib.data.mitbih import read_mitbih
from ecglib.evaluation.protocols import MAJORITY
from ecglib.plots.palette import GREY, INK, ORANGE, looks, spoken
from ecglib.plots.style import CHANCE, WIDTH, styled
from ecglib.preprocessing.quality import OK, QUALITIES, sample_quality
from ecglib.preprocessing.window_flags import judge_windows
from ecglib.pretext.transformations import (
    TASKS,
    add_noise,
    invert_time,
    negate,
    permute,
    scale,
    time_warp,
)
from ecglib.studies import leakage, pretraining
from ecglib.studies.study import Study

FOLDER = Path(__file__).resolve().parents[1] / "book" / "interactive"
SHOWN_HZ, SHOWN_S = 100, 6.0
"""Rate and length of the curves that a page holds."""

RECORD, START_S, LENGTH_S = "101", 85, 10
"""A record of MIT-BIH with much drift and a regular rhythm, and the window of it."""

HUM_MV, LOOSE_MV = 0.6, 0.7
"""Amplitude of the mains hum and standard deviation of the noise of a loose electrode."""


def strength(study: Study) -> dict[str, Any]:
    """Alter one window in every strength, and ask the network of chapter 4."""
    trained = pretraining.pretext(study, 0)
    rows = trained.heldout_rows
    level = np.sqrt(np.mean(study.usable.X[rows].astype(np.float64) ** 2, axis=1))
    x = study.usable.X[[rows[np.argsort(level)[len(level) // 2]]]]
    seed, config = study.profile.seed, study.profile.pretext.transforms
    warp = (config.warp_n_pieces, config.warp_n_stretched)
    changes: dict[str, tuple[str, list[float], Callable[[float], Any]]] = {
        "noise": (
            "signal-to-noise ratio (dB)",
            [30, 25, 20, 15, 10, 5, 0, -5],
            lambda v: add_noise(x, v, seed=seed),
        ),
        "scaling": (
            "factor",
            [0.5, 0.7, 0.9, 1.1, 1.3, 1.5, 2.0, 3.0],
            lambda v: scale(x, v),
        ),
        "negation": ("upside down", [1], lambda v: negate(x)),
        "temporal_inversion": ("backwards", [1], lambda v: invert_time(x)),
        "permutation": (
            "pieces",
            [2, 4, 8, 10, 16, 20, 32, 40],
            lambda v: permute(x, int(v), seed=seed),
        ),
        "time_warping": (
            "stretched by a factor of",
            [1.02, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4],
            lambda v: time_warp(x, warp[0], v, warp[1], seed=seed),
        ),
    }
    versions = [np.asarray(x)]
    sliders = []
    for task, (unit, values, change) in changes.items():
        first = len(versions)
        versions += [np.asarray(change(value)) for value in values]
        sliders.append(
            {"name": spoken(task), "unit": unit, "values": values, "first": first}
            | {"published": _published(task, config)}
        )
    X = np.concatenate(versions).astype(np.float32)
    logits = keras.ops.convert_to_numpy(trained.heads(trained.encoder(X, training=False)))
    answers = 1 / (1 + np.exp(-logits.reshape(len(X), len(TASKS)).astype(np.float64)))
    return {
        "label": study.label,
        "network": f"network of the {study.profile.name} profile, which never met this person",
        "heads": [spoken(task) for task in TASKS],
        "sliders": sliders,
        "curves": _curves(X, study.usable.fs),
        "hz": SHOWN_HZ,
        "answers": (100 * answers).round(1).tolist(),
    }


def _published(task: str, config: Any) -> float | None:
    return {
        "noise": config.snr_db,
        "scaling": config.scale_factor,
        "permutation": config.n_segments,
        "time_warping": config.warp_stretch,
    }.get(task)


def protocols(study: Study) -> dict[str, Any]:
    """Gather what every protocol reports for every planted effect."""
    options = {"n_resamples": study.profile.n_resamples}
    predictions = leakage.ladder_predictions(study)
    summary = leakage.ladder_summary(predictions, **options)
    oracles = leakage.oracle_summary(leakage.known_cohorts(study), **options)
    oracles = oracles[oracles["oracle"] == leakage.STATE].set_index("effect")["mean"]
    counts = summary[summary["model"] != MAJORITY].groupby("model")["protocol"].nunique()
    models = counts.index[counts == counts.max()]
    rungs = list(dict.fromkeys(summary["protocol"]))
    effects = sorted(summary["effect"].unique())
    found: dict[str, Any] = {}
    for metric in ("auc", "pooled_accuracy"):
        rows = summary[summary["metric"] == metric].set_index(["effect", "model", "protocol"])
        floor = rows.xs(MAJORITY, level="model")["mean"].mean()
        found[metric] = {
            "floor": round(float(CHANCE.get(metric, floor)), 3),
            "truth": [round(float(oracles[e]), 3) for e in effects] if metric == "auc" else None,
            "reported": [
                [
                    rows.loc[[(effect, model, rung) for rung in rungs], ["mean", "low", "high"]]
                    .round(3)
                    .to_numpy()
                    .tolist()
                    for model in models
                ]
                for effect in effects
            ],
        }
    return {
        "label": study.label,
        "effects": [float(effect) for effect in effects],
        "rungs": [spoken(rung) for rung in rungs],
        "models": [spoken(model) for model in models],
        "metrics": found,
    }


def filters(mitdb: Path) -> dict[str, Any]:
    """Filter and damage ten seconds of a real heart in every way that the page offers."""
    cohort = read_mitbih(mitdb)
    (row,) = cohort.recordings.index[cohort.recordings["record"].astype(str) == RECORD]
    fs = float(cohort.fs)
    x = cohort.signals[row][int(START_S * fs) : int((START_S + LENGTH_S) * fs), 0].astype(float)
    x -= np.median(x)
    rng, n = np.random.default_rng(0), len(x)
    t = np.arange(n) / fs
    late = slice(int(0.3 * n), int(0.5 * n))
    flat, loose = x.copy(), x.copy()
    flat[late] = flat[late.start]
    long = slice(int(0.2 * n), int(0.9 * n))
    loose[long] += LOOSE_MV * rng.normal(size=long.stop - long.start)
    top = 0.55 * x.max()
    damages = {
        "none": x,
        "mains hum of 60 Hz": x + HUM_MV * np.sin(2 * np.pi * 60 * t),
        "a loose electrode": loose,
        "a disconnected electrode": flat,
        "a converter too small": np.clip(x, -top, top),
    }
    cuts = {"high-pass": [0, 0.1, 0.5, 0.8, 1.0], "low-pass": [0, 40, 30, 20], "notch": [0, 60]}
    kept, flags = [], []
    for damaged in damages.values():
        codes = sample_quality(damaged, fs)
        for high, low, notch in itertools.product(*cuts.values()):
            y = _filtered(damaged, fs, high, low, notch)
            kept.append(y)
            flags.append(_flag(y, fs, codes))
    return {
        "label": f"MIT-BIH {RECORD}, lead MLII",
        "attribution": f"Curves computed from record {RECORD} of the MIT-BIH Arrhythmia Database "
        "1.0.0, PhysioNet, doi:10.13026/C2F305 (Moody and Mark 2001), Open Data Commons "
        "Attribution License 1.0.",
        "damages": list(damages),
        "filters": cuts,
        "curves": _curves(np.array(kept), fs),
        "hz": SHOWN_HZ,
        "flags": flags,
    }


def _filtered(x: np.ndarray, fs: float, high: float, low: float, notch: float) -> np.ndarray:
    """Filter forwards and backwards; a cut-off of 0 is none."""
    y = x
    if high:
        y = signal.sosfiltfilt(signal.butter(2, high, "highpass", fs=fs, output="sos"), y)
    if low:
        y = signal.sosfiltfilt(signal.butter(4, low, "lowpass", fs=fs, output="sos"), y)
    if notch:
        y = signal.filtfilt(*signal.iirnotch(notch, 20, fs=fs), y)
    return y


def _flag(y: np.ndarray, fs: float, codes: np.ndarray) -> list[str]:
    """Name the worst flag of the window, and which flags its samples have."""
    flag = str(judge_windows(y[None].astype(np.float32), fs, "mV", codes[None])[0])
    samples = [QUALITIES[code] for code in np.unique(codes) if code != OK]
    return [flag, *samples]


def _curves(X: np.ndarray, fs: float) -> list[list[int]]:
    """Thin the middle of windows out to hundredths: low and high of each step, in their order."""
    first = int((X.shape[1] - SHOWN_S * fs) / 2)
    edges = first + np.arange(int(SHOWN_S * SHOWN_HZ / 2) + 1) * 2 * fs / SHOWN_HZ
    spans = list(itertools.pairwise(edges.astype(int)))
    found = []
    for x in X:
        pairs = []
        for start, stop in spans:
            part = x[start:stop]
            at = sorted((int(part.argmin()), int(part.argmax())))
            pairs += [round(100 * float(part[k])) for k in at]
        found.append(pairs)
    return found


@styled
def draw_strength(data: dict[str, Any]) -> Figure:
    """Draw the network's answer of the head in question over the strength."""
    graded = [slider for slider in data["sliders"] if len(slider["values"]) > 1]
    fig, axes = plt.subplots(1, len(graded), figsize=(WIDTH, 3.0), sharey=True)
    for ax, slider in zip(axes, graded, strict=True):
        first, n = slider["first"], len(slider["values"])
        part = np.array(data["answers"][first : first + n])
        own = data["heads"].index(slider["name"])
        ax.plot(range(n), part[:, own], "s-", color=looks(["STR"])["STR"].colour, label="its head")
        ax.plot(range(n), part[:, 0], "o:", color=GREY, label="head of the original")
        ax.set_xticks(range(n), [f"{v:g}" for v in slider["values"]], fontsize=7, rotation=60)
        ax.set(title=slider["name"], xlabel=slider["unit"], ylim=(-3, 103))
    axes[0].set_ylabel("answer “yes” (%)")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    fig.suptitle(f"What the network answers, by strength ({data['label']})")
    return fig


@styled
def draw_protocols(data: dict[str, Any]) -> Figure:
    """Draw what the loosest and the strictest rung report over the planted effect."""
    auc = data["metrics"]["auc"]
    fig, axes = plt.subplots(1, len(data["models"]), figsize=(WIDTH, 3.2), sharey=True)
    for number, (ax, model) in enumerate(zip(axes, data["models"], strict=True)):
        for rung, line in ((0, "s-"), (len(data["rungs"]) - 1, "D--")):
            means = [reported[number][rung][0] for reported in auc["reported"]]
            colour = looks(["STR"])["STR"].colour
            ax.plot(data["effects"], means, line, color=colour, label=data["rungs"][rung])
        ax.plot(data["effects"], auc["truth"], "o", mfc="white", color=INK, label="the truth")
        ax.axhline(auc["floor"], color=GREY, linestyle=":", label="chance")
        ax.set(title=model, xlabel="planted effect")
    axes[0].set_ylabel("AUC within a person (0 to 1)")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    fig.suptitle(f"What is planted and what is reported ({data['label']})")
    return fig


@styled
def draw_filters(data: dict[str, Any]) -> Figure:
    """Draw the window as recorded and after three filters."""
    wanted = (((0, 0, 0), "as recorded"), ((0.5, 0, 0), "high-pass 0.5 Hz"),
              ((1.0, 0, 0), "high-pass 1 Hz"), ((0.8, 20, 0), "0.8 to 20 Hz"))  # fmt: skip
    settings = list(itertools.product(*data["filters"].values()))
    fig, axes = plt.subplots(len(wanted), 1, figsize=(WIDTH, 5.0), sharex=True)
    for ax, (setting, name) in zip(axes, wanted, strict=True):
        y = np.array(data["curves"][settings.index(setting)]) / 100
        ax.plot(np.arange(len(y)) / data["hz"], y, color=INK if name == "as recorded" else ORANGE)
        ax.set_title(name, loc="left", fontsize=10)
    axes[-1].set_xlabel("time (s)")
    fig.supylabel("ECG (mV)", fontsize=10)
    fig.suptitle(f"One window, four filters ({data['label']})")
    return fig


DRAW = {"strength": draw_strength, "protocols": draw_protocols, "filters": draw_filters}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mitdb", type=Path, help="folder of mitdb; without it filters are kept")
    given = parser.parse_args()
    tune_process()
    study = Study()
    made = {"strength": strength(study), "protocols": protocols(study)}
    if given.mitdb:
        made["filters"] = filters(given.mitdb)
    for name, data in made.items():
        data["made_by"] = "tools/playgrounds.py"
        text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        with plt.rc_context({"svg.hashsalt": name}):
            fig = DRAW[name](data)
            fig.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
        print(f"{name}: {len(text) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
