"""Contrastive pretraining: two views of one window are alike, views of other windows are not.

The model is trained by `ecglib.pretext.pretrain.train`, which brings schedule, checkpoints and
resume. `ecglib.evaluation.representation.Probes` watches a training: what the features tell, and
whether they collapse, which means that they say the same of every window.

References
----------
Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020
(arXiv 2002.05709), section 2.1 and algorithm 1.

Subject-aware negatives. Cheng et al., "Subject-Aware Contrastive Learning for Biosignals", 2020
(arXiv 2007.04871): negatives of the same participant (subject-specific sampling). Kiyasseh et al.,
"CLOCS: Contrastive Learning of Cardiac Signals Across Space, Time, and Patients", ICML 2021
(arXiv 2005.13249): negatives of other patients only. CLOCS also takes other segments of a patient,
or other leads, for partners; here a partner is always another view of the same window.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops

from ecglib.core import checks
from ecglib.core.annotations import check_fields, checked
from ecglib.core.artifacts import later
from ecglib.models.encoder import EncoderConfig, build_encoder, layer_seeds
from ecglib.models.training import TrainingConfig
from ecglib.pretext.views import RandomViews, ViewConfig

MIN_NORM = 1e-6
"""Vectors shorter than this keep a length below 1 when they are normalised; see `unit_vectors`."""

TIE = 1e-6
"""Cosine similarities that differ by less are equal: projections are float32 at best."""

ANYONE, SAME, OTHERS = "all", "same participant", "other participants"
"""Whose windows are negatives: one of `NEGATIVES`."""

NEGATIVES = (ANYONE, SAME, OTHERS)
"""All other windows of the batch; those of the same participant; those of other participants."""

Negatives = Literal["all", "same participant", "other participants"]
"""Type of one of `NEGATIVES`."""

_WIDE = "float64" if keras.backend.backend() == "tensorflow" else "float32"
"""Type in which the loss is calculated. JAX has no float64 unless told so at its start."""


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
    negatives : {"all", "same participant", "other participants"}
        Which other windows of the batch a view is to be told apart from. Among windows of the same
        participant, to know the person is of no use; among those of other participants, nothing
        else than the person is needed.
    windows_per_participant : int, optional
        Subject-aware sampling: a batch holds so many windows of each of some participants, drawn
        anew for every batch. Needed unless `negatives` is "all"; by default windows are drawn
        whosever they are.

    Raises
    ------
    ValueError
        If a value is outside its range, or the batch cannot hold such negatives.

    Examples
    --------
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=16, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> config = ContrastiveConfig(training)
    >>> config.n_negatives, round(config.chance, 3)
    (30, 0.032)
    """

    training: TrainingConfig
    views: ViewConfig = dataclasses.field(default_factory=ViewConfig)
    temperature: float = 0.2
    projection: tuple[int, ...] = (128, 64)
    negatives: Literal["all", "same participant", "other participants"] = later("all")
    windows_per_participant: int | None = later(None)

    def __post_init__(self) -> None:
        check_fields(self)
        _check_temperature(self.temperature)
        if not self.projection or min(self.projection) < 1:
            raise ValueError(f"projection is {self.projection}: give at least one number of units")
        if self.training.batch_windows < 2:
            raise ValueError(
                f"a batch of {self.training.batch_windows} windows has no negatives: "
                "batch_windows must be at least 2"
            )
        _check_negatives(self.negatives)
        own, batch = self.windows_per_participant, self.training.batch_windows
        if own is None:
            if self.negatives != ANYONE:
                raise ValueError(
                    f"negatives of {self.negatives!r} need windows_per_participant: how many "
                    "windows of a participant a batch holds"
                )
            return
        most = batch // 2 if self.negatives == OTHERS else batch
        least = 2 if self.negatives == SAME else 1
        if not least <= own <= most or batch % own:
            raise ValueError(
                f"windows_per_participant is {own} with batches of {batch} windows and negatives "
                f"of {self.negatives!r}: give a divisor of {batch} from {least} to {most}"
            )

    @property
    def n_negatives(self) -> int:
        """Number of negatives of a view: 2 N - 2 for N windows in a batch, or fewer by choice."""
        own = self.windows_per_participant
        if self.negatives == ANYONE or own is None:
            return 2 * self.training.batch_windows - 2
        return 2 * (own - 1) if self.negatives == SAME else 2 * (self.training.batch_windows - own)

    @property
    def chance(self) -> float:
        """Contrastive accuracy of guessing among the partner and all negatives."""
        return 1 / (1 + self.n_negatives)


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

    Examples
    --------
    >>> np.asarray(unit_vectors(np.array([[3.0, 4.0], [0.0, 0.0]]))).round(1)
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
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


