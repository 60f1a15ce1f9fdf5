"""An oracle of the synthetic cohort: what can be known of a new person's feeling."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ecglib.core import checks
from ecglib.core.annotations import checked
from ecglib.data.labels import TARGETS
from ecglib.synthetic.cohort import CohortSpec
from ecglib.synthetic.people import FEATURES


@checked
def state_oracle(truth: pd.DataFrame, spec: CohortSpec) -> pd.DataFrame:
    """Guess what was felt from the true physiological state of every recording.

    The state is the value that each of `ecglib.synthetic.people.FEATURES` settles at, free of
    noise. The oracle also knows each person's mean, and how strongly every feeling moves every
    feature of people on average; not how this person differs from them. Its guess is then the best
    linear one, in the least-squares sense, that anyone who has not seen a person's ratings can
    make from this ECG.
    With no effect the state tells nothing, and the oracle guesses the same for every recording.

    Parameters
    ----------
    truth : DataFrame
        One row per recording of a clip; columns as in those of `ecglib.synthetic.cohort.Truth`.
    spec : CohortSpec
        What the cohort is like.

    Returns
    -------
    DataFrame
        Index (participant, clip), columns `TARGETS`: expected feeling, in standard deviations.

    Raises
    ------
    DataError
        If there are no recordings, or a column is missing.

    Notes
    -----
    A recording's features, relative to the person's mean and in units of `Feature.trial`, are
    ``z = B f + n`` with the feelings f, their average weights B and n of mean 0, in which nuisance
    and the person's own slopes come together. The guess is ``C B' (B C B' + N)⁻¹ z`` with the
    covariances C of f and N of n.

    Examples
    --------
    >>> from ecglib.synthetic.cohort import make_cohort
    >>> spec = CohortSpec(1, (20.0, 20.0, 20.0), 11.0)
    >>> truth = make_cohort(spec, seed=0).truth.recordings
    >>> guess = state_oracle(truth[truth["condition"] == "stimulus"], spec)
    >>> guess.shape, guess.columns.tolist()
    ((3, 3), ['valence', 'arousal', 'dominance'])
    """
    checks.frame("truth", truth)
    state = pd.DataFrame(
        {
            name: (truth[name] if f.additive else np.log(truth[name])) / f.trial
            for name, f in FEATURES.items()
        }
    )
    z = state - state.groupby(truth["participant"]).transform("mean")
    weights = spec.effect * np.array([[getattr(f, t) for t in TARGETS] for f in FEATURES.values()])
    covariance = np.cov(truth[[f"felt_{target}" for target in TARGETS]].to_numpy(), rowvar=False)
    slopes = spec.slope_sd**2 * (weights**2 @ np.diag(covariance))
    noise = np.diag(spec.trial_sd**2 + spec.clip_sd**2 + slopes)
    total = weights @ covariance @ weights.T + noise
    guess = z.to_numpy() @ np.linalg.pinv(total, hermitian=True) @ weights @ covariance
    trials = pd.MultiIndex.from_frame(truth[["participant", "clip"]])
    return pd.DataFrame(guess, index=trials, columns=list(TARGETS))
