"""What intervals are worth where clips are a sample too, found out on invented people and clips.

As in `ecglib.evaluation.simulation` the truth is known. A finished head looks at one number of
every window. It depends on the rating, and on the clip: some clips quicken every heart, whatever
they are rated. People agree in part on which clips are rated high, so in one set of clips the two
go together by accident, in all people alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.core.progress import progress
from ecglib.evaluation.crossed import crossed_interval


@dataclass(frozen=True)
class Audience:
    """People who watch the same clips, and how windows depend on rating and clip.

    Units are standard deviations of a window within people, ratings and clips.

    Parameters
    ----------
    separation : float
        Distance between the means of high and low windows.
    clips : float
        Standard deviation between clips of what they do to everyone, whatever they are rated.
    agreement : float
        Share of the variance of what people feel about a clip that they have in common.
    n_people, n_clips, n_windows : int
        People, clips, and windows per trial.
    alike : float
        Share of the variance within clips that the windows of a trial have in common.

    Examples
    --------
    >>> round(Audience(separation=0.8).auc, 3), Audience().auc
    (0.714, 0.5)
    """

    separation: float = 0.0
    clips: float = 0.0
    agreement: float = 0.5
    n_people: int = 23
    n_clips: int = 18
    n_windows: int = 4
    alike: float = 0.5

    @property
    def auc(self) -> float:
        """True mean area, over people and clips without end."""
        return float(stats.norm.cdf(self.separation / np.sqrt(2 * (1 + self.clips**2))))

    @checked
    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Invent clips, people, their ratings and what the head says.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        high : ndarray of bool, shape (n_people, n_clips)
            Which trials are rated high; the share of each person is drawn as in
            `ecglib.evaluation.simulation.People`.
        scores : ndarray, shape (n_people, n_clips, n_windows)
            One number per window.

        Examples
        --------
        >>> high, scores = Audience().draw(np.random.default_rng(0))
        >>> high.shape, scores.shape
        ((23, 18), (23, 18, 4))
        """
        trials = (self.n_people, self.n_clips)
        common = rng.standard_normal(self.n_clips)
        own = rng.standard_normal(trials)
        felt = np.sqrt(self.agreement) * common + np.sqrt(1 - self.agreement) * own
        high = stats.norm.cdf(felt) < rng.beta(5, 5, (self.n_people, 1))
        pull = self.clips * rng.standard_normal(self.n_clips)
        trial = np.sqrt(self.alike) * rng.standard_normal(trials)
        window = np.sqrt(1 - self.alike) * rng.standard_normal((*trials, self.n_windows))
        of_trial = self.separation * (high - 0.5) + pull + trial
        return high, of_trial[..., None] + window


@checked
def compared(high: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count pairs of windows of two clips, as `ecglib.evaluation.crossed.crossed_interval` needs.

    Parameters
    ----------
    high, scores
        As `Audience.draw` gives them.

    Returns
    -------
    right, pairs : ndarray, shape (n_people, n_clips, n_clips)

    Raises
    ------
    DataError
        If the shapes differ, or a score is not finite.

    Examples
    --------
    >>> right, pairs = compared(np.array([[True, False]]), np.array([[[3.0, 1.0], [2.0, 0.0]]]))
    >>> right[0, 0, 1], pairs[0, 0, 1]
    (np.float64(3.0), np.float64(4.0))
    """
    high = checks.array("high", high, (None, None)).astype(bool)
    scores = checks.array("scores", scores, (*high.shape, None))
    distance = scores[:, :, None, :, None] - scores[:, None, :, None, :]
    won = 0.5 * (1 + np.sign(distance)).sum(axis=(3, 4))
    counted = (high[:, :, None] & ~high[:, None, :]).astype(float)
    return won * counted, counted * scores.shape[2] ** 2


@checked
def clips_table(repetitions: int = 300, n_resamples: int = 499, seed: int = 0) -> pd.DataFrame:
    """Measure how often both intervals cover the truth about other people and other clips.

    Parameters
    ----------
    repetitions : int
        Studies per case, each with clips and people of its own.
    n_resamples : int
        Resamples of each interval.
    seed : int
        Seed of the studies.

    Returns
    -------
    DataFrame
        One row per effect of the ratings (`separation`) and of the clips (`clips`): ``truth``; the
        true standard error ``spread``, of the means of all studies; of the interval over people
        alone and of the crossed one the mean width (``people_width``, ``width``), how often it
        covers (``people``, ``crossed``) and the standard errors of that counting
        (``people_error``, ``crossed_error``).

    Examples
    --------
    >>> table = clips_table(repetitions=2, n_resamples=99)
    >>> table[["separation", "clips"]].drop_duplicates().shape
    (6, 2)
    """
    cases = [(separation, clips) for separation in (0.0, 0.8) for clips in (0.0, 0.3, 0.7)]
    rows = []
    for number, (separation, clips) in enumerate(
        progress(cases, "people and clips", total=len(cases), unit="case")
    ):
        audience = replace(Audience(), separation=separation, clips=clips)
        rng = np.random.default_rng([seed, number])
        found = pd.DataFrame(
            [
                crossed_interval(
                    *compared(*audience.draw(rng)),
                    several_folds=False,
                    n_resamples=n_resamples,
                    seed=repetition,
                )
                for repetition in range(repetitions)
            ]
        )
        row = {"separation": separation, "clips": clips, "truth": audience.auc}
        row["spread"] = float(found["mean"].std())
        for name, low, high, width in (
            ("people", "people_low", "people_high", "people_width"),
            ("crossed", "low", "high", "width"),
        ):
            share = float(((found[low] <= audience.auc) & (found[high] >= audience.auc)).mean())
            row[width] = float((found[high] - found[low]).mean())
            row[name] = share
            row[f"{name}_error"] = float(np.sqrt(share * (1 - share) / repetitions))
        rows.append(row)
    return pd.DataFrame(rows)
