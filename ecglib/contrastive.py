"""Contrastive pretraining: two views of one window are alike, views of other windows are not.

The model is trained by `ecglib.pretrain.pretrain`, which brings schedule, checkpoints and resume.
`Probes` watches a training: what the features tell, and whether they collapse, which means that
they say the same of every window.

References
----------
Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020
(arXiv 2002.05709), section 2.1 and algorithm 1.
"""

import dataclasses
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers, ops
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ecglib.errors import DataError
from ecglib.models import layer_seeds
from ecglib.pretrain import TrainingConfig
from ecglib.splits import ParticipantGroupedKFold, Splitter, TrialGroupedKFold
from ecglib.views import RandomViews, ViewConfig

MIN_NORM = 1e-6
"""Vectors shorter than this keep a length below 1 when they are normalised; see `unit_vectors`."""

TIE = 1e-6
"""Cosine similarities that differ by less are equal: projections are float32 at best."""

MIN_SPREAD = 0.01
"""Features whose standard deviation is a smaller share of its largest possible value collapsed."""

MIN_RANK = 1.5
"""Features of a smaller effective rank collapsed: one number says all that they say."""

_WIDE = "float64" if keras.backend.backend() == "tensorflow" else "float32"
"""Type in which the loss is calculated. JAX has no float64 unless told so at its start."""


class CollapseWarning(UserWarning):
    """The features say nearly the same of every window."""


