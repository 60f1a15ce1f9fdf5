"""The same network trained from scratch with labels: the baseline that self-supervision must beat.

One network per fold learns valence, arousal and dominance together: the encoder of the pretext and
a 2 × 64 head per target.
"""

from collections.abc import Sequence

import keras
import numpy as np

from ecglib.errors import DataError
from ecglib.heads import HeadConfig
from ecglib.models import EncoderConfig, build_emotion_model, build_encoder, build_head, layer_seeds
from ecglib.pretrain import TrainingConfig, train_epoch, window_stream

Fold = tuple[np.ndarray, np.ndarray]


def fit_supervised(
    X: np.ndarray,
    labels: np.ndarray,
    folds: Sequence[Fold],
    encoder: EncoderConfig,
    head: HeadConfig,
    training: TrainingConfig,
    *,
    dropout: float,
    seed: int,
    jit_compile: bool = True,
) -> list[np.ndarray]:
    """Train the whole network once per fold, and predict the fold's test windows.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_samples), float32
        Windows.
    labels : ndarray, shape (n_windows, n_targets)
        0 or 1 for each target.
    folds : sequence of (train, test)
        Integer positions, as a splitter gives them.
    encoder : EncoderConfig
        Shape of the encoder.
    head : HeadConfig
        Its `hidden` and `l2` shape the heads.
    training : TrainingConfig
        Length, batch and learning rate, the same for every fold.
    dropout : float
        Dropout rate in the heads.
    seed : int
        Seed of the initial weights, of dropout and of the order of the windows. Every fold starts
        from the same weights.
    jit_compile : bool
        Compile the step with XLA.

    Returns
    -------
    list of ndarray, each of shape (n_test, n_targets), float32
        Probability of class 1 for the test windows of each fold.

    Raises
    ------
    DataError
        If a label is not 0 or 1, a fold has fewer training windows than one batch, or training
        diverged.
    """
    if labels.ndim != 2 or len(labels) != len(X) or not np.isin(labels, (0, 1)).all():
        raise DataError(
            f"labels of shape {labels.shape} for {len(X)} windows",
            field="labels",
            expected="0 or 1, shape (n_windows, n_targets)",
        )
    n_targets = labels.shape[1]
    seeds = layer_seeds(seed, n_targets + 1)
    heads = [
        # HeadConfig means l2·‖w‖², build_head β/2·‖w‖².
        build_head(
            head.hidden,
            dropout=dropout,
            l2=head.l2,
            n_features=encoder.filters[-1],
            seed=s,
            name=f"head_{i}",
        )
        for i, s in enumerate(seeds[1:])
    ]
    model = build_emotion_model(build_encoder(encoder, X.shape[1], seed=seeds[0]), heads)
    n_train = min(len(train) for train, _ in folds)
    if n_train < training.batch_windows:
        raise DataError(
            f"a fold has {n_train} training windows",
            field="folds",
            expected=f"at least one batch of {training.batch_windows}",
            remedy="use fewer folds or a smaller batch",
        )
    model.compile(
        optimizer=keras.optimizers.Adam(training.rate(n_train)),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=jit_compile,
    )
    model.optimizer.build(model.trainable_variables)
    # One compiled model serves all folds; each starts from this state.
    state = [*model.variables, *model.optimizer.variables]
    start = [variable.numpy() for variable in state]
    y = labels.astype("float32")
    count = training.steps(n_train) * training.batch_windows
    probabilities = []
    for number, (train, test) in enumerate(folds):
        for variable, value in zip(state, start, strict=True):
            variable.assign(value)
        for epoch in range(training.epochs):
            order = train[window_stream(len(train), epoch * count, count, seed)]
            loss = train_epoch(model, X, y, order, training.batch_windows)["loss"]
        logits = model.predict(X[test], batch_size=64, verbose=0)
        # Activations can turn weights that are not finite into finite logits.
        if not (np.isfinite(loss) and np.isfinite(logits).all()):
            raise DataError(
                f"fold {number}: the network diverged",
                remedy="lower the learning rate, and look for windows with extreme values",
            )
        probabilities.append(keras.ops.convert_to_numpy(keras.ops.sigmoid(logits)))
    return probabilities
