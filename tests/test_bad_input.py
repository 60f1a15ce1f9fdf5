"""Bad arguments end in a message that names them, in no raw error and in no number.

Good calls come from the examples in the docstrings, and from values by the names of arguments;
then one argument at a time is replaced by something bad.
"""

import contextlib
import inspect
import io
import signal
import typing
import warnings
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecglib.core.annotations import hints_of
from ecglib.core.errors import DataError
from tests.bad_input import Calls, by_name, copied, modules

ROOMS = ("preprocessing", "synthetic", "features", "models", "pretext", "transfer", "evaluation")
ROOMS = (*ROOMS, "data", "studies", "plots", "workflows")
"""Where numbers are made of arguments; `tests.test_signatures` calls the others too."""

LEFT_OUT = {
    "preprocessing.windows": "checked by its own tests, with every column and shape",
    "models.inference": "takes the weights of an encoder that was checked when it was built",
    "models.layers": "layers, whose arguments Keras checks",
    "models.card": "a card refuses every field by name in its own tests",
    "pretext.transformations": "tensors inside a graph; TransformConfig is called below",
    "pretext.views": "tensors inside a graph; ViewConfig is called below",
    "pretext.distributed": "joins other processes",
    "transfer.finetune.Standardise": "a layer",
    "transfer.frozen.StackedDense": "a layer",
    "transfer.frozen.train_heads": "trains",
    "transfer.classical.MarginSVC(": "scikit-learn checks its settings when it is fitted",
    "transfer.frozen.fit_heads": "trains",
    "evaluation.simulation.coverage_table": "simulates for seconds",
    "evaluation.simulation.cross_validation_table": "simulates for seconds",
    "evaluation.simulation.null_p_values": "simulates for seconds",
    "evaluation.simulation.simulated_power": "simulates for seconds",
    "evaluation.jobs": "runs functions, whatever they take",
    "studies.stages": "reads the code of all stages",
    "data.mat_stream": "streams inside the reader",
    "workflows.check_dreamer": "takes seconds; what it calls is called here",
    "models.embedding": "reads an encoder for seconds, and has its own tests",
    "workflows.sources.say_nothing": "does nothing",
    "workflows.recording_report": "draws a page for seconds; what it calls is called here",
    "workflows.pretraining": "trains",
    "pretext.pretrain.Clock": "Keras calls it",
    "pretext.pretrain.pretrain": "trains",
    "pretext.pretrain.train": "trains",
}
"""What is not called, and why."""

