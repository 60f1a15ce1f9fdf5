import hashlib
import pickle
import struct as binary
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from ecglib.core.errors import DataError
from ecglib.data import dreamer
from ecglib.data.dreamer import cohort_from_struct, find_dreamer, read_dreamer
from tests.data.mat_files import (
    cell,
    dreamer_struct,
    drop_field,
    ecg_samples,
    person,
    rating_of,
    seconds_of,
    set_ecg,
    set_field,
    write_mat,
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    return write_mat(tmp_path_factory.mktemp("mat") / "DREAMER.mat")


@pytest.fixture(scope="module")
def cohort(sound):
    return read_dreamer(sound)


def refuse(tmp_path: Path, edit=None, **options) -> DataError:
    """Write a spoiled file and return the error that reading it raises."""
    path = write_mat(tmp_path / "spoiled.mat", edit, **options)
    with pytest.raises(DataError) as caught:
        read_dreamer(path)
    error = caught.value
    assert error.file == str(path)
    assert error.field and error.expected and error.remedy
    for part in (error.file, error.field, error.expected, error.remedy):
        assert part in str(error)
    return error


class TestReading:
    def test_one_row_per_recording_in_order(self, cohort):
        rows = cohort.recordings
        keys = list(zip(rows["participant"], rows["clip"], rows["condition"], strict=True))
        assert keys == [
            (p, c, condition)
            for p in (1, 2, 3)
            for c in (1, 2)
            for condition in ("baseline", "stimulus")
        ]

    def test_every_recording_holds_both_leads_of_its_own_samples(self, cohort):
        for row, signal in zip(cohort.recordings.itertuples(), cohort.signals, strict=True):
            seconds = seconds_of(row.clip, row.condition)
            expected = ecg_samples(row.participant, row.clip, row.condition, seconds)
            np.testing.assert_array_equal(signal, expected)
            assert signal.dtype == np.float32
            assert (row.n_samples, row.duration) == (len(expected), seconds)

    def test_ratings_come_from_the_field_of_their_name(self, cohort):
        """Regression: the published code fills its valence column from the dominance field."""
        rows = cohort.recordings
        for target in ("valence", "arousal", "dominance"):
            expected = [
                rating_of(target, p, c)
                for p, c in zip(rows["participant"], rows["clip"], strict=True)
            ]
            assert rows[target].tolist() == expected
        assert rows["valence"].tolist() != rows["dominance"].tolist()

    def test_ratings_do_not_depend_on_the_order_of_the_fields(self, tmp_path, cohort):
        def reverse(struct):
            for p in (1, 2, 3):
                fields = person(struct, p)
                for name in reversed(list(fields)):
                    fields[name] = fields.pop(name)

        other = read_dreamer(write_mat(tmp_path / "a.mat", reverse))
        assert other.recordings.equals(cohort.recordings)

    def test_one_changed_valence_changes_valence_only(self, tmp_path, cohort):
        def edit(struct):
            person(struct, 2)["ScoreValence"][1] = 6 - rating_of("valence", 2, 2)

        rows = read_dreamer(write_mat(tmp_path / "a.mat", edit)).recordings
        changed = rows.ne(cohort.recordings)
        assert changed["valence"].sum() == 2  # the clip and its baseline
        assert changed.drop(columns="valence").to_numpy().sum() == 0

    def test_age_and_gender(self, cohort):
        people = cohort.recordings.groupby("participant")[["age", "gender"]].first()
        assert people["age"].tolist() == [21, 22, 23]
        assert people["gender"].tolist() == ["male", "female", "male"]

    @pytest.mark.parametrize(("age", "gender", "read"), [(31.0, 2.0, "2"), (" 31 ", " f ", "f")])
    def test_age_and_gender_as_numbers_or_padded_text(self, tmp_path, age, gender, read):
        def edit(struct):
            person(struct, 1).update(Age=age, Gender=gender)

        row = read_dreamer(write_mat(tmp_path / "a.mat", edit)).recordings.iloc[0]
        assert (row["age"], row["gender"]) == (31, read)

    def test_identity_of_the_file(self, sound, cohort):
        assert cohort.sha256 == hashlib.sha256(sound.read_bytes()).hexdigest()
        assert (cohort.version, cohort.fs, cohort.name) == ("1.0.2", 256.0, "DREAMER")

    @pytest.mark.parametrize("field", ["Provider", "Disclaimer", "Version"])
    def test_a_file_that_calls_itself_synthetic_is_named_so(self, tmp_path, field):
        path = write_mat(tmp_path / "a.mat", set_field(field, "A Synthetic cohort"))
        assert read_dreamer(path).name == "synthetic"

    @pytest.mark.parametrize(("n_participants", "n_clips"), [(1, 1), (1, 3), (4, 1), (2, 5)])
    def test_the_counts_are_the_files_own(self, tmp_path, n_participants, n_clips):
        path = write_mat(tmp_path / "a.mat", n_participants=n_participants, n_clips=n_clips)
        rows = read_dreamer(path).recordings
        assert rows["participant"].max() == n_participants
        assert rows["clip"].max() == n_clips
        assert len(rows) == 2 * n_participants * n_clips

    def test_orientation_of_cells_and_ratings_does_not_matter(self, tmp_path, cohort):
        def turn(struct):
            struct["Data"] = struct["Data"].T
            for fields in struct["Data"].ravel():
                for field in ("baseline", "stimuli"):
                    fields["ECG"][field] = fields["ECG"][field].T
                for field in ("ScoreValence", "ScoreArousal", "ScoreDominance"):
                    fields[field] = fields[field].T

        other = read_dreamer(write_mat(tmp_path / "a.mat", turn))
        assert other.recordings.equals(cohort.recordings)

    def test_without_compression_with_integers_and_without_eeg(self, tmp_path, cohort):
        def edit(struct):
            for fields in struct["Data"].ravel():
                del fields["EEG"]
                for recordings in fields["ECG"].values():
                    recordings[:] = cell(
                        [x.astype(np.int16) for x in recordings.ravel()], recordings.shape
                    )

        other = read_dreamer(write_mat(tmp_path / "a.mat", edit, compress=False))
        assert other.recordings.equals(cohort.recordings)
        for ours, theirs in zip(other.signals, cohort.signals, strict=True):
            np.testing.assert_array_equal(ours, theirs)

    def test_never_unpickles(self, sound, monkeypatch, tmp_path):
        def forbidden(*args, **kwargs):
            raise AssertionError("unpickled")

        for name in ("load", "loads", "Unpickler"):
            monkeypatch.setattr(pickle, name, forbidden)
        assert len(read_dreamer(sound).signals) == 12
        path = tmp_path / "pickle.mat"
        path.write_bytes(pickle.dumps({"DREAMER": list(range(100))}))
        with pytest.raises(DataError, match="MATLAB v5"):
            read_dreamer(path)


class TestDamagedFiles:
    def test_missing_file(self, tmp_path):
        with pytest.raises(DataError, match=r"absent\.mat: there is no such file.*check the path"):
            read_dreamer(tmp_path / "absent.mat")

    def test_folder(self, tmp_path):
        with pytest.raises(DataError, match="not a file"):
            read_dreamer(tmp_path)

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"", "only 0 bytes"),
            (b"participant,clip\n1,1\n", "only 21 bytes"),
            (b"participant,clip\n" * 50, "does not begin with a MATLAB v5 header"),
            (b"\x89HDF\r\n\x1a\n" + bytes(600), "v7.3"),
            (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(512), "v7.3"),
            (binary.pack("<iiiii", 0, 2, 2, 0, 2) + bytes(200), "does not begin with"),
        ],
        ids=["empty", "short", "text", "HDF5", "v7.3", "v4"],
    )
    def test_other_formats(self, tmp_path, content, problem):
        path = tmp_path / "other.mat"
        path.write_bytes(content)
        with pytest.raises(DataError, match=problem) as caught:
            read_dreamer(path)
        assert caught.value.file == str(path)
        assert caught.value.remedy

    def test_v73_file_says_how_to_convert_it(self, tmp_path):
        path = tmp_path / "new.mat"
        path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(512))
        with pytest.raises(DataError, match="'-v7'"):
            read_dreamer(path)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
    @pytest.mark.parametrize("compress", [True, False])
    def test_truncated(self, tmp_path, share, compress):
        path = write_mat(tmp_path / "cut.mat", compress=compress)
        content = path.read_bytes()
        path.write_bytes(content[: round(len(content) * share)])
        with pytest.raises(DataError, match="cannot be read"):
            read_dreamer(path)

    def test_header_only(self, tmp_path, sound):
        path = tmp_path / "header.mat"
        path.write_bytes(sound.read_bytes()[:128])
        with pytest.raises(DataError, match="holds none"):
            read_dreamer(path)

    def test_any_damaged_byte_of_the_compressed_data_is_noticed(self, tmp_path, sound):
        content = sound.read_bytes()
        path = tmp_path / "damaged.mat"
        for place in np.linspace(136, len(content) - 1, 60).astype(int):
            damaged = bytearray(content)
            damaged[place] ^= 0x55
            path.write_bytes(damaged)
            with pytest.raises(DataError, match="cannot be read"):
                read_dreamer(path)

    def test_other_variable(self, tmp_path):
        error = refuse(tmp_path, variable="SEED")
        assert error.field == "DREAMER"
        assert "SEED" in error.problem

    def test_variable_that_is_no_struct(self, tmp_path):
        from scipy.io import savemat

        path = tmp_path / "a.mat"
        savemat(path, {"DREAMER": np.eye(3)})
        with pytest.raises(DataError, match="struct"):
            read_dreamer(path)


