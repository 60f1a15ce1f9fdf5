import base64
import hashlib
import os
import pickle
import zipfile
import zlib
from dataclasses import replace

import keras
import numpy as np
import pytest

from ecglib.core.errors import DataError
from ecglib.models.torch_weights import TORCH_ENCODER, read_torch_encoder
from tests.models.numpy_encoder import features_by_hand, random_layers

PADS = [(16, 15)] * 2 + [(8, 7)] * 2 + [(4, 3)] * 2
TINY = replace(TORCH_ENCODER, filters=(2, 3, 4))
LENGTH = 200

# As PyTorch 1.13.1 wrote it for six convolutions with the names and shapes of the encoder.
OF_PYTORCH = zlib.decompress(
    base64.b64decode(
        "eNpd1OlT00AYx/G0IIUgivet9S4elZ6AF1URlYjI4hHPmqaRREPDL3la9EVm+qbT8b92N9uSSd9lnmy++WQn"
        "STdtmp7rWiY5XitQN/ym5VvNFcckFcocQyqnzyiKYnqtTr2Q37OcbZuQNsnzTTtfb5PjBmrdtxptx23WyWoF"
        "nl/vFFWM5XJ6hl8Y8JXGtoVxeYm66noGbcmhigN6iq+Zx4Q+Jm6y20ZmXRknTG5qipbVUlq2jyl+wA/7UP/Z"
        "QjRNOMgwo0/HrIZjBDhk83va47ZsFnDYzmhZwmyU6uGIlurhqEwcIxxnOBE/WXH4ZCcTkSJO2RzUJZyWoKwA"
        "neFEKTorc+cI5xkuxKKiFF1MxEq4JEXZgeiyEF2RiauEawzXY1FpKLqRiJRxcyDKiUqNO2b7mFtX0tqsEN2S"
        "uduEOwx3Y1FJivKJWAX3uKhGmI9aPRSEqCgTJUKZoRKLykNRNRGpYsHOrClKSiEsSlNNmJbELkWm+zL4gPCQ"
        "4VFsKkvT40RuAcvSVBuYngjTU5l4RlhheB6bKkPTaiKyiBf7ppei0+WmyT5eiX2aFKY1GdQIrxnWY1NFmt4k"
        "ckvY4Ca+52+jVg+bwsRkYovwjuF9bKoOTR/2I2nxQs7jY4RKc5QuUV2B+iQ2KkJ9lsUvhK8M32JUVaK+J3sF"
        "1KXqx0BlCFVDNkxCk8Fqh/ipT/HV9R2LjKZBBraj83ZO51MFTohf0XfasfyA/wHwW0sF+sT+pwU3xI6dHBbR"
        "CuHFw13Pc/nK3RAYWVmCHyIYGZZBIdojwwo6IfZGhlX8CfE3GraDRv4/biBKJA=="
    )
)


# A pickle, one instruction at a time


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def number(value):
    return b"J" + value.to_bytes(4, "little", signed=True)


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def called(name, *arguments):
    return b"c" + name.replace(" ", "\n").encode() + b"\n(" + b"".join(arguments) + b"tR"


def ordered_dict():
    return called("collections OrderedDict")


def tensor(key, shape, strides=None, offset=0, size=None, kind="torch FloatStorage"):
    if strides is None:
        strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    size = int(np.prod(shape)) if size is None else size
    name = b"c" + kind.replace(" ", "\n").encode() + b"\n"
    storage = b"(" + text("storage") + name + text(key) + text("cpu") + number(size) + b"tQ"
    view = numbers(shape) + numbers(strides)
    return called(
        "torch._utils _rebuild_tensor_v2", storage, number(offset), view, b"\x89", ordered_dict()
    )


def pickled(entries):
    """Write an ordered dict of entries, each made of the instructions above."""
    items = b"".join(text(name) + made for name, made in entries.items())
    return b"\x80\x02" + ordered_dict() + b"(" + items + b"u."


