"""Accuracies that others published for the ECG of DREAMER, each with its protocol."""

from __future__ import annotations

import pandas as pd

_SVM = {
    "work": "Katsigiannis & Ramzan (2018)",
    "protocol": "a model for every participant, tested on that participant's own trials",
    "model": "support vector machine on ECG features",
    "metric": "accuracy",
    "source": "PMC9171287, table 1; protocol: abstract of the paper",
}


def published_results() -> pd.DataFrame:
    """List what the authors of DREAMER report for its ECG.

    Returns
    -------
    DataFrame
        One row per target: ``work``, ``protocol``, ``model``, ``metric``, ``source``, ``target``
        and ``value``, a share from 0 to 1; ratings above 3 are high. The paper itself was not at
        hand: ``source`` says where its number was read.

    Examples
    --------
    >>> published_results()[["target", "value"]].values.tolist()
    [['valence', 0.6237], ['arousal', 0.6237]]
    """
    values = {"valence": 0.6237, "arousal": 0.6237}
    return pd.DataFrame([{**_SVM, "target": t, "value": value} for t, value in values.items()])