class TestWrongFields:
    @pytest.mark.parametrize(
        "name",
        [
            "Data",
            "ECG_SamplingRate",
            "noOfSubjects",
            "noOfVideoSequences",
            "Provider",
            "Disclaimer",
            "Version",
        ],
    )
    def test_missing_field_of_the_file(self, tmp_path, name):
        error = refuse(tmp_path, drop_field(name))
        assert error.field == name
        assert "missing" in error.problem

    @pytest.mark.parametrize(
        "name", ["Age", "Gender", "ECG", "ScoreValence", "ScoreArousal", "ScoreDominance"]
    )
    def test_missing_field_of_a_participant(self, tmp_path, name):
        error = refuse(tmp_path, drop_field(name, participant=2))
        assert (error.participant, error.field) == (2, name)

    @pytest.mark.parametrize("name", ["baseline", "stimuli"])
    def test_missing_ecg_field(self, tmp_path, name):
        error = refuse(tmp_path, lambda struct: person(struct, 3)["ECG"].pop(name))
        assert (error.participant, error.field) == (3, f"ECG.{name}")

    @pytest.mark.parametrize("rate", [128.0, 255.9, 512.0, 0.0, np.nan, "fast", np.zeros((0, 0))])
    def test_wrong_sampling_rate(self, tmp_path, rate):
        error = refuse(tmp_path, set_field("ECG_SamplingRate", rate))
        assert error.field == "ECG_SamplingRate"

    @pytest.mark.parametrize("count", [2.0, 4.0, 2.5, -3.0])
    def test_wrong_number_of_participants(self, tmp_path, count):
        error = refuse(tmp_path, set_field("noOfSubjects", count))
        assert error.field in ("Data", "noOfSubjects")
        assert "noOfSubjects" in str(error)

    def test_wrong_number_of_clips(self, tmp_path):
        error = refuse(tmp_path, set_field("noOfVideoSequences", 3.0))
        assert "noOfVideoSequences" in error.expected

    @pytest.mark.parametrize("name", ["baseline", "stimuli"])
    def test_one_clip_too_few(self, tmp_path, name):
        def edit(struct):
            ecg = person(struct, 2)["ECG"]
            ecg[name] = ecg[name][:1]

        error = refuse(tmp_path, edit)
        assert (error.participant, error.field) == (2, f"ECG.{name}")
        assert "cell array of 1" in error.problem

    @pytest.mark.parametrize("name", ["ScoreValence", "ScoreArousal", "ScoreDominance"])
    @pytest.mark.parametrize("rating", [0.0, 6.0, 2.5, -1.0, np.nan, np.inf])
    def test_rating_outside_the_scale(self, tmp_path, name, rating):
        def edit(struct):
            person(struct, 2)[name][1] = rating

        error = refuse(tmp_path, edit)
        assert (error.participant, error.clip, error.field) == (2, 2, name)
        assert "1 to 5" in error.expected

    @pytest.mark.parametrize(
        "value", [np.ones((3, 1)), np.ones((0, 0)), np.ones((2, 2)), "high", np.ones((2, 1)) * 1j]
    )
    def test_ratings_of_a_wrong_shape(self, tmp_path, value):
        error = refuse(tmp_path, set_field("ScoreArousal", value, participant=1))
        assert (error.participant, error.field) == (1, "ScoreArousal")

    @pytest.mark.parametrize("age", ["", "old", "0", 22.5, np.nan, 300.0, np.ones((2, 1))])
    def test_age_that_is_no_age(self, tmp_path, age):
        error = refuse(tmp_path, set_field("Age", age, participant=3))
        assert (error.participant, error.field) == (3, "Age")

    @pytest.mark.parametrize(
        ("age", "why"),
        [(121.0, "whole years from 1 to 120"), ("121", "whole years from 1 to 120")]
        + [(value, "one positive number") for value in (0.0, "0", -1.0, np.inf, "-inf", np.nan)],
    )
    def test_what_is_no_age_and_what_is_no_number_are_told_apart(self, tmp_path, age, why):
        assert refuse(tmp_path, set_field("Age", age, participant=3)).expected == why

    @pytest.mark.parametrize("age", [1.0, 120.0, "1", "120"])
    def test_the_youngest_and_the_oldest_are_read(self, tmp_path, age):
        path = write_mat(tmp_path / "ages.mat", set_field("Age", age, participant=2))
        rows = read_dreamer(path).recordings
        assert set(rows.loc[rows["participant"] == 2, "age"]) == {int(age)}

    @pytest.mark.parametrize("rate", [0.0, -256.0, np.inf])
    def test_a_rate_that_is_no_number_is_not_compared_with_the_right_one(self, tmp_path, rate):
        error = refuse(tmp_path, set_field("ECG_SamplingRate", rate))
        assert error.expected == "one positive number"

    @pytest.mark.parametrize("gender", ["", "  ", np.nan, np.ones((2, 1))])
    def test_gender_that_is_no_text(self, tmp_path, gender):
        error = refuse(tmp_path, set_field("Gender", gender, participant=1))
        assert (error.participant, error.field) == (1, "Gender")