def write(path, instructions, storages, root="model_embedding", extra=None, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(f"{root}/data.pkl", instructions)
        for key, content in storages.items():
            archive.writestr(f"{root}/data/{key}", content)
        for name, content in {"version": b"3\n", **(extra or {})}.items():
            archive.writestr(f"{root}/{name}", content)


def as_torch(layers):
    """Name weights as the re-implementation does, with its order of the axes."""
    named = {}
    for n, (kernel, bias) in enumerate(layers, 1):
        named[f"conv_{n}.weight"] = np.ascontiguousarray(kernel.transpose(2, 1, 0))
        named[f"conv_{n}.bias"] = bias
    return named


def parts(named):
    entries = {name: tensor(str(i), a.shape) for i, (name, a) in enumerate(named.items())}
    return entries, {str(i): a.tobytes() for i, a in enumerate(named.values())}


@pytest.fixture
def layers():
    return random_layers(0, filters=TINY.filters)


@pytest.fixture
def named(layers):
    return as_torch(layers)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model_embedding.pt"


def tiny(path, config=TINY):
    return read_torch_encoder(path, config, LENGTH)


def test_features_of_a_file_are_those_of_the_original_network(path):
    layers = random_layers(1)
    storages = {str(i): a.tobytes() for i, a in enumerate(as_torch(layers).values())}
    write(path, OF_PYTORCH, storages)
    windows = np.random.default_rng(2).normal(size=(2, 2560)).astype("float32")
    found = keras.ops.convert_to_numpy(read_torch_encoder(path)(windows))
    expected = features_by_hand(windows, layers, PADS, slope=0)
    assert expected.shape == (2, 128) and np.abs(expected).max() > 1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    # What "same" would give in its place is something else.
    other = [pad[::-1] for pad in PADS]
    assert np.abs(features_by_hand(windows[:1], layers, other, 0) - found[:1]).max() > 1e-3


@pytest.mark.parametrize("slope", [0.0, 0.01])
@pytest.mark.parametrize("length", [200, 201, 203])
def test_padding_and_slope_at_other_lengths(path, layers, named, slope, length):
    entries, storages = parts(named)
    write(path, pickled(entries), storages)
    config = replace(TINY, activation="leaky_relu", slope=slope) if slope else TINY
    windows = np.random.default_rng(3).normal(size=(4, length)).astype("float32")
    found = read_torch_encoder(path, config, length)(windows)
    expected = features_by_hand(windows, layers, PADS, slope)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, rtol=0, atol=1e-5)


def test_hand_made_instructions_mean_what_those_of_pytorch_mean(path, tmp_path):
    entries, storages = parts(as_torch(random_layers(4)))
    write(path, pickled(entries), storages)
    write(tmp_path / "other.pt", OF_PYTORCH, storages)
    ours, theirs = (read_torch_encoder(p) for p in (path, tmp_path / "other.pt"))
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_views_parameters_other_roots_and_the_other_byte_order(path, layers, named):
    entries, storages = parts(named)
    kernel = layers[1][0]  # stored as (taps, channels, filters), behind three other numbers
    taps, channels, filters = kernel.shape
    strides = (1, filters, filters * channels)
    entries["conv_2.weight"] = tensor("2", (filters, channels, taps), strides, 3, kernel.size + 3)
    storages["2"] = np.concatenate([np.zeros(3, "f4"), kernel.ravel()]).tobytes()
    entries["conv_1.bias"] = called(
        "torch._utils _rebuild_parameter", entries["conv_1.bias"], b"\x88", ordered_dict()
    )
    big = {k: np.frombuffer(c, "<f4").astype(">f4").tobytes() for k, c in storages.items()}
    for order, content in ((b"little", storages), (b"big", big)):
        write(path, pickled(entries), content, root="archive", extra={"byteorder": order})
        weights = tiny(path).get_weights()
        for (kernel, bias), ours, b in zip(layers, weights[::2], weights[1::2], strict=True):
            np.testing.assert_array_equal(ours[:-1], kernel)
            assert not ours[-1].any()
            np.testing.assert_array_equal(b, bias)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda n: n.pop("conv_3.bias"), "field conv_3.bias: no such weights"),
        (lambda n: n.update({"head_1.weight": n["conv_1.weight"]}), "field head_1.weight"),
        (
            lambda n: n.update({"conv_4.weight": n["conv_4.weight"].transpose(2, 1, 0)}),
            r"field conv_4.weight: shape \(16, 3, 3\).*shape \(3, 3, 16\)",
        ),
        (lambda n: n["conv_5.weight"].fill(np.nan), "field conv_5.weight: 96 of 96 .* not finite"),
        (lambda n: n["conv_6.bias"].fill(np.inf), "field conv_6.bias: 4 of 4 .* not finite"),
        (lambda n: n.clear(), "field conv_1.weight: no such weights"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(path, named, change, told):
    change(named)
    entries, storages = parts(named)
    write(path, pickled(entries), storages)
    with pytest.raises(DataError, match=rf"model_embedding\.pt, {told}"):
        tiny(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"strides": (512, 16, 1)}, "field conv_3.weight: 384 bytes"),
        ({"size": 90}, "bytes"),
        ({"size": 200}, "bytes"),
        ({"offset": 1}, "bytes"),
        ({"kind": "torch HalfStorage"}, r"torch\.HalfStorage', which is numbers of another type"),
    ],
)
def test_a_tensor_that_is_not_in_its_file_is_refused(path, named, change, told):
    entries, storages = parts(named)
    shape = named["conv_3.weight"].shape
    entries["conv_3.weight"] = tensor("4", shape, **change)
    storages["4"] = storages["4"][:384]
    write(path, pickled(entries), storages)
    with pytest.raises(DataError, match=rf"model_embedding\.pt.*{told}"):
        tiny(path)


def test_an_absent_or_compressed_part_is_refused(path, named):
    entries, storages = parts(named)
    del storages["7"]
    write(path, pickled(entries), storages)
    with pytest.raises(DataError, match=r"field model_embedding/data/7"):
        tiny(path)
    entries, storages = parts(named)
    write(path, pickled(entries), storages, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=r"field model_embedding/data\.pkl.*compressed"):
        tiny(path)


