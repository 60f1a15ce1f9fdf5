"""Why no test fails after some changes of the library: (line, what stands there instead) to why."""

WHY: dict[str, dict[tuple[str, str], str]] = {}
