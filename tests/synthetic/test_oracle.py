"""No reading of the body beats the oracle, and it needs no order of the recordings."""

import numpy as np
import pandas as pd

from ecglib.data.labels import TARGETS
from ecglib.synthetic.cohort import CohortSpec
from ecglib.synthetic.oracle import state_oracle
from ecglib.synthetic.people import FEATURES, clip_feelings, physiology, rate_clips


def make_truth(effect, n_people, n_clips=12):
    """Feelings and states of a cohort without signals, as `make_cohort` draws them."""
    rng = np.random.default_rng(0)
    of_clips = clip_feelings(n_clips, rng)
    frames = []
    for participant in range(1, n_people + 1):
        _, felt = rate_clips(of_clips, rng)
        nuisance = rng.normal(size=(n_clips, len(FEATURES)))
        slopes = 0.5 * rng.normal(size=(len(FEATURES), 3))
        state = physiology(felt, nuisance, rng.normal(size=len(FEATURES)), effect, slopes)
        feelings = {f"felt_{t}": felt[:, i] for i, t in enumerate(TARGETS)}
        about = {"participant": participant, "clip": np.arange(1, n_clips + 1)}
        frames.append(pd.DataFrame({**about, **feelings, **state}))
    return pd.concat(frames, ignore_index=True)


def test_with_no_effect_the_oracle_guesses_the_same_for_every_recording():
    guess = state_oracle(make_truth(0.0, 5), CohortSpec(effect=0.0))
    assert list(guess.columns) == list(TARGETS)
    assert (guess == 0).all(axis=None)


def test_no_linear_reading_of_the_state_beats_the_oracle():
    truth = make_truth(2.0, n_people=300)
    best = state_oracle(truth, CohortSpec(effect=2.0))["arousal"].to_numpy()
    felt = truth["felt_arousal"].to_numpy()
    state = np.log(truth[[n for n, f in FEATURES.items() if not f.additive]])
    z = state - state.groupby(truth["participant"]).transform("mean")
    fitted = z @ np.linalg.lstsq(z.to_numpy(), felt, rcond=None)[0]
    of_oracle, of_fit = (np.corrcoef(guess, felt)[0, 1] for guess in (best, fitted))
    assert of_fit - 0.005 < of_oracle < of_fit + 0.1


def test_the_oracle_does_not_care_in_which_order_the_recordings_come():
    truth, spec = make_truth(1.0, n_people=5), CohortSpec(effect=1.0)
    shuffled = truth.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        state_oracle(shuffled, spec).sort_index(), state_oracle(truth, spec).sort_index()
    )