RIGHT = {
    "*(*=empty)": {
        "*window_features *band_powers *amplitude_statistics": "no windows have no features",
        "*band_pass *find_qrs *heart_rates *in_own_range *mains_share": "no windows, no values",
        "*sample_quality *window_quality *judge_windows *flat *long_runs": "no flags",
        "*within": "no runs cover nothing",
        "*aligned_beats *median_beat": "without beats there is no mean beat",
        "*polarity": "undecided without beats",
        "*linear.design_matrix": "participants alone make a design too",
        "*holm": "no test needs no correction",
        "*slowed *SavedModel.probabilities": "no windows, no values",
        "*looks": "nothing to do",
        "*labelled_people": "nobody is left of nobody",
        "*mean_and_interval": "says in its note that nothing is defined",
        "*Use": "a stage that learnt from other people used no windows",
    },
    "*(*=no rows)": {
        "*raise_on_leak": "no leaks",
        "*target_of": "the ends of a scale are given, not read",
        "*quality_report *usable_share": "no windows, an empty report",
        "*binary_labels *class_labels": "no windows, no labels",
        "*study_problems": "no windows are a problem, and it is told",
        "*fold_by_fold": "no predictions, no folds",
        "*page.table *save_csv *with_origin *as_rows *as_text": "an empty table",
        "*paired.verdicts": "no tests, nothing to say",
        "*shuffle_trials": "no windows, no ratings",
    },
    "*(found=*)": {"*stated_rate": "the rate that the caller gives comes first"},
    "*(leaks=no columns)": {"*raise_on_leak": "no leaks"},
    "*(*=no columns)": {"*page.table *save_csv *with_origin *as_rows": "an empty table"},
    "*(*=nothing)": {
        "*Collected.cohort": "no labels, and nothing to note",
        "*Cohort *read_folder *read_wfdb_folder *binary_targets *label_names": "no labels",
        "*read_variable *read_sheet *Recording": "nothing that is optional, or the defaults",
        "*age_and_sex *one_of_all": "nothing is stated",
        "*join_labels *refuse_to_replace_input *page.bullets *page.page *looks": "nothing to do",
        "*crossfit.group_of *group_of_folds": "no groups, no folds",
        "*fit_classifiers": "no folds, no answers",
        "*representation.Probes": "nobody is held out",
        "*summarise_scores": "all choices together are one",
        "*load_scores": "no column is required",
        "*check_each *check.overview": "no recordings, and it is told",
    },
    "*(*=[[]None])": {"*one_or_each *one_of_all *refuse_to_replace_input": "any values"},
    "*(people=texts)": {"*": "names of people"},
    "*(complete=texts)": {"*": "names of people"},
    "*(hidden=nothing)": {"*HeadConfig *build_head": "a head without hidden layers"},
    "*(*=shape)": {
        "*permutation.areas": "leading axes are broadcast",
        "*best_of": "any further axes",
        "*resample": "(1, n) is one sample of n leads",
        "*trimmed_stats": "all values count, whatever the shape",
        "*polarity": "one window, or several",
        "*labelled_people": "a set of people",
        "*to_counts": "any shape",
        "*long_first *Collected.add *as_signals": "channels of one sample each",
        "*Use": "find_leaks refuses it, with the fold and the stage",
    },
    "*(participant=texts)": {"*": "names of people"},
    "*(trial=texts)": {"*": "names of trials"},
    "*(baseline_trial=texts)": {"*": "names of trials"},
    "*(fold=texts)": {"*within_folds *people_scores": "names of folds"},
    "*(person=texts)": {"*": "names of people"},
    "*(y=texts)": {"*": "names of classes"},
    "*(models=texts)": {"*": "names of models"},
    "*(*=nan)": {
        "*preprocessing.*": "a missing sample stays missing and is flagged",
        "*data.*": "a missing sample stays missing and is flagged",
        "*slowed *FeatureTable *SavedModel.probabilities": "missing, or filled in",
        "*ecg_paper *leads_paper *quality_flags": "a gap in the line",
        "*holm": "a missing p-value stays missing",
        "*mean_and_interval": "who does not define a value is counted and left out",
        "*evaluate_estimator *evaluate": "the classifier fills in what is missing",
    },
    "*(*=inf)": {
        "*preprocessing.*": "flagged as missing",
        "*data.*": "flagged when windows are made",
        "*ecg_paper *leads_paper *quality_flags": "a gap in the line",
        "*slowed *SavedModel.probabilities": "windows and tables of features are checked",
    },
    "*(*=-1)": {
        "*CohortSpec *physiology *power *power_curves *ladder_source": "effects have two signs",
        "*coverage": "a mean can be of any size",
        "*People": "what is separated can be so downwards",
        "*prediction_rows *Use": "a number of a fold is a name",
        "*windows_of *check_signal": "a participant's number is a name",
        "*ecg_paper *leads_paper": "a time before the first R peak",
        "*Rating": "any scale",
    },
    "*(length=1e300)": {"*highpass_effect": "all of a shorter recording"},
    "*(lowest=-1)": {"*OrdinalLogistic *rating_models": "any scale"},
    "*(*=1e300)": {
        "*Config *People *CohortSpec *half_l2 *nt_xent": "any finite number: there is no largest",
        "*coverage": "a mean can be of any size",
        "*draw_person *physiology *slow_noise *amplitude_overlap": "there is no largest number",
        "*ContrastiveModel *build_str_heads *build_head": "any finite number: there is no largest",
        "*OrdinalLogistic *ladder_source": "any finite number: there is no largest",
        "*amplitude_reference": "so large a factor is told for sure",
        "*Rating *ecg_paper *leads_paper": "any scale, any time",
        "*on_new_grid": "one step is longer than the recording",
    },
}
"""Where a value is right although an argument looks bad, and why."""


NO_GOOD_CALL = {
    **dict.fromkeys(
        (
            "data.duplicates.refuse_duplicates",
            "data.eegmat.read_eegmat",
            "data.fetch.fetch",
            "data.swell.read_swell",
            "data.yaad.read_yaad",
            "pretext.released_weights.read_released_checkpoint",
            "studies.kept.check_encoder",
            "studies.real.clinic_cohort",
            "studies.real.read_real",
            "studies.real_tables.shipped",
            "studies.shipping.ship",
            "workflows.prediction.predict_files",
            "workflows.sources.read_known",
            "workflows.synthesize.synthesize",
        ),
        "the example shows a refusal, or needs files that are gone after it",
    ),
    **dict.fromkeys(
        (
            "data.duplicates.find_duplicates",
            "data.mat_arrays.MatReader.head",
            "data.mat_arrays.MatReader.variable",
            "data.pool.pool",
            "evaluation.predictions.append_predictions",
            "studies.real_findings.efficiency",
            "studies.real_findings.findings",
            "studies.real_scores.head",
            "transfer.ordinal.OrdinalLogistic.predict",
            "transfer.ordinal.OrdinalLogistic.predict_proba",
            "transfer.ordinal.OrdinalLogistic.probability_above",
        ),
        "arguments or the object itself can't be kept from the example: their own tests call them",
    ),
}
"""Functions that only `tests.test_signatures` and their own tests call with bad arguments."""

