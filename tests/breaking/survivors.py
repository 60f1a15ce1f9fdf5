"""Why no test fails after some changes of the library: (line, what stands there instead) to why."""

_SIGNATURES = "tests/test_signatures.py notices"
_LOOSER = "at most half a megabyte more is made room for before the same error"
_GIVEN = '+ ("pretext windows are given" if regime {} NONE else "no pretext windows are given"),'

WHY: dict[str, dict[tuple[str, str], str]] = {
    "ecglib.data.dreamer": {
        ("expected=SCALES[0].expected,", "expected=SCALES[ 1].expected,"): "the scales are alike",
        ("expected=SCALES[0].expected,", "expected=SCALES[ -1].expected,"): "the scales are alike",
        (
            "",
            "def read_dreamer(path: str | os.PathLike[str], *, allow_duplicates: bool = False) "
            "-> Cohort:",
        ): _SIGNATURES,
        ("", "def cohort_from_struct("): _SIGNATURES,
        (
            "def read_dreamer(path: str | os.PathLike[str], *, allow_duplicates: bool = False) "
            "-> Cohort:",
            "def read_dreamer(path: str | os.PathLike[str], /, allow_duplicates: bool = False) "
            "-> Cohort:",
        ): "a caller who names the arguments sees no difference",
        (
            "if age not in range(1, 121):",
            "if age not in range( 0, 121):",
        ): "zero has been refused before, as no positive number",
        (
            "if not 0 < number < np.inf:",
            "if not 0 < number != np.inf:",
        ): "nothing but infinity is above all numbers",
    },
    "ecglib.data.matfile": {
        (
            "if other is not variable:",
            "if other != variable:",
        ): "no two variables begin at the same byte",
    },
    "ecglib.data.mat_arrays": {
        (
            "return structs[0] if count == 1 else structs",
            "return structs[ -1] if count == 1 else structs",
        ): "a single one is the first and the last",
        (
            'names = [part.split(b"\\0", 1)[0].decode("latin-1") for part in parts]',
            'names = [part.split(b"\\0", 2)[0].decode("latin-1") for part in parts]',
        ): "only what stands before the first zero is taken",
        (
            "if of_class == _OPAQUE:",
            "if of_class is _OPAQUE:",
        ): "Python keeps one object of each small whole number",
        (
            'encoding += "-le" if self.order == "<" else "-be"',
            'encoding += "-le" if self.order <= "<" else "-be"',
        ): "the other order is >, which comes after <",
    },
    "ecglib.data.mat_stream": {
        (
            "here = len(self._piece) - self._at",
            "here = len(self._piece) + self._at",
        ): _LOOSER,
        (
            "here = len(self._piece) - self._at",
            "here = len(self._piece) ^ self._at",
        ): _LOOSER,
        (
            "here = len(self._piece) - self._at",
            "here = len(self._piece) | self._at",
        ): _LOOSER,
        (
            "if n > here + _MOST_INFLATED * (packed + 64):",
            "if n > here + _MOST_INFLATED * (packed | 64):",
        ): "only what inflates almost as far as anything can would notice",
        (
            "if self._at == len(self._piece) and not self._next_piece():",
            "if self._at >= len(self._piece) and not self._next_piece():",
        ): "it is never beyond the end of the piece",
    },
    "ecglib.evaluation.audit": {
        ("*,", "/,"): "a caller who names the arguments sees no difference",
        (
            "line = np.ptp(start) + 2 * apart_s",
            "line = np.ptp(start) + 2 + apart_s",
        ): "either is longer than a recording and the gap",
        (
            _GIVEN.format("=="),
            _GIVEN.format("<="),
        ): "no other regime comes before this one in the alphabet",
        (
            "return np.min(np.abs(nearest - time), axis=0) < self.apart_s",
            "return np.min(np.abs(nearest - time), axis=0) <= self.apart_s",
        ): "no two starts differ by exactly this",
        (
            'if kind != "window" and set(columns) <= set(meta)',
            'if kind <= "window" and set(columns) <= set(meta)',
        ): "it is counted and never asked for",
    },
    "ecglib.evaluation.splits": {
        ("if column == DATASET", "if column is DATASET"): "the column is that very constant",
    },
    "ecglib.evaluation.metrics": {
        (
            "rank_sum = rankdata(probability)[truth == 1].sum()",
            "rank_sum = rankdata(probability)[truth >= 1].sum()",
        ): "labels are 0 or 1",
    },
}
