"""The encoder once more, in plain NumPy: one correlation per pair of channels."""

import numpy as np


def activated(x, slope):
    return np.where(x > 0, x, slope * x)


def features_by_hand(windows, layers, pads, slope, pool=8, stride=2):
    """Give the features of windows (n, length), one window and one layer at a time.

    `layers` are (kernel (taps, channels, filters), bias (filters,)) of the six convolutions, and
    `pads` the zeros before and behind the signal of each.
    """
    rows = []
    for window in np.asarray(windows, np.float64):
        x = window[None]
        for number, ((kernel, bias), pad) in enumerate(zip(layers, pads, strict=True)):
            if number in (2, 4):
                starts = range(0, x.shape[1] - pool + 1, stride)
                x = np.stack([x[:, s : s + pool].max(axis=1) for s in starts], axis=1)
            padded = np.pad(x, [(0, 0), pad])
            kernel = np.asarray(kernel, np.float64)
            y = [
                bias[f]
                + sum(
                    np.correlate(channel, kernel[:, c, f], "valid")
                    for c, channel in enumerate(padded)
                )
                for f in range(kernel.shape[2])
            ]
            x = activated(np.stack(y), slope)
        rows.append(x.max(axis=1))
    return np.stack(rows)


def random_layers(seed, taps=(32, 16, 8), filters=(32, 64, 128)):
    """Draw six convolutions whose outputs stay as large as their inputs."""
    rng = np.random.default_rng(seed)
    layers, channels = [], 1
    for size, out in zip(taps, filters, strict=True):
        for _ in range(2):
            scale = np.sqrt(1 / (size * channels))
            kernel = rng.normal(scale=scale, size=(size, channels, out)).astype("float32")
            layers.append((kernel, rng.normal(scale=0.1, size=out).astype("float32")))
            channels = out
    return layers
