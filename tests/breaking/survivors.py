"""Why no test fails after some changes of the library: (line, what stands there instead) to why."""

WHY: dict[str, dict[tuple[str, str], str]] = {
    "ecglib.evaluation.metrics": {
        (
            "rank_sum = rankdata(probability)[truth == 1].sum()",
            "rank_sum = rankdata(probability)[truth >= 1].sum()",
        ): "labels are 0 or 1",
    },
}