@dataclasses.dataclass(frozen=True)
class ContrastiveConfig:
    """Contrastive pretraining: the training, the views, the loss and the projection head.

    Parameters
    ----------
    training : TrainingConfig
        Length, batch and learning rate; at least 2 windows in a batch.
    views : ViewConfig
        The random views.
    temperature : float
        Divides the similarities in the loss. A small one makes the loss care for the most similar
        other windows only.
    projection : tuple of int
        Units of the projection head's layers.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    training: TrainingConfig
    views: ViewConfig = dataclasses.field(default_factory=ViewConfig)
    temperature: float = 0.2
    projection: tuple[int, ...] = (128, 64)

    def __post_init__(self) -> None:
        _check_temperature(self.temperature)
        if not self.projection or min(self.projection) < 1:
            raise ValueError(f"projection is {self.projection}: give at least one number of units")
        if self.training.batch_windows < 2:
            raise ValueError(
                f"a batch of {self.training.batch_windows} windows has no negatives: "
                "batch_windows must be at least 2"
            )

    @property
    def chance(self) -> float:
        """Contrastive accuracy of guessing, 1 / (2 N - 1) for N windows in a batch."""
        return 1 / (2 * self.training.batch_windows - 1)


def unit_vectors(z: Any) -> Any:
    """Divide each row by its length, or by `MIN_NORM` if that is larger.

    Large numbers do not overflow. Zero vectors stay zero, and their gradient is finite.

    Parameters
    ----------
    z : tensor (rows, d)
        Vectors.

    Returns
    -------
    tensor (rows, d), float32
    """
    return _unit_vectors(z, "float32")


def _unit_vectors(z: Any, dtype: str) -> Any:
    z = ops.cast(z, dtype)
    # Squares of numbers up to 1 cannot overflow. The result does not depend on this divisor, so
    # neither does its gradient.
    size = ops.stop_gradient(ops.max(ops.abs(z), axis=-1, keepdims=True))
    z = z / ops.maximum(size, MIN_NORM)
    square = ops.sum(ops.square(z), axis=-1, keepdims=True)
    return z / ops.sqrt(ops.maximum(square, 1.0))


def nt_xent(z: Any, temperature: float) -> tuple[Any, Any]:
    """Compute the normalised temperature-scaled cross-entropy of every view.

    Each view is to name its partner among the other 2N - 1 views by cosine similarity: rows
    ``2 * b`` and ``2 * b + 1`` are partners, the remaining 2N - 2 views are negatives.

    Parameters
    ----------
    z : tensor (2N, d)
        Projections of the two views of N windows, of any length.
    temperature : float
        Divides the similarities.

    Returns
    -------
    loss : tensor (2N,), float32
        Cross-entropy of each view in nats; log(2N - 1) if all views look alike.
    correct : tensor (2N,), float32
        1 where the partner is more similar than every negative, else 0. A tie (`TIE`) counts as
        0: views that all look alike are not told apart.

    Raises
    ------
    ValueError
        If the temperature is not positive, or the known number of rows is odd or below 4: one
        window alone has no negatives.

    Notes
    -----
    The loss is ``log(1 + sum(exp((negative - partner) / temperature)))``, which keeps its digits
    where the partner is far more similar than all others.

    With TensorFlow everything inside is float64, whatever the type of `z`, and each view's loss is
    right to 1e-6 (up to 32 nats; float32 cannot hold larger numbers so well). Other backends
    calculate in float32. There the length of a vector, and so a cosine, is rounded by up to 1e-7,
    and the temperature divides that error too: a view's loss is right to 1e-7 / temperature plus
    a millionth of itself.
    """
    _check_temperature(temperature)
    rows = z.shape[0]
    if rows is not None and (rows % 2 or rows < 4):
        raise ValueError(
            f"{rows} rows: NT-Xent needs two views of each of at least 2 windows, because one "
            "window alone has no negatives"
        )
    unit = _unit_vectors(z, _WIDE)
    similarity = ops.matmul(unit, ops.transpose(unit))
    row = ops.arange(ops.shape(z)[0])
    itself = row[:, None] == row[None, :]
    window = row[:, None] // 2 == row[None, :] // 2
    is_partner = ops.logical_and(window, ops.logical_not(itself))
    partner = ops.sum(ops.where(is_partner, similarity, 0.0), axis=-1, keepdims=True)
    margins = ops.where(window, -np.inf, similarity - partner)
    loss = ops.softplus(ops.logsumexp(margins / temperature, axis=-1))
    return ops.cast(loss, "float32"), ops.cast(ops.max(margins, axis=-1) < -TIE, "float32")


def build_projection_head(
    n_features: int = 128,
    units: Sequence[int] = (128, 64),
    seed: int = 0,
    name: str = "projection",
) -> keras.Model:
    """Build the head between encoder and loss: features (batch, n_features) -> (batch, units[-1]).

    Dense layers with a ReLU between them; the last is linear. The loss normalises its output. The
    head is thrown away after pretraining.

    Parameters
    ----------
    n_features : int
        Number of features of the encoder.
    units : sequence of int
        Units of the layers.
    seed : int
        Seed of the initial weights.
    name : str
        Name of the model.

    Returns
    -------
    keras.Model
    """
    x = inputs = keras.Input((n_features,), name="features")
    for i, (width, layer_seed) in enumerate(
        zip(units, layer_seeds(seed, len(units)), strict=True), start=1
    ):
        x = layers.Dense(
            width,
            "relu" if i < len(units) else None,
            kernel_initializer=keras.initializers.GlorotUniform(layer_seed),
            name=f"dense_{i}",
        )(x)
    return keras.Model(inputs, x, name=name)


class ContrastiveModel(keras.Model):
    """Contrastive learning: raw windows in, projections of two random views of each out.

    The views are drawn inside the model (`ecglib.views.RandomViews`). ``fit`` takes windows alone.
    The loss is the mean of `nt_xent` over all views, plus the L2 penalties. Two quantities are
    logged. ``contrastive_accuracy`` is the share of views whose most similar other view is their
    partner; guessing gives 1 / (2N - 1). ``feature_std`` is the standard deviation over the views
    of an encoder feature, averaged over the features, which are normalised to unit vectors first;
    it is 0 if the encoder collapsed and at most 1 / sqrt(number of features).

    Parameters
    ----------
    encoder : keras.Model
        Windows (batch, length) -> features; see `ecglib.models.build_encoder`.
    head : keras.Model
        Features -> projections; see `build_projection_head`.
    views : ViewConfig, optional
        The random views.
    temperature : float
        Of the loss.
    seed : int
        Seed of the views.

    Raises
    ------
    ValueError
        If the temperature is not positive.
    """

    def __init__(
        self,
        encoder: keras.Model,
        head: keras.Model,
        views: ViewConfig | None = None,
        temperature: float = 0.2,
        seed: int = 0,
        name: str = "contrastive_model",
    ) -> None:
        super().__init__(name=name)
        _check_temperature(temperature)
        self.encoder = encoder
        self.head = head
        # Half precision cannot hold the position of a sample in a window.
        self.views = RandomViews(views, seed, dtype="float32", name="views")
        self.temperature = temperature
        self.contrastive_accuracy = keras.metrics.Mean(name="contrastive_accuracy")
        self.feature_std = keras.metrics.Mean(name="feature_std")
        self.views.build(encoder.input_shape)
        self.build(encoder.input_shape)

    def call(self, x: Any, training: bool | None = None) -> dict[str, Any]:
        """Draw two views of raw windows, and encode and project them.

        Parameters
        ----------
        x : tensor (batch, length)
            Windows; their views are drawn anew at each call.
        training : bool, optional
            Whether batch normalisation acts as in training.

        Returns
        -------
        dict of str to tensor
            ``"projections"``, (2 * batch, d), and ``"features"`` of the encoder,
            (2 * batch, n_features). Rows ``2 * b`` and ``2 * b + 1`` belong to window `b`.
        """
        features = self.encoder(self.views(x), training=training)
        return {"projections": self.head(features, training=training), "features": features}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Give the mean loss of `y_pred`, the output of `call`, plus penalties.

        The order of the views is the label: `y` and `sample_weight` play no part.
        """
        loss, _ = nt_xent(y_pred["projections"], self.temperature)
        # A sum of many float32 numbers would lose the last digits.
        return ops.cast(ops.mean(ops.cast(loss, _WIDE)), "float32") + sum(self.losses)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Update the accuracy and the spread of the features, and give all metrics."""
        _, correct = nt_xent(y_pred["projections"], self.temperature)
        self.contrastive_accuracy.update_state(correct)
        self.feature_std.update_state(ops.mean(ops.std(unit_vectors(y_pred["features"]), axis=0)))
        return self.get_metrics_result()

    def evaluate(self, x: Any, y: Any = None, batch_size: int = 32, **kwargs: Any) -> Any:
        """Evaluate on whole batches: `keras.Model.evaluate` without an incomplete last batch.

        Loss and accuracy depend on the number of negatives, so a smaller batch has other ones.

        Raises
        ------
        ValueError
            If there are fewer windows than one batch needs.
        """
        n = len(x) // batch_size * batch_size
        if not n:
            raise ValueError(f"{len(x)} windows are fewer than one batch of {batch_size}")
        return super().evaluate(x[:n], batch_size=batch_size, **kwargs)


def collapse_report(features: np.ndarray) -> pd.Series:
    """Say how much features vary over the windows, and whether they collapsed.

    Parameters
    ----------
    features : ndarray, shape (n_windows, n_features)
        Finite; at least 3 windows and 2 features.

    Returns
    -------
    Series
        - ``feature_std``: standard deviation over the windows, averaged over the features, after
          each window's features were divided by their length.
        - ``spread``: the same as a share of its largest possible value, 1 / sqrt(n_features).
        - ``dead_share``: share of the features that are constant, to a millionth of their largest
          absolute value.
        - ``effective_rank``: exponential of the entropy of the normalised singular values of the
          centred features (Roy & Vetterli 2007). 1 if all windows lie on a line, at most
          n_features, and 0 if all are one point.
        - ``mean_cosine``: cosine similarity, averaged over the pairs of windows.
        - ``collapsed``: whether the spread is below `MIN_SPREAD` or the effective rank is below
          `MIN_RANK`.

    Raises
    ------
    DataError
        If the features have another shape or are not finite.

    References
    ----------
    Roy & Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007.

    Examples
    --------
    >>> bool(collapse_report(np.ones((10, 4)))["collapsed"])
    True
    >>> bool(collapse_report(np.random.default_rng(0).normal(size=(10, 4)))["collapsed"])
    False
    """
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or min(features.shape) < 2 or len(features) < 3:
        raise DataError(
            f"features of shape {features.shape}",
            field="features",
            expected="shape (n_windows, n_features), at least 3 windows and 2 features",
        )
    if not np.isfinite(features).all():
        raise DataError("features are not finite", field="features", expected="finite numbers")
    n, width = features.shape
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(length > 0, length, 1)
    std = float(unit.std(axis=0).mean())
    rank = _effective_rank(features)
    spread = std * np.sqrt(width)
    pairs = n * (n - 1)
    return pd.Series(
        {
            "feature_std": std,
            "spread": spread,
            "dead_share": float(
                np.mean(np.ptp(features, axis=0) <= 1e-6 * np.abs(features).max(axis=0))
            ),
            "effective_rank": rank,
            "mean_cosine": float((np.sum(unit.sum(axis=0) ** 2) - np.sum(unit**2)) / pairs),
            "collapsed": bool(spread < MIN_SPREAD or rank < MIN_RANK),
        },
        dtype=object,
    )


class Probes(keras.callbacks.Callback):
    """What the encoder's features tell during pretraining, on training participants alone.

    After every few epochs, a linear probe (logistic regression) and a nearest-neighbour probe
    (cosine similarity) read labels of the participants, cross-validated by participant, and the
    participant's identity, cross-validated by trial. All features are standardised on the
    training folds first. `collapse_report` follows, and a `CollapseWarning` the first time that it
    says so. A question whose folds cannot be made, such as one with a single class among the
    training windows of a fold, is left out with a `UserWarning`.

    Parameters
    ----------
    X : ndarray, shape (n_windows, length), float32
        Windows of training participants.
    meta : DataFrame
        One row per window, with columns ``participant`` and ``clip``.
    labels : mapping of str to ndarray, shape (n_windows,)
        Classes to read, by name, such as ``{"arousal": binary_labels(meta, "arousal")}``.
    heldout : collection of int
        Participants who are tested later; none of them may be in `meta`.
    every : int
        Epochs from one probing to the next.
    k : int
        Number of neighbours, or fewer where a training fold has fewer windows.
    n_splits : int
        Number of folds.
    seed : int
        Seed of the folds.

    Raises
    ------
    DataError
        If a participant is held out, the lengths do not fit each other, or a name is
        ``participant``.

    Notes
    -----
    The probes see labels, the encoder doesn't. To choose settings by them is to use the labels of
    these participants, which a test on others allows.
    """

    def __init__(
        self,
        X: np.ndarray,
        meta: pd.DataFrame,
        labels: Mapping[str, np.ndarray],
        *,
        heldout: Collection[int],
        every: int = 1,
        k: int = 20,
        n_splits: int = 5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        seen = sorted(set(meta["participant"]) & set(heldout))
        if seen:
            raise DataError(
                f"{len(seen)} held-out participants are among those to be probed",
                participant=seen[0],
                expected="training participants only",
                remedy="leave their windows out",
            )
        for name, values in {"X": X, **labels}.items():
            if len(values) != len(meta):
                raise DataError(
                    f"{len(values)} values for {len(meta)} rows of meta",
                    field=name,
                    expected="one for each window",
                )
        if "participant" in labels:
            raise DataError("the identity is probed anyway", field="participant")
        if min(every, k) < 1:
            raise DataError(
                f"every {every} epochs, {k} neighbours", field="every, k", expected="at least 1"
            )
        self.X, self.every, self.k = X, every, k
        # Name, classes and folds of each question.
        self._questions: list[tuple[str, np.ndarray, list]] = []
        people = ParticipantGroupedKFold(n_splits, seed)
        for name, y in labels.items():
            self._ask(name, y, people, meta)
        self._ask("participant", meta["participant"], TrialGroupedKFold(n_splits, seed), meta)
        self._rows: dict[int, dict[str, Any]] = {}
        self._warned = False

    def _ask(self, name: str, y: np.ndarray, splitter: Splitter, meta: pd.DataFrame) -> None:
        """Take up a question, if the windows allow it; a monitor must not stop the training."""
        try:
            self._questions.append((name, np.asarray(y), list(splitter.split(meta, y))))
        except DataError as error:
            warnings.warn(f"'{name}' is not probed: {error}", stacklevel=3)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Probe, if this epoch's turn has come."""
        if (epoch + 1) % self.every:
            return
        features = self.model.encoder.predict(self.X, batch_size=32, verbose=0)
        row = dict(collapse_report(features))
        for name, y, folds in self._questions:
            for probe in ("linear", "knn"):
                row[f"{probe}_{name}"] = self._score(probe, features, y, folds)
        self._rows[epoch + 1] = row
        if row["collapsed"] and not self._warned:
            self._warned = True
            warnings.warn(
                f"the features collapsed in epoch {epoch + 1}: their spread is "
                f"{row['spread']:.2g} (limit {MIN_SPREAD}) and their effective rank "
                f"{row['effective_rank']:.2f} (limit {MIN_RANK}). They say nearly the same of "
                "every window; lower the learning rate or use larger batches, and see that the "
                "views keep something to recognise a window by",
                CollapseWarning,
                stacklevel=2,
            )

    def _score(self, probe: str, features: np.ndarray, y: np.ndarray, folds: list) -> float:
        named = np.empty_like(y)
        for train, test in folds:
            if probe == "linear":
                classifier = LogisticRegression(max_iter=1000)
            else:
                k = min(self.k, len(train))
                classifier = KNeighborsClassifier(k, metric="cosine", algorithm="brute")
            fitted = make_pipeline(StandardScaler(), classifier).fit(features[train], y[train])
            named[test] = fitted.predict(features[test])
        return float(balanced_accuracy_score(y, named))

    def frame(self) -> pd.DataFrame:
        """Give the results.

        Returns
        -------
        DataFrame
            One row per probed epoch, counted from 1: the columns of `collapse_report`, and the
            balanced accuracy of each probe, ``linear_`` and ``knn_`` with the name of the labels
            or ``participant``, as far as they are probed. Guessing gives one in the number of
            classes.
        """
        return pd.DataFrame.from_dict(self._rows, orient="index").rename_axis("epoch")


def _check_temperature(temperature: float) -> None:
    if not (temperature > 0 and np.isfinite(temperature)):
        raise ValueError(f"temperature is {temperature}: it must be positive and finite")


def _effective_rank(features: np.ndarray) -> float:
    values = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)
    # float32 features of equal windows may differ in their last digit.
    if values[0] <= 1e-6 * np.linalg.norm(features):
        return 0.0
    shares = values / values.sum()
    shares = shares[shares > 0]
    return float(np.exp(-np.sum(shares * np.log(shares))))