class TestWhatIsNotRead:
    """Sparse arrays, objects and other things that MATLAB can write and that are not read."""

    @pytest.mark.parametrize("field", ["Acknowledgement", "EEG_Electrodes", "EEG_SamplingRate"])
    def test_it_does_not_matter_where_nothing_is_needed(self, tmp_path, field, cohort):
        path = write_mat(tmp_path / "a.mat", set_field(field, csr_matrix(np.eye(2))))
        assert read_dreamer(path).recordings.equals(cohort.recordings)

    @pytest.mark.parametrize(
        "field", ["Data", "ECG_SamplingRate", "noOfSubjects", "noOfVideoSequences", "Version"]
    )
    def test_a_field_of_the_file_that_is_needed(self, tmp_path, field):
        error = refuse(tmp_path, set_field(field, csr_matrix(np.eye(2))))
        assert error.field == field
        assert f"a sparse array, which is not read here (DREAMER.{field})" in error.problem
        assert "damaged" not in str(error)

    @pytest.mark.parametrize("field", ["Age", "Gender", "ScoreValence", "ECG"])
    def test_a_field_of_a_participant(self, tmp_path, field):
        error = refuse(tmp_path, set_field(field, csr_matrix(np.eye(2)), participant=2))
        assert error.participant == 2 and error.field.split(".")[0] == field
        assert f"a sparse array, which is not read here (DREAMER.Data{{2}}.{field})" in str(error)

    def test_a_recording(self, tmp_path):
        error = refuse(tmp_path, set_ecg(3, 2, "stimuli", csr_matrix))
        assert (error.participant, error.clip, error.field) == (3, 2, "ECG.stimuli")
        assert "a sparse array, which is not read here (DREAMER.Data{3}.ECG.stimuli{2})" in str(
            error
        )

    def test_cells_within_cells(self, tmp_path):
        error = refuse(tmp_path, set_ecg(3, 2, "stimuli", lambda x: cell([x], (1, 1))))
        assert (error.participant, error.clip, error.field) == (3, 2, "ECG.stimuli")
        assert error.problem.startswith("a cell array of 1 instead of")