@checked
def nt_xent(
    z: Any, temperature: float, participant: Any = None, negatives: Negatives = ANYONE
) -> tuple[Any, Any]:
    """Compute the normalised temperature-scaled cross-entropy of every view.

    Each view is to name its partner among the other 2N - 1 views by cosine similarity: rows
    ``2 * b`` and ``2 * b + 1`` are partners, the remaining 2N - 2 views are negatives. If
    `negatives` says so, only those of the same participant are, or only those of other ones; the
    rest then plays no part.

    Parameters
    ----------
    z : tensor (2N, d)
        Projections of the two views of N windows, of any length.
    temperature : float
        Divides the similarities.
    participant : int tensor (N,), optional
        Whose each window is; needed unless all are negatives. Numbers of trials in their place
        make the trial what is the same or another.
    negatives : {"all", "same participant", "other participants"}
        See `ContrastiveConfig`.

    Returns
    -------
    loss : tensor (2N,), float32
        Cross-entropy of each view in nats; log(2N - 1) if all views look alike. 0 where a view has
        no negatives.
    correct : tensor (2N,), float32
        1 where the partner is more similar than every negative, else 0. A tie (`TIE`) counts as
        0: views that all look alike are not told apart. So does a view without negatives.

    Raises
    ------
    ValueError
        If the temperature is not positive, or the known number of rows is odd or below 4: one
        window alone has no negatives. If it is not said whose windows they are though it matters,
        or `negatives` is unknown.

    Examples
    --------
    >>> z = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [1, 0]], "float32")
    >>> for whose in NEGATIVES:  # the third window is another person's, and looks like the first
    ...     print(whose, np.round(nt_xent(z, 1.0, [7, 7, 8], whose)[0], 2)[[0, 2, 4]])
    all [1.32 0.9  1.32]
    same participant [0.55 0.55 0.  ]
    other participants [1.1  0.55 1.32]

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
    _check_negatives(negatives)
    if negatives != ANYONE and participant is None:
        raise ValueError(f"negatives of {negatives!r} need to know whose each window is")
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
    if negatives == ANYONE:
        loss = ops.softplus(ops.logsumexp(margins / temperature, axis=-1))
        return ops.cast(loss, "float32"), ops.cast(ops.max(margins, axis=-1) < -TIE, "float32")
    whose = ops.repeat(ops.cast(participant, "int32"), 2)
    alike = whose[:, None] == whose[None, :]
    counted = alike if negatives == SAME else ops.logical_not(alike)
    counted = ops.logical_and(counted, ops.logical_not(window))
    any_counted = ops.any(counted, axis=-1)
    # The gradient of a sum over nothing is NaN, so a view without negatives gets others instead,
    # and its loss is thrown away.
    kept = ops.logical_or(counted, ops.logical_not(any_counted)[:, None])
    margins = ops.where(kept, margins, -np.inf)
    loss = ops.softplus(ops.logsumexp(margins / temperature, axis=-1))
    correct = ops.logical_and(any_counted, ops.max(margins, axis=-1) < -TIE)
    return ops.cast(ops.where(any_counted, loss, 0.0), "float32"), ops.cast(correct, "float32")


@checked
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

    Raises
    ------
    DataError
        If there are no layers, or one has no units.

    Examples
    --------
    >>> build_projection_head(n_features=8, units=(8, 4)).output_shape
    (None, 4)
    """
    checks.several("units", units, checks.whole, 1)
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

    The views are drawn inside the model (`ecglib.pretext.views.RandomViews`). ``fit`` takes windows
    alone. The loss is the mean of `nt_xent` over all views, plus the L2 penalties. Two quantities
    are logged. ``contrastive_accuracy`` is the share of views whose partner is more similar than
    every negative; guessing gives 1 / (2N - 1). ``feature_std`` is the standard deviation over the
    views of an encoder feature, averaged over the features, which are normalised to unit vectors
    first; it is 0 if the encoder collapsed and at most 1 / sqrt(number of features).

    Parameters
    ----------
    encoder : keras.Model
        Windows (batch, length) -> features; see `ecglib.models.encoder.build_encoder`.
    head : keras.Model
        From features to projections; see `build_projection_head`.
    views : ViewConfig, optional
        The random views.
    temperature : float
        Of the loss.
    seed : int
        Seed of the views.
    name : str
        Name of the model.
    negatives : {"all", "same participant", "other participants"}
        See `ContrastiveConfig`. Unless it is "all", ``fit`` also takes whose each window is.

    Raises
    ------
    ValueError
        If the temperature is not positive, or `negatives` is unknown.

    Examples
    --------
    >>> encoder = build_encoder(EncoderConfig(filters=(4, 8), kernels=(8, 4)), length=288)
    >>> model = ContrastiveModel(encoder, build_projection_head(8, (4,)), seed=0)
    >>> X = np.random.default_rng(0).normal(size=(2, 288)).astype("float32")
    >>> {name: tuple(value.shape) for name, value in model(X).items()}
    {'projections': (4, 4), 'features': (4, 8)}
    """

    @checked
    def __init__(
        self,
        encoder: keras.Model,
        head: keras.Model,
        views: ViewConfig | None = None,
        temperature: float = 0.2,
        seed: int = 0,
        name: str = "contrastive_model",
        negatives: Negatives = ANYONE,
    ) -> None:
        super().__init__(name=name)
        _check_temperature(temperature)
        _check_negatives(negatives)
        self.negatives = negatives
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

        The order of the views is the label: `y`, whose each window is, only says which are
        negatives, and `sample_weight` plays no part.
        """
        loss, _ = nt_xent(y_pred["projections"], self.temperature, y, self.negatives)
        # A sum of many float32 numbers would lose the last digits.
        return ops.cast(ops.mean(ops.cast(loss, _WIDE)), "float32") + sum(self.losses)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Update the accuracy and the spread of the features, and give all metrics."""
        _, correct = nt_xent(y_pred["projections"], self.temperature, y, self.negatives)
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
        y = None if y is None else y[:n]
        return super().evaluate(x[:n], y, batch_size=batch_size, **kwargs)


def _check_temperature(temperature: float) -> None:
    if not (temperature > 0 and np.isfinite(temperature)):
        raise ValueError(f"temperature is {temperature}: it must be positive and finite")


def _check_negatives(negatives: str) -> None:
    if negatives not in NEGATIVES:
        raise ValueError(f"negatives of {negatives!r} are unknown: choose from {NEGATIVES}")


@checked
def build_contrastive_model(
    config: ContrastiveConfig, encoder: EncoderConfig, length: int, seed: int = 0
) -> ContrastiveModel:
    """Build the whole network of a contrastive pretext, untrained.

    Parameters
    ----------
    config : ContrastiveConfig
        Views, projection head and loss.
    encoder : EncoderConfig
        Shape of the encoder.
    length : int
        Window length in samples.
    seed : int
        Seed of the encoder, of the head and of the views.

    Returns
    -------
    ContrastiveModel

    Examples
    --------
    >>> training = TrainingConfig(
    ...     epochs=1, batch_windows=16, steps_per_epoch=1, learning_rate=0.01, schedule="staircase"
    ... )
    >>> shape = EncoderConfig(filters=(4, 8), kernels=(8, 4))
    >>> build_contrastive_model(ContrastiveConfig(training), shape, length=288).encoder.output_shape
    (None, 8)
    """
    seeds = layer_seeds(seed, 3)
    network = build_encoder(encoder, length, seed=seeds[0])
    head = build_projection_head(network.output_shape[-1], config.projection, seeds[1])
    return ContrastiveModel(
        network,
        head,
        config.views,
        config.temperature,
        seeds[2],
        negatives=config.negatives,
    )
