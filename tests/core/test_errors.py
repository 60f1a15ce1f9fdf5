import pickle

import pytest

from ecglib.core.errors import MAX_MESSAGE, DataError


def test_message_names_the_place_the_problem_the_expectation_and_the_remedy():
    error = DataError(
        "rating 7",
        file="DREAMER.mat",
        participant=3,
        clip=2,
        field="ScoreValence",
        expected="a whole number from 1 to 5",
        remedy="download the file again",
    )
    assert str(error) == (
        "DREAMER.mat, participant 3, clip 2, field ScoreValence: rating 7. "
        "Expected a whole number from 1 to 5. To fix it: download the file again."
    )
    assert (error.participant, error.clip, error.field) == (3, 2, "ScoreValence")


def test_message_leaves_out_what_was_not_given():
    assert str(DataError("no windows")) == "no windows."
    assert str(DataError("no windows", field="fs")) == "field fs: no windows."


def test_a_caller_adds_what_only_it_knows():
    error = DataError("flat", participant=1, clip=4, field="ECG", expected="beats")
    told = error.but(file="a.mat", remedy="look")
    assert vars(told) == {**vars(error), "file": "a.mat", "remedy": "look"}
    assert str(told).startswith("a.mat, participant 1, clip 4, field ECG: flat. Expected beats.")
    assert error.file is None


def test_is_a_value_error():
    assert issubclass(DataError, ValueError)


def test_survives_the_way_back_from_a_worker_process():
    error = DataError("flat", file="a.mat", participant=1, clip=4, field="ECG", remedy="look")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("long", ["problem", "file", "field", "expected", "remedy"])
def test_a_long_message_is_cut_where_it_is_longest(long):
    parts = {"file": "a.mat", "field": "x", "expected": "less", "remedy": "look"}
    text = "first " + "word " * 1000 + "last"
    error = DataError(**{"problem": "odd", **parts, long: text})
    message = str(error)
    assert len(message) <= MAX_MESSAGE
    assert message.count(" ... ") == 1 and "last" in message
    assert getattr(error, long) == text
    for name, value in {"problem": "odd", **parts}.items():
        assert name == long or value in message


def test_many_long_parts_are_all_cut():
    text = "word " * 1000
    error = DataError(text, file=text, field=text, expected=text, remedy=text)
    assert len(str(error)) <= MAX_MESSAGE and "To fix it: word" in str(error)
    assert len(str(DataError("x" * MAX_MESSAGE))) == MAX_MESSAGE
    assert str(DataError("x" * (MAX_MESSAGE - 1))) == "x" * (MAX_MESSAGE - 1) + "."