def _with(value, sample=700, lead=1):
    def change(signal):
        signal[sample, lead] = value
        return signal

    return change


class TestWrongRecordings:
    @pytest.mark.parametrize("name", ["baseline", "stimuli"])
    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            (lambda x: x.T, "shape"),
            (lambda x: x[:, :1], "shape"),
            (lambda x: np.hstack([x, x]), "shape"),
            (lambda x: np.stack([x, x], axis=2), "shape"),
            (lambda x: x[:0], "empty"),
            (lambda x: np.zeros((0, 0)), "empty"),
            (lambda x: x[:2559], "only 2559 samples"),
            (_with(np.nan), "first nan at sample 700 of lead 2"),
            (_with(np.inf), "first inf"),
            (_with(-np.inf), "first -inf"),
            (_with(1e300), "first inf"),
            (lambda x: "signal", "floating"),
            (lambda x: x * 1j, "floating"),
            (lambda x: cell([x], (1, 1)), "floating"),
        ],
        ids=[
            "transposed",
            "one lead",
            "four leads",
            "three axes",
            "empty",
            "0 x 0",
            "too short",
            "NaN",
            "Inf",
            "-Inf",
            "beyond float32",
            "text",
            "complex",
            "cell",
        ],
    )
    def test_refused_by_name(self, tmp_path, name, change, problem):
        error = refuse(tmp_path, set_ecg(3, 2, name, change))
        assert (error.participant, error.clip, error.field) == (3, 2, f"ECG.{name}")
        assert problem in error.problem

    def test_ten_seconds_are_enough(self, tmp_path):
        path = write_mat(tmp_path / "a.mat", set_ecg(1, 1, "stimuli", lambda x: x[:2560]))
        assert read_dreamer(path).recordings.loc[1, "duration"] == 10.0

    def test_transposed_recording_says_so(self, tmp_path):
        assert "transpose" in refuse(tmp_path, set_ecg(1, 1, "stimuli", lambda x: x.T)).remedy