SLOW = (
    *("ecglib.evaluation.simulation", "ecglib.models.torch_weights", "ecglib.pretext.pretrain"),
    *("ecglib.workflows.pretraining", "ecglib.workflows.report", "ecglib.workflows.evaluation"),
    *("ecglib.workflows.recording_report", "ecglib.workflows.study_report"),
    *("ecglib.workflows.features", "ecglib.workflows.check_dreamer", "ecglib.studies.feasible"),
    *("ecglib.transfer.frozen", "ecglib.models.embedding", "ecglib.evaluation.transformer"),
)
"""Modules whose examples train or simulate for seconds."""

SECONDS = 20


@pytest.fixture(scope="module")
def calls(tmp_path_factory) -> Calls:
    """Good calls of public functions."""
    made = Calls()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("here"))
        made.of_examples(
            [m for m in modules() if m.split(".")[1] in ROOMS and not m.startswith(SLOW)]
        )
    by_name(made, ROOMS)
    return made


def bad_values(value: Any) -> Iterator[tuple[str, Any]]:
    """Give bad things to put in the place of a good value, with what they are called."""
    yield "None", None
    yield "text", "x"
    if isinstance(value, str):
        yield "-1", -1
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        yield from (("-1", -1), ("nan", np.nan), ("inf", np.inf), ("1e300", 1e300))
    if isinstance(value, np.ndarray) and value.ndim:
        yield "empty", value[:0]
        yield "shape", value[None]
        yield "objects", np.array([None, {}] * len(value), dtype=object)
        yield "texts", np.full(value.shape, "x")
        if value.dtype.kind == "f":
            yield from (("nan", np.full_like(value, np.nan)), ("inf", np.full_like(value, np.inf)))
    if isinstance(value, pd.DataFrame):
        yield from (("no columns", pd.DataFrame()), ("no rows", value.iloc[:0]))
    if isinstance(value, tuple | list):
        yield from (("nothing", []), ("[None]", [None]))


def is_record(called: Any) -> bool:
    """Tell whether a class only holds what a function has given."""
    fields = getattr(called, "__dataclass_fields__", None)
    return inspect.isclass(called) and fields is not None and not hasattr(called, "__post_init__")


def legal(name: str, field: str, kind: str, good: Any, hint: Any) -> bool:
    """Tell whether what looks bad is allowed, by its annotation or by `RIGHT`."""
    among = typing.get_args(hint)
    if hint in (Any, object) or (kind == "None" and (good is None or type(None) in among)):
        return True
    if kind == "text" and (hint is str or str in among):
        return True
    call = f"{name}({field}={kind})"
    return any(
        fnmatchcase(call, pattern) and any(fnmatchcase(name, p) for p in who.split())
        for pattern, people in RIGHT.items()
        for who in people
    )


def outcome(called: Any, given: dict[str, Any]) -> Any:
    """Call, and give the error or what came back."""

    def too_long(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS)
    try:
        with (
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            result = called(**given)
            return list(result) if inspect.isgenerator(result) else result
    except Exception as error:
        return error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.compiled
def test_bad_arguments_are_refused_by_name(calls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried, wrong, without = 0, [], []
    for name, some in sorted(calls.kept.items()):
        if not some:
            continue
        called = some[0][0]
        short = name.removeprefix("ecglib.")
        if (
            not short.startswith(ROOMS)
            or is_record(called)
            or f"{short}(".startswith(tuple(LEFT_OUT))
        ):
            continue
        good_calls = (
            (called, good)
            for called, good in some
            if not isinstance(outcome(called, copied(good)), Exception)
        )
        called, good = next(good_calls, (called, None))
        if good is None:
            without.append(short)
            continue
        function = called.__init__ if inspect.isclass(called) else inspect.unwrap(called)
        hints = hints_of(called if hasattr(called, "__dataclass_fields__") else function)
        for field, value in good.items():
            for kind, bad in bad_values(value):
                if legal(name, field, kind, value, hints.get(field)):
                    continue
                tried += 1
                found = outcome(called, {**copied(good), field: bad})
                named = isinstance(found, ValueError | TypeError) and field in str(found)
                if not isinstance(found, DataError) and not named:
                    told = (
                        f"{type(found).__name__}: {found}"
                        if isinstance(found, Exception)
                        else "a value"
                    )
                    wrong.append(f"{short}({field}={kind}): {told[:90]}")
    assert sorted(without) == sorted(NO_GOOD_CALL)
    assert not wrong, "\n".join(wrong)
    assert tried > 1000
