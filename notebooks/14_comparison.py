# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which choice matters?
#
# ```{opening} fig-comparison-contrasts
# Which choice changes how well ratings are read from the ECG: the pretext, the transfer or the encoder?
# ```
#
# ```{admonition} Before you start
# - **You will learn** to cross every pretext with every transfer and both encoders in one table, to
#   test which choice changes anything, and to ask what self-supervision is for: fewer labels.
# - **You need first**: {doc}`08_statistics`, {doc}`12_contrastive` and {doc}`13_finetuning`.
# - **It takes** about a minute. The tables for the book's own cohort come with the project, in
#   `results/`. For other data they are computed first; a cell below prints how long that took.
# ```
#
# Papers often compare an entire new system with an entire old one, and then nobody knows which part
# made the difference. Here every part is a column, and everything else is equal where it can be:
# the same {term}`windows <window>`, the same {term}`folds <fold>`, the same layers on top of the {term}`encoder`. We also print how much
# effort each training gets.

# %%
import numpy as np
import pandas as pd

from ecglib.core.process import tune_process
from ecglib.data.labels import TARGETS
from ecglib.evaluation.paired import paired_tests, summarise_scores, verdicts
from ecglib.evaluation.protocols import (
    ALL,
    CHOICE,
    CONTRASTIVE,
    ENCODERS,
    FROZEN,
    ORIGIN,
    RANDOM,
    SCRATCH,
    STR,
    SUPERVISED,
    TUNED,
)
from ecglib.evaluation.scores import score_participants
from ecglib.plots import comparison as comparison_plots
from ecglib.studies import stages
from ecglib.studies.comparison import choices, compared, folds, run_choices, training_effort
from ecglib.studies.comparison_tables import control, grid, label_efficiency, pretext_report
from ecglib.studies.crossing import scores_here
from ecglib.studies.real_tables import shipped, summarise_real
from ecglib.studies.study import Study

tune_process()
study = Study()
n_resamples = study.profile.n_resamples
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# ## One table
#
# Four {term}`pretexts <pretext>`: none (**random** weights), {term}`signal transformation recognition <STR>` (**STR**),
# **{term}`contrastive <contrastive learning>`**, and **{term}`supervised <supervised learning>`**, an encoder trained with the ratings of the people it may see.
# Three {term}`transfers <transfer>`: the encoder stays **{term}`frozen`**, it is **{term}`fine-tuned <fine-tuning>`**, or the whole network is trained
# **from scratch**. Two encoders: **plain** or with **batch norm**. Training from scratch is what
# fine-tuning random weights means, so it goes with no other pretext.

# %%
every = choices()
print(every.groupby(["pretext", "transfer"], sort=False).size().unstack(fill_value=0).to_string())

# %% [markdown]
# ### Who is tested by what
#
# The participants form groups. An encoder, however it was
# pretrained, serves only the group that it has never seen. Each group is split once more, so that the
# labels of the other part of it can be used for training. Everyone is tested exactly once. And all of it
# is done once for each **{term}`seed`** of the profile: each seed pretrains its own encoders.

# %%
participant = study.usable.meta["participant"].to_numpy()
groups, split = compared(study).groups, folds(study)
sizes = set()
for number, fold in enumerate(split):
    test, train = (np.unique(participant[rows]) for rows in (fold.test, fold.train))
    sizes.add(len(train))
    print(f"fold {number}: encoders without group {fold.group},", end=" ")
    print(f"{len(train)} people with labels, {len(test)} tested,", end=" ")
    print("of them known to the encoders:", len(set(test) - set(groups[fold.group])))
print("seeds:", *study.profile.comparison.seeds)

# %% [markdown]
# So "all labels" does not mean those of everyone but one.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: how many people lend their labels"}
n_people = len(np.unique(participant))
print(f"all labels: those of {' or '.join(map(str, sorted(sizes)))} of {n_people} people")
print(f"everyone but one: {n_people - 1}, in {n_people} folds; here there are {len(split)} folds")
print("folds per group:", study.profile.comparison.folds_per_group, end=", ")
print("for everyone but one:", max(len(group) for group in groups))

# %% [markdown]
# More folds cost more: every choice is trained once in every fold. To train on everyone but one, set
# `folds_per_group` of the {term}`profile` to the last number.
#
# ## The effort
#
# **Fine-tuned** and **from scratch** are the same training of all layers: they differ in the weights
# that they start from, and in nothing else. **Frozen** can't be equal. It trains the {term}`softmax` layers
# only, on features that are computed once, so a step costs next to nothing and it can afford more of
# them. The encoder of the supervised pretext is trained like from scratch, with the ratings of
# everybody outside the group. So fine-tuning it is a second training with ratings.