class TestCopies:
    def write(self, tmp_path, *copies, leads=slice(None)):
        """Put noise into every recording, then copy some: (participant, field, clip) to another."""
        places = [(p, n, c) for p in (1, 2, 3) for n in ("baseline", "stimuli") for c in (1, 2)]
        rng = np.random.default_rng(0)
        samples = {place: rng.integers(1500, 2500, (3000, 2)).astype(float) for place in places}
        for one, other in copies:
            samples[other] = samples[one][:, leads]

        def fill(struct):
            for (p, name, clip), ecg in samples.items():
                struct["Data"].ravel()[p - 1]["ECG"][name].ravel()[clip - 1] = ecg

        return write_mat(tmp_path / "copied.mat", fill)

    def test_a_participant_who_is_there_twice(self, tmp_path):
        whole = [((1, n, c), (3, n, c)) for n in ("baseline", "stimuli") for c in (1, 2)]
        path = self.write(tmp_path, *whole)
        with pytest.raises(DataError) as caught:
            read_dreamer(path)
        assert caught.value.file == str(path)
        assert "participant 3, clip 1, baseline (from second 0.0)" in str(caught.value)
        assert "as participant 1, clip 1, baseline" in str(caught.value)
        assert "4 pairs share samples, of the participants 1 and 3." in str(caught.value)
        assert len(read_dreamer(path, allow_duplicates=True).recordings) == 12

    def test_a_recording_under_two_clips(self, tmp_path):
        path = self.write(tmp_path, ((2, "stimuli", 1), (2, "stimuli", 2)))
        with pytest.raises(DataError, match=r"participant 2, clip 2, stimulus .* 2, clip 1, stim"):
            read_dreamer(path)

        (again,) = read_dreamer(path, allow_duplicates=True).select([2], [2], ["stimulus"]).signals
        assert len(again) == 3000

    def test_a_recording_of_somebody_else(self, tmp_path):
        path = self.write(tmp_path, ((1, "stimuli", 2), (3, "stimuli", 1)))
        with pytest.raises(DataError) as caught:
            read_dreamer(path)
        text = str(caught.value)
        assert "participant 3, clip 1, stimulus (from second 0.0) has 11.7 s of the same" in text
        assert "as participant 1, clip 2, stimulus" in text and "allow_duplicates=True" in text

    def test_leads_that_changed_places(self, tmp_path):
        path = self.write(tmp_path, ((1, "stimuli", 2), (3, "stimuli", 1)), leads=[1, 0])
        with pytest.raises(DataError, match="participant 3, clip 1, stimulus"):
            read_dreamer(path)

    def test_nobody_twice(self, tmp_path):
        assert len(read_dreamer(self.write(tmp_path)).recordings) == 12


