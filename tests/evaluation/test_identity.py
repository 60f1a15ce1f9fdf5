"""What a split gives away to whoever recognises a person, a clip or a trial."""

import numpy as np
import pandas as pd
import pytest

from ecglib.core.errors import DataError
from ecglib.evaluation.identity import identity_predictions, known_shares
from ecglib.evaluation.leave_out import (
    LeaveOneParticipantAndClipOut,
    LeaveOneParticipantOut,
    ladder,
)
from ecglib.evaluation.probes import PROBES
from ecglib.evaluation.splits import ClipGroupedKFold, TrialGroupedKFold, WindowKFold
from ecglib.evaluation.summaries import participant_metrics
from ecglib.synthetic.people import clip_feelings, rate_clips

TARGET = "arousal"


def make_meta(n_people=20, n_clips=12):
    """Two windows of every trial of a cohort without signals, rated as `make_cohort` has it."""
    rng = np.random.default_rng(0)
    of_clips = clip_feelings(n_clips, rng)
    frames = []
    for participant in range(1, n_people + 1):
        ratings, _ = rate_clips(of_clips, rng)
        about = {"participant": participant, "clip": np.arange(1, n_clips + 1)}
        frames.append(pd.DataFrame({**about, "start": 0.0, TARGET: ratings[:, 1]}))
    return pd.concat([*frames, *(rows.assign(start=10.0) for rows in frames)], ignore_index=True)


def mean_auc(predictions):
    return participant_metrics(predictions, ["auc"])["value"].mean()


def test_who_knows_the_trial_knows_the_rating_window_wise_and_nothing_elsewhere():
    meta = make_meta()
    assert mean_auc(identity_predictions(meta, WindowKFold(10, 0), "trial", TARGET)) > 0.9
    strict = identity_predictions(meta, TrialGroupedKFold(10, 0), "trial", TARGET)
    assert set(strict["probability"]) == {0.5}


def test_who_knows_the_person_ranks_that_persons_trials_the_wrong_way_round_across_heads_alone():
    meta = make_meta()
    loose = identity_predictions(meta, TrialGroupedKFold(10, 0), "participant", TARGET)
    assert mean_auc(loose.assign(fold=0)) < 0.4  # as if one head had judged all windows
    assert mean_auc(loose) == 0.5
    strict = identity_predictions(meta, LeaveOneParticipantOut(), "participant", TARGET)
    assert set(strict["probability"]) == {0.5}


def test_who_knows_the_clip_needs_no_ecg_until_the_clip_is_left_out():
    meta = make_meta()
    assert mean_auc(identity_predictions(meta, LeaveOneParticipantOut(), "clip", TARGET)) > 0.6
    strict = identity_predictions(meta, LeaveOneParticipantAndClipOut(), "clip", TARGET)
    assert set(strict["probability"]) == {0.5}
    with pytest.raises(DataError, match="weather"):
        identity_predictions(meta, WindowKFold(), "weather", TARGET)


def test_every_rung_takes_something_away():
    meta = make_meta(n_people=10)
    known = pd.DataFrame({s.protocol: known_shares(meta, s) for s in ladder()}).T
    assert list(known.columns) == list(PROBES)
    assert known.loc[WindowKFold.protocol].min() > 0.8
    assert list(known.loc[TrialGroupedKFold.protocol]) == [1, 1, 0]
    assert list(known.loc[ClipGroupedKFold.protocol]) == [1, 0, 0]
    assert list(known.loc[LeaveOneParticipantOut.protocol]) == [0, 1, 0]
    assert list(known.loc[LeaveOneParticipantAndClipOut.protocol]) == [0, 0, 0]