# %%
effort = training_effort(study.profile.comparison)
print(f"{study.profile.name} profile:")
print(effort.assign(rate=effort["rate"].map("{:g}".format)).to_string())
print("fine-tuned and from scratch alike:", effort.loc[TUNED].equals(effort.loc[SCRATCH]))

# %% [markdown]
# These numbers are set by the profile, once for all pretexts, and they do not depend on how many people
# are labelled. What the pretexts themselves cost, without ratings, comes on top.
#
# :::{dropdown} Quiz: Frozen heads get more steps than whole networks. Is the comparison unfair?
# It is unequal, at least: their steps cost next to nothing. Frozen against frozen and trained against
# trained are equal, so read those first.
# :::
#
# ## The scores
#
# One call runs all of it and gives a tidy table: one row for each choice, target and tested person,
# with the data, the profile and every choice as a column. All that follows is computed from it. A stored
# table can be wrong, so its cheapest choice is run again here and compared with what was stored.

# %%
scores = grid(study)
two, five = scores[scores["classes"] == 2], scores[scores["classes"] == 5]
n_choices = len(scores[CHOICE].drop_duplicates())
print(f"{study.label}: {len(scores)} rows, {n_choices} choices, with seeds, classes and majority")
columns = ["pretext", "transfer", "encoder", "target", "participant", "auc", "accuracy"]
columns = [*ORIGIN, *columns]
print(two[columns].iloc[[0, len(two) // 2, -1]].round(2).to_string(index=False))

# %% tags=["hide-cell", "nbval-ignore-output"] reason="says when and with what the table was computed" mystnb={"code_prompt_show": "Show {type}: when it was computed"}
about = scores.attrs["provenance"]
print("computed:", about["made"])
backend = next(name for name in ("jax", "tensorflow") if name in about["environment"])
print("with Keras", about["environment"]["keras"], "on", backend, about["environment"][backend])

# %% [markdown]
# Now the cheapest choice again. Another machine, or another backend of Keras, rounds differently and shuffles differently, so single people may
# differ; their mean may not.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the cheapest choice, computed again"}
cheap = choices([RANDOM], [FROZEN], ENCODERS[:1])
now = score_participants(run_choices(study, cheap))
keys = [*ORIGIN, *CHOICE, "target", "participant"]
both = now.merge(scores, on=keys, suffixes=("_now", "_stored"))
areas = both.groupby("target")[["auc_now", "auc_stored"]].mean()
off = (areas["auc_now"] - areas["auc_stored"]).abs().max()
print("rows in both:", len(both) == len(now))
print("the same mean AUC to 0.02 for every target:", bool(off < 0.02))

# %% [markdown]
# ## Was the pretext learnt?
#
# A pretext that was not learnt can't help, and says nothing about pretexts that were. So before any
# rating we ask each encoder two things, with windows of the group it has never seen: how well it does its
# own task, and whether its features still differ from window to window ({doc}`12_contrastive`). The lines
# below count the encoders that do better than guessing, and name those that collapsed.
#
# For STR the *score* is the {term}`area under the ROC curve <AUC>`, averaged over the tasks; for
# contrastive it is the share of partners found. The supervised encoder's own task is that of this
# chapter, and a random one has none.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the table of pretext scores"}
report = pretext_report(study)
of = ["pretext", "encoder"]
measures = ["score", "chance", "spread", "effective_rank", "dead_share"]
trained = report.groupby([*of, "measure"], sort=False)["value"].agg(["mean", "min", "max"])
trained = trained.map(lambda value: f"{value:.2f}" if value < 2 else f"{value:.0f}")
ranges = trained["mean"] + " (" + trained["min"] + "–" + trained["max"] + ")"
text = trained["mean"].where(trained["min"] == trained["max"], ranges)
n_encoders = len(report[["group", "seed"]].drop_duplicates())
print(f"{study.label}, {study.profile.name} profile; windows of the group left out;", end=" ")
print(f"mean (range) over {n_encoders} groups and seeds")
text = text.unstack(fill_value="–").reindex(columns=measures, fill_value="–")
print(text.rename(columns=lambda name: name.replace("_", " ")).to_string())

# %%
values = report.set_index([*of, "group", "seed", "measure"])["value"].unstack()
tried = values.reindex(columns=["score", "chance"]).dropna()
better = tried["score"] > tried["chance"]
print(f"do their own task better than guessing: {better.sum()} of {len(tried)} encoders")
for (pretext, encoder), some in tried.groupby(level=of, sort=False):
    print(f"{pretext}, {encoder}: {some['score'].min():.2f} to {some['score'].max():.2f},", end=" ")
    print(f"guessing {some['chance'].iloc[0]:.2f}")
collapsed = values.index[values["collapsed"] == 1]
shown = "; ".join(f"{p}, {e}, group {g}, seed {seed}" for p, e, g, seed in collapsed)
print("collapsed:", shown or "none")

# %% [markdown]
# :::{dropdown} Quiz: The pretext score of an encoder is at chance. What can its result here say about the pretext?
# Nothing: it was not learnt. It says something about the training.
# :::
#
# ## What the intervals cover
#
# A person's score is the mean over the seeds. All {term}`intervals <confidence interval>` of this chapter are about **people**: how
# much would the numbers change with other people like these? What the luck of training adds is in the
# mean already, but not in the interval, and a few seeds say little about it. So here is how far the
# means of single seeds lie apart. Nor do the intervals cover other clips or settings.

# %% tags=["hide-input"]
by_seed = (
    two[two["pretext"] != "majority"]
    .groupby(["pretext", "transfer", "encoder", "target", "seed"], sort=False)["auc"]
    .mean()
)
apart = by_seed.groupby(level=[0, 1, 2, 3]).agg(lambda x: x.max() - x.min())
print(f"{study.label}, mean AUC of single seeds, largest minus smallest:")
print(f"{apart.median():.2f} for half of the choices, at most {apart.max():.2f}")

# %% [markdown]
# ## One figure
#
# The area under the ROC curve (AUC) within each person, averaged over people. One half is chance, and
# what the commonest answer scores. The bars are 95 % intervals over people, as in
# {doc}`08_statistics`, each by itself.

# %%
metrics = ("auc", "balanced_accuracy", "macro_f1", "accuracy")
network = ["pretext", "transfer", "encoder"]  # the seeds of each are averaged
summary = summarise_scores(two, metrics, by=network, n_resamples=n_resamples)

# %% mystnb={"image": {"alt": "Three panels, for valence, arousal and dominance. Rows and colours are the pretexts, markers the transfers; each has a mean area under the ROC curve with an interval."}, "figure": {"caption": "Area under the ROC curve of every pretext, transfer and encoder, by participants. Hollow markers are the plain encoder, filled ones that with batch norm.", "name": "fig-comparison-grid"}}
fig = comparison_plots.choice_grid(summary[summary["metric"] == "auc"], study.label)
fig

# %% [markdown]
# ### The same as numbers
#
# Here are the scores, with the commonest answer below. {term}`Balanced accuracy <balanced accuracy>` is the mean of the two
# recalls, macro-F1 the mean of the two {term}`F1` scores. Where most people have the same value, as when nearly
# every answer is the same, the interval of such a score means little ({doc}`08_statistics`).


# %%
def as_text(table: pd.DataFrame, number: str = "{:.2f}") -> pd.Series:
    """Mean and interval as text; too few people have no interval."""
    # Rounded first, and 0 added: there is no -0.00.
    rounded = table[["mean", "low", "high"]].round(2) + 0.0
    mean, low, high = (rounded[name].map(number.format) for name in rounded)
    return mean.where(table["low"].isna(), mean + " [" + low + ", " + high + "]")


def print_metric(summary: pd.DataFrame, metric: str, rows: list[str]) -> None:
    """Print one metric of all choices by target, the majority class below."""
    some = summary[summary["metric"] == metric]
    order = pd.MultiIndex.from_frame(some[rows].drop_duplicates())
    table = some.assign(text=as_text(some)).pivot(index=rows, columns="target", values="text")
    table = table.reindex(index=order, columns=list(TARGETS))
    majority = some.groupby("target")["baseline"].mean().map("{:.2f}".format)
    table.loc[("majority class", *[""] * (len(rows) - 1)), :] = majority
    print(f"{study.label}, {metric.replace('_', ' ')}, mean [95 % interval]")
    print(table.to_string(), end="\n\n")


# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: AUC and balanced accuracy"}
for metric in metrics[:2]:
    print_metric(summary, metric, ["encoder", "transfer", "pretext"])

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: macro-F1 and accuracy"}
for metric in metrics[2:]:
    print_metric(summary, metric, ["encoder", "transfer", "pretext"])

# %% [markdown]
# Which of these intervals lie wholly below one half, where it is chance? Each was made by itself,
# so with this many, some may lie there by luck. If the same choice does so again with other seeds,
# what the training people taught points the other way in the tested ones. Then look for a mistake
# first, and for a difference between people next.

# %%
half = summary[summary["metric"].isin(metrics[:2])]
below = half[half["high"] < 0.5]
print(f"{study.label}, intervals below one half: {len(below)} of {half['high'].notna().sum()}")
for row in below.itertuples():
    print(f"{row.metric.replace('_', ' ')}, {row.target}: {row.pretext}, {row.transfer},", end=" ")
    print(f"{row.encoder}, up to {row.high:.3f}")
accuracy = summary[summary["metric"] == "accuracy"]
above = (accuracy["low"] > accuracy["baseline"]).sum()
print(f"accuracies whose interval lies above the majority class: {above} of {len(accuracy)}")

# %% [markdown]
# ## What each choice changes
#
# Overlapping intervals can't answer this, because the same people stand behind both. We take
# differences **within people**, for a short list of questions. "{term}`Self-supervised <self-supervised learning>`" is the mean of STR
# and contrastive. A pretext may suit one encoder and not the other, so what a pretext is worth is asked
# for each. Rows that name no encoder average over both. The list was made with the {term}`synthetic cohort` in
# view; for a file of your own it is a plan made beforehand.


# %%
def side(pretext: str | list, transfer: str | list, encoder: str | tuple = ENCODERS) -> dict:
    """Select choices; several names are averaged."""
    return {"pretext": pretext, "transfer": transfer, "encoder": encoder}


own = [STR, CONTRASTIVE]
questions = {}
for e in ENCODERS:
    random, scratch = side(RANDOM, FROZEN, e), side(RANDOM, SCRATCH, e)
    questions |= {
        f"STR − random, frozen, {e}": (side(STR, FROZEN, e), random),
        f"contrastive − random, frozen, {e}": (side(CONTRASTIVE, FROZEN, e), random),
        f"contrastive − STR, frozen, {e}": (side(CONTRASTIVE, FROZEN, e), side(STR, FROZEN, e)),
        f"self-supervised, fine-tuned − from scratch, {e}": (side(own, TUNED, e), scratch),
    }
learnt = [side([*own, SUPERVISED], [FROZEN, TUNED], e) for e in ENCODERS]
questions |= {
    "supervised − random, frozen": (side(SUPERVISED, FROZEN), side(RANDOM, FROZEN)),
    "self-supervised, fine-tuned − frozen": (side(own, TUNED), side(own, FROZEN)),
    "supervised, fine-tuned − frozen": (side(SUPERVISED, TUNED), side(SUPERVISED, FROZEN)),
    "pretrained, batch norm − plain": (learnt[1], learnt[0]),
}
tests = paired_tests(two, questions, TARGETS)
print(f"{len(questions)} questions, {len(tests)} tests in one family")

# %% [markdown]
# The last question leaves out the random encoder, because there the two encoders are one. Untrained
# {term}`batch normalisation` has the statistics 0 and 1. In a frozen encoder it multiplies all features by one
# factor, and the softmax layers get standardised features, in which no factor is left.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the two random encoders compared"}
by_encoder = two[(two["pretext"] == RANDOM) & (two["transfer"] == FROZEN)].pivot(
    index=["target", "participant", "seed"], columns="encoder", values="auc"
)
apart = (by_encoder[ENCODERS[0]] - by_encoder[ENCODERS[1]]).abs().max()
print(
    f"random, frozen: AUC of the two encoders apart by at most {apart:.2f} in any person and seed"
)

# %% mystnb={"image": {"alt": "Three panels, for valence, arousal and dominance. Each row is a question; a point with an interval shows the paired difference of the area under the ROC curve, and a dotted line marks zero."}, "figure": {"caption": "What each choice changes: paired differences of the area under the ROC curve (\u0394AUC), corrected for the number of tests. A marker is filled where the interval leaves out zero.", "name": "fig-comparison-contrasts"}}
fig = comparison_plots.contrast_forest(tests, study.label)
fig

# %% [markdown]
# The intervals hold all together ({term}`Bonferroni <Bonferroni correction>`). They are t intervals, widened like those above and made
# from the same statistic as the p-values. A bootstrap would have to find such extreme quantiles among a
# handful of its resamples. The p-values are corrected by Holm's method, which is never stricter than
# Bonferroni's. So a p-value may fall below 0.05 beside an interval that covers zero; the words below
# follow the intervals.


# %%
def print_tests(tests: pd.DataFrame, label: str = study.label) -> None:
    """Print differences, intervals and corrected p-values, one block per target."""
    p = tests["p_holm"].map(lambda p: "p < 0.001" if p < 0.001 else f"p = {p:.3f}")
    p = p.where(tests["p_holm"].notna(), "too few people")
    shown = tests.assign(text=as_text(tests, "{:+.2f}") + "  " + p)
    print(f"{label}, difference of the AUC [intervals that hold together], p after Holm")
    for target, some in shown.groupby("target", sort=False):
        print(f"\n{target}")
        print(some.set_index("question")["text"].rename_axis(None).to_string())


print_tests(tests)

# %% [markdown]
# In words, written by code that would write other words for other numbers:


# %%
def say(
    tests: pd.DataFrame, words: tuple[str, str] = ("higher", "lower"), label: str = study.label
) -> None:
    """Print what the corrected intervals decide of each question."""
    print(f"{label}, {study.profile.name} profile:")
    for question, verdict in verdicts(tests, words).items():
        print(f"{question}: {verdict}")


say(tests)
largest = tests.sort_values("mean", key=np.abs).iloc[-1]
print(f"largest difference: {largest['question']}, {largest['target']} ({largest['mean']:+.2f})")

# %% [markdown]
# "Not decided" is not "equal". The interval says how large a difference could still be.
#
# :::{dropdown} Quiz: Two 95 % intervals overlap. Are the two choices equally good?
# That can't be read off. The same people stand behind both; only differences within people answer.
# :::
#
# ## Where there must be something to find
#
# A comparison of models that hardly find anything decides nothing about the models. So the questions are
# asked once more of a **control**: an invented cohort of the same size, in which every feeling moves the
# ECG several times as strongly as in the book's own cohort. Whatever reads the ECG finds something there. If a choice does not matter
# there either, small effects were not the reason. The encoder is the one with batch norm, and the
# groups, seeds and efforts are the same.

# %%
strong = control(study)
control_label = "synthetic, control"
control_summary = summarise_scores(strong, metrics[:1], by=network, n_resamples=n_resamples)

# %% mystnb={"image": {"alt": "Three panels, for valence, arousal and dominance, of the control cohort. Rows are the pretexts, colours the transfers; each has a mean area under the ROC curve with an interval, beside a dotted line at one half."}, "figure": {"caption": "The same scores where the planted effect is strong (control, batch norm).", "name": "fig-comparison-control"}}
fig = comparison_plots.choice_grid(control_summary, control_label)
fig

# %%
batch_norm = ENCODERS[1]
of_control = {
    "STR − random, frozen": (side(STR, FROZEN, batch_norm), side(RANDOM, FROZEN, batch_norm)),
    "contrastive − random, frozen": (
        side(CONTRASTIVE, FROZEN, batch_norm),
        side(RANDOM, FROZEN, batch_norm),
    ),
    "supervised − random, frozen": (
        side(SUPERVISED, FROZEN, batch_norm),
        side(RANDOM, FROZEN, batch_norm),
    ),
    "self-supervised, fine-tuned − from scratch": (
        side(own, TUNED, batch_norm),
        side(RANDOM, SCRATCH, batch_norm),
    ),
    "self-supervised, fine-tuned − frozen": (
        side(own, TUNED, batch_norm),
        side(own, FROZEN, batch_norm),
    ),
}
control_tests = paired_tests(strong, of_control, TARGETS)
print_tests(control_tests, control_label)
print()
say(control_tests, label=control_label)

# %% [markdown]
# :::{dropdown} Quiz: In the control, two choices differ by 0.01 with a narrow interval. What follows for small effects?
# Where there is much to find, the choice hardly matters. If it seems not to matter at small effects
# either, that is then unlikely to be a difference that was missed.
# :::
#
# ## Five classes
#
# The same networks with five outputs, batch-normalised encoder. Accuracy and the mean {term}`recall` of the
# ratings that occur (balanced accuracy), with the commonest rating below them, stand in the folded cell.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the scores of five classes"}
of_five = summarise_scores(
    five, ("accuracy", "balanced_accuracy"), by=network, n_resamples=n_resamples
)
for metric in ("accuracy", "balanced_accuracy"):
    print("five classes:", end=" ")
    print_metric(of_five, metric, ["transfer", "pretext"])

# %% [markdown]
# ## Fewer labels
#
# This is the reason for self-supervision: recordings are cheap, ratings are not. So a pretrained
# encoder should need fewer rated people. We use the ratings of a few training participants only, and
# draw them anew for each seed. Every method gets the same draws and the effort printed above, and is tested
# on the same people. The pretext still sees all recordings it may see: they cost no ratings. The
# supervised encoder is missing, because it has used everybody's ratings before. The contrastive one is
# only frozen: training whole networks is nearly all of the cost.

# %%
fewer = label_efficiency(study)
counts = fewer.groupby("labelled")["seed"].nunique()
numbers = [*sorted((n for n in counts.index if n != ALL), key=int), ALL]
print(f"{study.label}: labels of {', '.join(numbers)} people;", end=" ")
print(f"all are {' or '.join(map(str, sorted(sizes)))}")
print("seeds of each number:", " or ".join(map(str, sorted(set(counts)))))
curve = summarise_scores(
    fewer, ("auc", "accuracy"), by=["pretext", "transfer", "labelled"], n_resamples=n_resamples
)

# %% mystnb={"image": {"alt": "Three panels, for valence, arousal and dominance: area under the ROC curve over the number of labelled participants, one line with intervals for each kind of training."}, "figure": {"caption": "Area under the ROC curve over the number of participants whose ratings are used. Colours are pretexts; markers and dashes are transfers.", "name": "fig-comparison-labels-auc"}}
fig = comparison_plots.label_curves(curve[curve["metric"] == "auc"], study.label)
fig

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the curves in accuracy", "image": {"alt": "Three panels, for valence, arousal and dominance: accuracy over the number of labelled participants, one line with intervals for each kind of training, with the majority class dotted."}, "figure": {"caption": "Accuracy over the number of participants whose ratings are used, beside the majority class.", "name": "fig-comparison-labels-accuracy"}}
fig = comparison_plots.label_curves(
    curve[curve["metric"] == "accuracy"], study.label, "accuracy (0 to 1)"
)
fig

# %% [markdown]
# Like is compared with like at every number of labels: pretrained with random among the frozen
# encoders, fine-tuned with from scratch among the trained ones. The last question is a user's:
# freeze a self-supervised encoder, or train everything from scratch? These tests are a family of
# their own: they are corrected together, and not for the tests of other sections.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show {type}: the two sides of each question"}
sides = {
    "STR − random, frozen": ((STR, FROZEN), (RANDOM, FROZEN)),
    "contrastive − random, frozen": ((CONTRASTIVE, FROZEN), (RANDOM, FROZEN)),
    "STR, fine-tuned − from scratch": ((STR, TUNED), (RANDOM, SCRATCH)),
    "self-supervised, frozen − from scratch": ((own, FROZEN), (RANDOM, SCRATCH)),
}


def advantage(question: str, labelled: str) -> tuple[dict, dict]:
    """Give the two sides of a question at a number of labels."""
    return tuple(
        {"pretext": pretext, "transfer": transfer, "labelled": labelled}
        for pretext, transfer in sides[question]
    )


wanted = {f"{q}, labels of {n}": advantage(q, n) for q in sides for n in numbers}
with_labels = paired_tests(fewer, wanted, TARGETS)

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the differences at every number of labels"}
clear = (with_labels["low"] > 0) | (with_labels["high"] < 0)
text = (with_labels["mean"].round(2) + 0.0).map("{:+.2f}".format) + clear.map(
    {True: "*", False: " "}
)
parts = with_labels["question"].str.rsplit(", labels of ", n=1, expand=True)
table = pd.DataFrame({"question": parts[0], "labels": parts[1], "text": text})
print(f"{study.label}, difference of the AUC; * interval leaves out zero,", end=" ")
print(f"{len(with_labels)} tests corrected together")
for target in TARGETS:
    some = table[with_labels["target"] == target]
    some = some.pivot(index="question", columns="labels", values="text")
    print(f"\n{target}, labels of")
    print(some.loc[list(sides), numbers].rename_axis(index=None, columns=None).to_string())
half_widths = (with_labels["high"] - with_labels["low"]) / 2
if half_widths.notna().any():
    print(f"\nintervals: ± {half_widths.min():.2f} to ± {half_widths.max():.2f}")

# %% tags=["hide-input"]
print(f"{study.label}: {clear.sum()} of {len(with_labels)} intervals leave out zero,", end=" ")
print(f"{(with_labels['low'] > 0).sum()} of them above it")

# %% [markdown]
# ### Does the advantage grow?
#
# The promise is that an advantage **grows** as labels shrink. So we test a difference of differences: the
# advantage at the smallest number minus that at all labels, a family of its own again.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: how much each advantage grows"}
grown = list(sides)[:3]
growth = None
if len(numbers) > 1:
    wanted = {q: (advantage(q, numbers[0]), advantage(q, ALL)) for q in grown}
    growth = paired_tests(fewer, wanted, TARGETS)
    print_tests(growth)

# %% tags=["hide-input"]
if growth is not None:
    print(f"Does the advantage grow from all labels to those of {numbers[0]} people?")
    say(growth, ("grows", "shrinks"))
else:
    print(f"{study.label}: too few people to use the labels of fewer")

# %% [markdown]
# ### How many labels are saved?
#
# Does an encoder with few labels reach what training from scratch reaches with all? The table gives
# the smallest number that does, on average over people. The first row is the control. If a random,
# frozen encoder reaches it too, with no more labels, then the saving is not owed to pretraining: a
# network that learnt nothing saves as much, and training from scratch was a low mark. A goal near one
# half is reached by chance. These are means of networks with batch norm, and no tests.

# %%
mean = curve[curve["metric"] == "auc"].set_index(["pretext", "transfer", "target", "labelled"])
mean = mean["mean"].unstack()
goal = mean.loc[RANDOM, SCRATCH][ALL]
lines = [(RANDOM, FROZEN), (STR, FROZEN), (CONTRASTIVE, FROZEN), (STR, TUNED)]
reached = pd.DataFrame(
    {
        target: [
            next((n for n in numbers if mean.loc[(*line, target), n] >= goal[target]), "none")
            for line in lines
        ]
        for target in TARGETS
    },
    index=[", ".join(line) for line in lines],
)
print(f"{study.label}: labels that reach the AUC of from scratch with all labels")
print("goal", goal[list(TARGETS)].round(2).to_dict())
print(reached.to_string())

# %%
rank = reached.map([*numbers, "none"].index)
for target in TARGETS:
    saves = [line for line in rank.index[1:] if rank.loc[line, target] < rank[target].iloc[0]]
    print(f"{target}, fewer labels than random, frozen: {'; '.join(saves) or 'none'}")

# %% [markdown]
# :::{dropdown} Quiz: STR reaches with two people's labels what from scratch reaches with all. Does STR save labels?
# Look at the random, frozen encoder. If that reaches it too, the saving is not owed to the pretext.
# :::
#
# ## Encoders from elsewhere
#
# All encoders so far learnt from people like those who are tested. The ones that come with the package
# learnt from real patients ({doc}`16_real_transformations`). Here they are tried on this cohort, and
# encoders of the synthetic cohort on real people. No test was planned for these rows, so differences of a
# few hundredths decide nothing; how features are pooled over time can matter as much as whom they were
# learnt from.
#
# Every encoder is frozen, every head is a
# {term}`logistic regression`, one person at a time is left out. The features are pooled over time by their
# maximum, as published, or by their mean ({doc}`17_real_state` asks how much that matters). `source` says
# from whom an encoder learnt: nobody (random weights), other people of this cohort, which has the name
# of the data above, or the clinic (MIT-BIH).

# %%
here = scores_here(study)
areas = here.pivot_table(
    index=["pretext", "source", "pooling"], columns="target", values="auc", sort=False
)
print(f"rows: {len(areas)}; people: {here['participant'].nunique()}")

# %% tags=["nbval-ignore-output"] reason="scores of trained networks differ slightly between processors"
print(f"{study.label}, new people, mean AUC within a person:")
print(areas[list(TARGETS)].round(2).to_string())

# %% [markdown]
# Now for the reverse: encoders of the synthetic cohort on real people, rest against arithmetic. The
# table comes with the project.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: encoders of invented people on real ones"}
there = shipped(stages.REAL_CROSSING)
about = there.attrs["provenance"]
print(f"made {about['made'][:10]} on {about['environment']['processor']}")
back = summarise_real(there, ["pretext", "source", "pooling"])
print("eegmat, real recordings, new people; 95 % interval over people:")
print(back[["pretext", "source", "pooling", "mean", "low", "high"]].round(2).to_string(index=False))

# %% [markdown]
# Compare them with the first table of {doc}`17_real_state`, where the encoders learnt from the
# clinic. (Its random encoders are three, here it is one, so their rows differ a little.) How far
# does an encoder get that has learnt nothing at all, if it is read with the mean?
#
# ## What these data can decide, and what not
#
# A **synthetic** cohort can decide whether the machinery works: whether an effect that was planted is
# found, whether paired tests keep their promise, whether a bug favours one side. It can't decide
# which pretext is better for emotions. We wrote its beats ourselves, and any effect: a {term}`heart rate` and a
# few shape parameters that may follow the rating. A network may respond to those without having learnt
# anything. **A ranking of pretexts on synthetic data says something about our generator, and nothing
# about people.**
#
# The `quick` profile adds a limit of its own. Its trainings are short, and a short training favours
# what needs little: a frozen random encoder costs nothing, training from scratch costs most. The
# `paper` profile trains long, and belongs on a graphics card.
#
# **DREAMER** can decide more, but only about its film clips and people like its own.
#
# ## What could go wrong
#
# A comparison goes wrong where something else differs than what it is named after: effort, what a pretext
# has seen, the number of tries, or a control that is missing.
#
# - **Choosing the best of many.** The highest of many numbers is high by luck as well. Look at
#   planned differences, corrected for their number, not at the winner.
# - **Unequal effort.** A method that its author tuned beats one that nobody tuned. Here one setting
#   serves all pretexts, and the efforts stand in a table.
# - **A pretext that has seen the tested people.** It needs no labels, so it is easy to overlook.
#   {doc}`06_results` measures what it is worth.
# - **Few labels on top of many.** An encoder that was trained with everybody's ratings can't tell what
#   the labels of a few are worth. The library refuses that combination.
# - **Training from scratch for fewer steps** than it needs, and then calling pretraining a success. It
#   gets as many as fine-tuning here. If more would raise its score, that answers one question only: what
#   is best at this cost, once the pretext is paid? Frozen against frozen does not depend on it.
# - **A control that is missing.** Without the random, frozen encoder, everything that beats training
#   from scratch looks like a gift of the pretext.
# - **One draw of labelled people.** With few people, the draw decides much. Several draws, and
#   intervals over the tested people.
#
# ## Take-aways
#
# - A comparison needs a table in which one column changes and the others stay.
# - Tests are planned, paired by person, and corrected for their number.
# - What self-supervision promises is a curve: score against labels. Draw it, test whether its
#   advantage grows, and say so, whatever it says.

# %% [markdown]
# ## Exercises
#
# Four exercises on what a comparison can say, and a question for your own research.
#
# **Exercise 14.1.** Add a question: does the encoder matter for training from scratch?
#
# :::{dropdown} Solution 14.1
# You asked after seeing the figure. Treat the answer as an idea for the next data.
# :::

# %% tags=["solution"]
after_looking = {
    "from scratch, batch norm − plain": (
        side(RANDOM, SCRATCH, ENCODERS[1]),
        side(RANDOM, SCRATCH, ENCODERS[0]),
    )
}
print_tests(paired_tests(two, after_looking, TARGETS))

# %% [markdown]
# **Exercise 14.2.** How much do the answers change with the draw of the labelled people, at the
# smallest number of them?
#
# :::{dropdown} Solution 14.2
# Each column is another draw. Where columns differ as much as rows do, one draw can't tell methods
# apart.
# :::

# %% tags=["solution"]
draws = fewer[(fewer["labelled"] == numbers[0]) & (fewer["target"] == TARGETS[1])]
draws = draws[draws["pretext"] != "majority"]
by_draw = draws.groupby(["pretext", "transfer", "seed"])["auc"].mean().unstack("seed").round(2)
print(f"{study.label}, {TARGETS[1]}, AUC with the labels of {numbers[0]} people, by draw")
print(by_draw.to_string())

# %% [markdown]
# **Exercise 14.3.** How much do the corrected intervals cost? Compare the half-width of a single
# 95 % interval with that of one in this chapter's family of tests.
#
# :::{dropdown} Solution 14.3
# The more questions one asks, the wider each answer. Ask few, and before you look.
# :::

# %% tags=["solution"]
from scipy.stats import t as student

n_tests = len(tests)
alone, together = (student.ppf(1 - 0.025 / n, n_people - 1) for n in (1, n_tests))
print(f"{n_people} people, {n_tests} tests: {together / alone:.2f} times as wide")

# %% [markdown]
# **Exercise 14.4.** Thirteen methods are equally good, with a true area of 0.55 and a spread
# between people of 0.10. How good does the *best* of them look?
#
# :::{dropdown} Solution 14.4
# Better than it is, by luck alone. The winner of a table is not an estimate of the winner's area.
# (Real methods share the same people, so their luck is partly shared, and the gap is smaller.)
# :::

# %% tags=["solution"]
rng = np.random.default_rng(0)
means = rng.normal(0.55, 0.10, (2000, 13, n_people)).mean(axis=2)
print(f"true area 0.55, best of 13: {means.max(axis=1).mean():.3f} on average (simulated)")

# %% [markdown]
# **Research question.** On your own data, which single number would make you choose a pretrained
# encoder over a random, frozen one? Fix the question, the smallest difference that matters to you
# and the number of people who can show it, before the first run.
#
# ## What next
#
# {doc}`15_own_ecg` takes an encoder to a recording of your own. {doc}`../book/real-dreamer` says how to
# put DREAMER behind these chapters.