def test_nothing_that_a_pickle_asks_for_is_run(path, named, tmp_path):
    executed = tmp_path / "executed"
    entries, storages = parts(named)
    whole = pickled(entries)

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(executed),)

    calls = called("os mkdir", text(str(executed)))
    traps = {
        "a call": b"\x80\x02" + calls + b".",
        "a call before the weights": whole[:2] + calls + b"0" + whole[2:],
        "a call among them": pickled({**entries, "conv_1.bias": calls}),
        "in place of a tensor's hooks": whole.replace(ordered_dict(), calls),
        "by pickle": pickle.dumps(Trap(), 2),
        "by pickle 4": pickle.dumps(Trap(), 4),
        "an object": b"\x80\x02(ios\nmkdir\n.",
        "a new object": b"\x80\x02cos\nmkdir\n)\x81.",
        "a class of its own": b"\x80\x02csrc.model\nEcgCNN\n)R}b.",
        "an extension": b"\x80\x02\x82\x01.",
        "a state": whole[:-1] + ordered_dict() + b"}" + text("a") + calls + b"sb.",
        "a call of a tensor": b"\x80\x02" + tensor("0", (1,)) + b")R.",
        "a list": b"\x80\x02].",
        "a tensor without a name": b"\x80\x02" + tensor("0", (1,)) + b".",
        "a name without a tensor": pickled({**entries, "conv_1.bias": number(1)}),
    }
    for name, instructions in traps.items():
        write(path, instructions, storages)
        with pytest.raises(DataError, match=r"model_embedding\.pt: its pickle asks for") as caught:
            tiny(path)
        assert not executed.exists(), name
        assert len(str(caught.value)) < 400
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match="it is a Python pickle, which can run any code"):
        tiny(path)
    assert not executed.exists()


@pytest.mark.parametrize(
    "instructions",
    [
        b"",
        b"\x80",
        b"\x80\x02",
        b"\x80\x02}",
        b"\x80\x02}}.",
        b"\x80\x02(}.",
        b"\x80\x02t.",
        b"\x80\x02h\x07.",
        b"\x80\x02q\x00.",
        b"\x80\x02}(X\x01\x00\x00\x00au.",
        b"\x80\x02}(K\x01K\x01u.",
        b"\x80\x02X\xff\xff\xff\x7fa.",
        b"\x80\x02X\x01\x00\x00\x00\xff.",
        b"\x80\x02)Q.",
        b"\x80\x02K\x01Q.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nK\x01R.",
        b"\x80\x02s.",
        b"\x80\x02b.",
        b"not a pickle",
        OF_PYTORCH[:600],
    ],
)
def test_unfinished_instructions_are_refused(path, instructions):
    write(path, instructions, {})
    with pytest.raises(DataError, match=r"model_embedding\.pt: its (list of weights|pickle)"):
        tiny(path)


def test_sizes_are_bounded_by_the_file(path, named):
    entries, storages = parts(named)
    doubled = b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x00" * 2000 + b"."
    huge = pickled({**entries, "conv_1.weight": tensor("0", (2**30,) * 3, (1, 1, 1), size=9)})
    repeated = tensor("0", (2, 1, 32), (0, 0, 0), size=2**30)
    stretched = pickled({**entries, "conv_1.weight": repeated})
    long = pickled({f"{n:0100}": tensor("0", (1,)) for n in range(6000)})
    for instructions in (doubled, huge, stretched, long):
        write(path, instructions, storages)
        with pytest.raises(DataError, match=r"model_embedding\.pt"):
            tiny(path)


def test_damaged_files_are_refused(path, named, tmp_path):
    write(path, pickled(parts(named)[0]), parts(named)[1])
    whole = path.read_bytes()
    rng = np.random.default_rng(5)
    damaged = [whole[:n] for n in (0, 3, 10, 500, len(whole) // 2, len(whole) - 30)]
    damaged += [rng.bytes(2000), b"PK\x03\x04" + rng.bytes(2000), b"\x80\x02" + rng.bytes(2000)]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"model_embedding\.pt: is not a PyTorch file"):
            tiny(path)
    with pytest.raises(DataError, match=r"absent\.pt: cannot be opened"):
        tiny(tmp_path / "absent.pt")
    with pytest.raises(DataError, match="cannot be opened"):
        tiny(tmp_path)


def test_a_changed_byte_is_refused_or_changes_no_number(path, named):
    write(path, pickled(parts(named)[0]), parts(named)[1])
    whole, good = path.read_bytes(), digest_of(tiny(path))
    rng = np.random.default_rng(6)
    refused = 0
    for at in rng.integers(len(whole), size=150):
        other = bytes([whole[at] ^ int(rng.integers(1, 256))])
        path.write_bytes(whole[:at] + other + whole[at + 1 :])
        try:
            assert digest_of(tiny(path)) == good, at
        except DataError:
            refused += 1
    assert refused > 100


def digest_of(encoder):
    return hashlib.sha256(b"".join(w.tobytes() for w in encoder.get_weights())).hexdigest()