def test_a_text_is_quoted_in_forty_characters():
    assert dreamer._describe("x" * 40 + "y") == f"the text {'x' * 40!r}"


def test_one_second_and_more_is_kept_as_float32_while_it_is_read():
    kinds = [dreamer._compact(np.ones(n)).dtype for n in (255, 256, 257)]
    assert kinds == [np.float64, np.float32, np.float32]
    assert dreamer._compact(np.ones(256, bool)).dtype == bool


def test_parsing_needs_no_file():
    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray) and value.dtype == object:
            return [plain(item) for item in value.ravel()]
        return value if isinstance(value, str) else np.asarray(value)

    cohort = cohort_from_struct(plain(dreamer_struct()), file="nowhere.mat")
    assert len(cohort.signals) == 12
    assert cohort.sha256 == ""


class TestFinding:
    @pytest.fixture(autouse=True)
    def _clean(self, monkeypatch, tmp_path):
        monkeypatch.delenv("ECGLIB_DREAMER", raising=False)
        monkeypatch.chdir(tmp_path)

    @pytest.fixture
    def places(self, tmp_path):
        """Return the three places, each with a file."""
        (tmp_path / "data").mkdir()
        paths = [
            tmp_path / "argument.mat",
            tmp_path / "variable.mat",
            tmp_path / "data/DREAMER.mat",
        ]
        for path in paths:
            path.touch()
        return paths

    def test_the_argument_comes_first_then_the_variable_then_the_folder(
        self, places, tmp_path, monkeypatch
    ):
        argument, variable, default = places
        assert find_dreamer() == default
        monkeypatch.setenv("ECGLIB_DREAMER", str(variable))
        assert find_dreamer() == variable
        assert find_dreamer(argument) == argument

    def test_nothing_given_is_none(self, tmp_path):
        assert find_dreamer() is None

    def test_an_empty_variable_counts_as_not_given(self, tmp_path, monkeypatch):
        monkeypatch.setenv("ECGLIB_DREAMER", "")
        assert find_dreamer() is None

    def test_a_missing_argument_is_never_replaced(self, places, tmp_path, monkeypatch):
        monkeypatch.setenv("ECGLIB_DREAMER", str(places[1]))
        with pytest.raises(DataError, match=r"absent\.mat: the argument"):
            find_dreamer("absent.mat")

    def test_a_missing_variable_is_never_replaced(self, places, tmp_path, monkeypatch):
        monkeypatch.setenv("ECGLIB_DREAMER", str(tmp_path / "absent.mat"))
        with pytest.raises(
            DataError, match=r"absent\.mat: the environment variable ECGLIB_DREAMER"
        ):
            find_dreamer()

    def test_a_folder_is_no_file(self, tmp_path):
        with pytest.raises(DataError, match="no existing file"):
            find_dreamer(tmp_path)

    def test_a_dangling_link_in_the_default_place_is_an_error(self, tmp_path):
        (tmp_path / "data").mkdir()
        (tmp_path / "data/DREAMER.mat").symlink_to(tmp_path / "moved.mat")
        with pytest.raises(DataError, match="the default place"):
            find_dreamer()

    def test_relative_and_home_paths(self, places, tmp_path, monkeypatch):
        assert find_dreamer("argument.mat") == places[0]
        monkeypatch.setenv("HOME", str(tmp_path))
        assert find_dreamer("~/argument.mat") == places[0]

    def test_the_default_place_is_in_the_home_folder(self, places, tmp_path, monkeypatch):
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert find_dreamer() is None
        monkeypatch.setenv("ECGLIB_HOME", str(tmp_path))
        assert find_dreamer() == places[2]

    def test_a_relative_variable_starts_from_home_and_an_argument_from_here(
        self, places, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("ECGLIB_HOME", str(tmp_path / "data"))
        monkeypatch.setenv("ECGLIB_DREAMER", "../variable.mat")
        assert find_dreamer().samefile(places[1])
        assert find_dreamer("argument.mat") == places[0]
