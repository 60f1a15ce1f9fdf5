"""Keras without compilers, which take longer than a tiny training."""

from collections.abc import Callable


def uncompiled(compile_model: Callable[..., None], *, eagerly: bool) -> Callable[..., None]:
    """Give a model's `compile` without XLA, and where it is to run eagerly without a graph."""

    def compile_nothing(model: object, *given: object, **options: object) -> None:
        eager = eagerly or options.get("run_eagerly", False)
        compile_model(model, *given, **{**options, "jit_compile": False, "run_eagerly": eager})

    return compile_nothing
