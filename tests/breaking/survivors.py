"""Why no test fails after some changes of the library: (line, what stands there instead) to why."""

_SIGNATURES = "tests/test_signatures.py notices"
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
    },
    "ecglib.evaluation.audit": {
        ("*,", "/,"): "who names them notices nothing",
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
