"""A group of a study on several processes: the same training as on one."""

from dataclasses import replace

import numpy as np
import pytest

from ecglib.models.encoder import EncoderConfig
from ecglib.pretext import pretrain
from ecglib.studies import distributed, pretraining
from ecglib.studies.profiles import QUICK
from ecglib.studies.study import Study
from ecglib.synthetic.cohort import CohortSpec


def test_a_group_is_trained_as_the_study_would_train_it(tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    calls = []

    def noted(model, X, config, *, seed, folder, label, **_):
        calls.append((model, X, config, seed, folder, label))
        raise Stop

    study = Study(
        profile=replace(QUICK, encoder=EncoderConfig(filters=(4,), kernels=(8,))),
        folder=tmp_path,
        spec=CohortSpec(n_participants=4, clip_lengths_s=(60.0, 60.0), baseline_s=11.0),
    )
    monkeypatch.setattr("ecglib.studies.study.find_dreamer", lambda path: None)
    monkeypatch.setattr(distributed, "train_distributed", noted)
    monkeypatch.setattr(pretrain, "train", noted)
    with pytest.raises(Stop):
        distributed.pretrain_group(study, 1)
    with pytest.raises(Stop):
        pretraining.pretext(study, 1)
    (ours, X, *rest), (theirs, same_X, *same_rest) = calls
    np.testing.assert_array_equal(X, same_X)
    assert rest == same_rest
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
