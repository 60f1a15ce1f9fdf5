"""Time for the emotion heads of all folds, targets and seeds, stacked against one `fit` each.

Run from the repository root: ``python benchmarks/bench_heads.py [--tiny]``.

Leave-one-participant-out over 23 people, 3 targets and 5 seeds: 345 heads on 128 features. The
features are random numbers with a planted signal, so that the scores of both ways can be compared.
Each turn fits all heads stacked, and a third of them one by one, drawn at random: after three turns
every head has been fitted both ways, and nothing is extrapolated. The ratio of a turn takes its
third three times. What a fit compiles or traces counts on both sides, and both keep the memory that
they free, as the book does.
"""

import argparse
import time

import keras
import numpy as np
from common import in_turns, ratio_row, row, save, seconds

from ecglib.core.process import keep_freed_memory
from ecglib.evaluation.metrics import auc
from ecglib.studies.profiles import QUICK
from ecglib.transfer.frozen import fit_heads
from ecglib.transfer.heads import build_head

PEOPLE, WINDOWS_EACH, TARGETS, SEEDS = 23, 65, 3, 5
TURNS = 3
TOLERANCE = 0.02
"""Largest difference of the mean AUC: two trainings of one head differ by about as much."""


def data(people: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Make features with a planted signal.

    Parameters
    ----------
    people : int
        Number of participants; the heads are every participant left out, for every target.

    Returns
    -------
    features : ndarray of float32, shape (n_windows, 128)
    labels : ndarray of int8, shape (n_heads, n_windows)
    mask : ndarray of bool, shape (n_heads, n_windows)
        Training windows.
    participant : ndarray of int, shape (n_windows,)
        Head `h` is tested on participant ``h // TARGETS``.
    """
    rng = np.random.default_rng(0)
    participant = np.repeat(np.arange(people), WINDOWS_EACH)
    features = rng.normal(size=(participant.size, 128)).astype("float32")
    directions = rng.normal(size=(128, TARGETS))
    noise = 6 * rng.normal(size=(participant.size, TARGETS))
    y = (features @ directions + noise > 0).T.astype("int8")
    labels = np.tile(y, (people, 1))
    mask = np.repeat([participant != p for p in range(people)], TARGETS, axis=0)
    return features, labels, mask, participant


def one_head(features: np.ndarray, labels: np.ndarray, mask: np.ndarray, seed: int) -> np.ndarray:
    """Fit a Keras model of its own for one head; probabilities of all windows."""
    config = QUICK.head
    mean, scale = features[mask].mean(axis=0), features[mask].std(axis=0)
    z = (features - mean) / scale
    head = build_head(config.hidden, dropout=config.dropout, l2=config.l2, seed=seed)
    # Keras decides on compilation itself, as `fit` does where nothing is said.
    head.compile(
        keras.optimizers.Adam(config.learning_rate),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    head.fit(z[mask], labels[mask], batch_size=config.batch_size, epochs=config.epochs, verbose=0)
    return 1 / (1 + np.exp(-head.predict(z, batch_size=512, verbose=0)[:, 0]))


def main() -> None:
    """Time both, and compare their scores."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tiny", action="store_true", help="a trial without a result file")
    tiny = parser.parse_args().tiny
    keep_freed_memory()
    start = time.perf_counter()
    people, n_seeds = (3, 1) if tiny else (PEOPLE, SEEDS)
    features, labels, mask, participant = data(people)
    n_heads = len(labels) * n_seeds
    order = np.random.default_rng(1).permutation(n_heads)
    thirds = iter(np.split(order, TURNS))
    stacked: dict[int, np.ndarray] = {}
    single: dict[tuple[int, int], np.ndarray] = {}

    def fit_stacked() -> None:
        for seed in range(n_seeds):
            stacked[seed] = fit_heads(features, labels, mask, QUICK.head, seed)

    def fit_third() -> None:
        for number in next(thirds):
            seed, head = divmod(int(number), len(labels))
            single[seed, head] = one_head(features, labels[head], mask[head], seed)

    def mean_auc(probabilities: dict[tuple[int, int], np.ndarray]) -> float:
        scores = []
        for (_, head), probability in probabilities.items():
            test = participant == head // TARGETS
            scores.append(auc(labels[head, test], probability[test]))
        return float(np.mean(scores))

    one_head(features, labels[0], mask[0], 0)  # Keras and its backend load what they need
    times = in_turns(
        {
            "stacked": lambda: seconds(fit_stacked),
            "one by one": lambda: seconds(fit_third),
        },
        TURNS,
    )
    same = mean_auc({(seed, head): stacked[seed][head] for seed, head in single})
    alone = mean_auc(single)
    alone_s = times["one by one"]
    rows = [
        ratio_row(
            f"{n_heads} heads, fitted one by one, against stacked",
            [TURNS * third for third in alone_s],
            times["stacked"],
            target=20,
            note=f"a third of the {n_heads} single fits in each of {TURNS} turns, three times",
        ),
        row(f"{n_heads} heads, stacked", times["stacked"], unit="s"),
        row(f"{n_heads} heads, fitted one by one", [sum(alone_s)], unit="s", note="each once"),
        row(
            "difference of the mean AUC",
            [abs(same - alone)],
            unit="AUC",
            target=TOLERANCE,
            at_least=False,
            note=f"invented features; test windows of the {len(single)} heads fitted both ways: "
            f"{same:.3f} stacked, {alone:.3f} one by one",
        ),
    ]  # fmt: skip
    if tiny:
        print(*rows, sep="\n")
        return
    save(
        "heads",
        rows,
        {
            "heads": n_heads,
            "windows": len(features),
            "epochs": QUICK.head.epochs,
            "single fits": len(single),
        },
        time.perf_counter() - start,
        seconds=times,
        skipped=[],
    )


if __name__ == "__main__":
    main()
