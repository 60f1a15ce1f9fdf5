import numpy as np
import pytest

from ecglib.core.arrays import check_finite, digest, evenly_spaced, rows_by_value
from ecglib.core.errors import DataError


def test_digest_is_that_of_the_content():
    x = np.arange(12, dtype="float32").reshape(3, 4)
    assert digest(x) == digest(x.copy()) == digest(np.asfortranarray(x)) == digest(x[::1])
    assert digest(x.T.copy().T) == digest(x)
    changed = x.copy()
    changed[1, 2] = np.nextafter(changed[1, 2], np.float32(9))
    other = (changed, x[:2], x[::-1], x.T, x.astype("float64"))
    assert len({digest(each) for each in (x, *other)}) == 6
    assert digest(x.ravel()) == digest(x)
    assert len(digest(x)) == 64 and int(digest(x), 16) >= 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_array_that_is_not_finite_is_named(bad):
    good = {"text": np.array("nan"), "n": np.arange(3), "x": np.zeros((2, 2), "float32")}
    check_finite(good)
    with pytest.raises(DataError, match=r"^field y: 1 of 4 numbers are not finite"):
        check_finite({**good, "y": np.array([0, 1, bad, 2])})


def test_evenly_spaced_keeps_both_ends():
    rows = np.arange(100).reshape(50, 2)
    kept = evenly_spaced(rows, 7)
    assert kept.shape == (7, 2)
    assert kept[0].tolist() == [0, 1] and kept[-1].tolist() == [98, 99]
    assert set(np.diff(kept[:, 0] // 2)) <= {8, 9}


def test_evenly_spaced_takes_anything_in_an_order():
    names = np.array(["S00", 7, ("S", 2), None, "S04"], dtype=object)
    assert evenly_spaced(names, 2).tolist() == ["S00", "S04"]
    with pytest.raises(DataError, match="field rows: a text"):
        evenly_spaced("S00", 2)


@pytest.mark.parametrize("most", [5, 6, 1000])
def test_evenly_spaced_keeps_all_of_few(most):
    assert evenly_spaced(np.arange(5), most).tolist() == [0, 1, 2, 3, 4]


def test_rows_by_value_are_all_rows_once_and_in_order():
    values = np.random.default_rng(0).integers(-3, 4, 200)
    found = rows_by_value(values)
    assert list(found) == sorted(set(values.tolist()))
    for value, rows in found.items():
        assert rows.tolist() == np.flatnonzero(values == value).tolist()
    assert rows_by_value(np.array([], dtype=int)) == {}
