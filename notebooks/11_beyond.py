# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Beyond high and low
#
# ```{opening} fig-beyond-rated
# What is it worth if a new person rates a few clips first, if a rating keeps its five steps, and if a
# probability has to mean what it says?
# ```
#
# ```{admonition} Before you start
# - **You will learn** what a few ratings of the tested person are worth, whether a model of one
#   person beats a model of all others, how to predict and score ratings from 1 to 5, and whether a
#   probability of 70 % means 70 %.
# - **You need first**: {doc}`06_results`.
# - **It takes** a quarter of a minute if it has run before; about two minutes the first time.
# ```
#
# So far a model met a **stranger**, answered **high or low**, and was judged by whether the answer
# was **right**. Each of the three can be asked differently. A new user could rate a few {term}`clips <clip>`
# before the system starts. A rating has five steps, not two. And an answer comes with a
# probability, which should mean what it says.

# %%
import joblib
import numpy as np
import pandas as pd

from ecglib.core.process import tune_process
from ecglib.data.labels import TARGETS
from ecglib.evaluation.calibration import (
    calibration_floor,
    calibration_table,
    expected_calibration_error,
    reliability_curve,
)
from ecglib.evaluation.leave_out import LeaveOneParticipantOut, WithinParticipantKFold
from ecglib.evaluation.protocols import MAJORITY, STR, STRICT
from ecglib.evaluation.rated import N_DRAWS, draw_trials, rated_curve, rated_numbers, regime_of
from ecglib.evaluation.rating_metrics import RATING_METRICS, summarise_ratings
from ecglib.evaluation.summaries import paired_difference, participant_metrics, summarise
from ecglib.plots import personalisation as personalisation_plots
from ecglib.plots import results as results_plots
from ecglib.studies import results
from ecglib.studies.crossfit import STR_LINEAR
from ecglib.studies.personalisation import (
    TRAINING_SHARE,
    fold_by_fold,
    own_against_others,
    own_predictions,
    rated_predictions,
)
from ecglib.studies.ratings import rating_predictions
from ecglib.studies.study import Study
from ecglib.transfer.ordinal import MEDIAN

tune_process()
study = Study()
meta = study.usable.meta
options = {"n_resamples": study.profile.n_resamples}
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# All models of this chapter are linear and sit on {term}`frozen` {term}`features <feature>`. The features of a tested person
# always come from an {term}`encoder` that never saw this person. The models are fitted once, two at a time,
# and their predictions kept.

# %% tags=["hide-input"]
with joblib.parallel_config(n_jobs=2):
    rated = rated_predictions(study)
    own = own_predictions(study)
    ratings = rating_predictions(study)

# %% [markdown]
# ## A few ratings of the tested person
#
# Suppose a new person rates $k$ clips before we start. We draw $k$ of the person's {term}`trials <trial>` at random
# and add them to the training {term}`windows <window>`. All trials that could have been drawn are kept out of the
# test, so that **the same windows are tested for every $k$** and the numbers can be compared. All
# models get the same draws.

# %%
numbers = rated_numbers(meta)
most = numbers[-1]
drawn = draw_trials(meta, most, N_DRAWS, study.profile.seed)
tested = rated.groupby(["participant", "seed", "model", "regime", "target"])["window"].agg(tuple)
clips = rated.groupby(["participant", "seed"])["clip"].agg(set)
print(f"{study.label}: k = {', '.join(map(str, numbers))}; {N_DRAWS} draws for each participant")
same = tested.groupby(["participant", "seed"]).nunique() == 1
print("the same windows for every k, model and target:", bool(same.all()))
touched = [bool(clips[p, draw] & set(drawn[p][draw])) for p, draw in clips.index]
print("rated trials among the tested ones:", sum(touched))

# %% [markdown]
# What should a model do with so few ratings? Ours is a {term}`logistic regression` in which every
# participant has an intercept of their own, a **random intercept** {cite}`gelman2007multilevel`. A
# stranger's intercept is 0. Each rated trial moves it, the more the more trials there are. The
# weights of the features stay common to all: a handful of trials can't teach them.
#
# Even without any ECG, a rating may show whether this person tends to rate high. So the baseline
# may use the same ratings. **Ratings only** is the same model without features.

# %% tags=["hide-input"]
metrics = {"auc": "area under the ROC curve", "accuracy": "accuracy"}
curve = rated_curve(rated, tuple(metrics), **options)

# %% mystnb={"image": {"alt": "Six panels, area under the ROC curve above and accuracy below, for valence, arousal and dominance: means and intervals of two encoders over the number of rated trials, with the model that uses ratings only as a dashed line and chance as a dotted line."}, "figure": {"caption": "A new person of whom some trials are rated: area under the ROC curve and accuracy over the number of rated trials.", "name": "fig-beyond-rated"}}
fig = personalisation_plots.rated_trials(curve, metrics, study.label)
fig

# %% tags=["hide-input"]
mean = curve.set_index(["metric", "model", "target", "rated"])["mean"].sort_index()
areas = mean["auc", STR_LINEAR].unstack("rated")
change = areas.sub(areas[0], axis=0).abs().max(axis=None)
print(f"{study.label}, {STR_LINEAR}: its AUC changes by less than 0.05:", bool(change < 0.05))
blind = mean["accuracy", MAJORITY].unstack("rated").loc[list(TARGETS)].round(2)
blind.rename_axis(index="accuracy, ratings only", columns=f"k ({study.label})")

# %% [markdown]
# An intercept shifts all of a person's windows together and leaves their order as it was. The area
# under the ROC curve can move only because the weights are fitted with a few more trials; the line
# above says whether it does. What can move is the {term}`accuracy`: the threshold comes to lie where it belongs
# for this person. Is that more than chance? We take differences within participants.

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
at_most = rated[rated["regime"] == regime_of(most)]
model = at_most[at_most["model"] == STR_LINEAR]
opponents = {
    "none rated": rated[(rated["regime"] == regime_of(0)) & (rated["model"] == STR_LINEAR)],
    "ratings only": at_most[at_most["model"] == MAJORITY],
}
gains = {
    name: paired_difference(model, other, ["accuracy"], **options).set_index("target")
    for name, other in opponents.items()
}
columns = ["mean", "low", "high"]
table = pd.concat({name: gain[columns] for name, gain in gains.items()}, axis=1).round(2)
table.rename_axis(index=f"accuracy with {most} rated, minus ... ({study.label})")

# %% [markdown]
# :::{dropdown} Quiz: Rated trials raise the accuracy but not the AUC. What was learnt?
# The person's threshold. An intercept moves all windows of a person together, so their order stays.
# :::
#
# ## A model of one person
#
# Why not forget the others, and learn from this person alone? **Within-participant** evaluation
# splits the trials of each person into {term}`folds <fold>`. It trades many trials of other hearts for a few of
# the right one. People who rated nearly everything alike can't have a model of their own and drop
# out.
#
# There is a trap. Each of a person's folds has a head of its own, and what is taken out for the
# test is missing from the training. Take out a "high" trial, and the head has seen fewer of them.
# Pooled over a person's folds, heads that know nothing score below one half. It is the trap of
# {doc}`06_results`, one level down. So we compare only windows that one head has judged: metrics
# are computed **fold by fold**, on the same folds of windows for both {term}`protocols <protocol>`.

# %% tags=["hide-input"]
within, new = WithinParticipantKFold.protocol, LeaveOneParticipantOut.protocol
people = own[own["protocol"] == within].groupby("target")["participant"].nunique()
for target in TARGETS:
    print(f"{study.label}, {target}: {people.get(target, 0)} of {meta['participant'].nunique()}")
both = fold_by_fold(own[own["model"] != TRAINING_SHARE])
summary = summarise(both, ("auc", "accuracy"), **options)

# %% mystnb={"image": {"alt": "Two panels of points with horizontal intervals, leave-one-participant-out and within-participant, for three targets and two encoders, with chance as a dotted line at one half."}, "figure": {"caption": "Area under the ROC curve of models of all others and of models of one person, on the same windows.", "name": "fig-beyond-own"}}
fig = results_plots.forest(summary.sort_values("protocol", kind="stable"), "auc", study.label)
fig

# %% tags=["hide-cell", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors" mystnb={"code_prompt_show": "Show {type}: own minus others, paired"}
difference = own_against_others(own, STR_LINEAR, ("auc", "accuracy"), **options)
table = difference.set_index(["metric", "target"])[[*columns, "n_participants"]].round(2)
table.rename(columns={"n_participants": "people"}).rename_axis(
    columns=f"{STR_LINEAR}: own minus others ({study.label})"
)

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: the majority of one person"}
# The majority of a person's own training trials, tested on that person's other trials:
rows = summary[(summary["model"] == MAJORITY) & (summary["protocol"] == within)]
table = rows.pivot(index="target", columns="metric", values="mean").round(2)
print("pooled over the folds of a person:")
pooled = own[(own["model"] == MAJORITY) & (own["protocol"] == within)]
# As if one head had judged all windows of a person.
pooled = participant_metrics(pooled.assign(fold=0), ["auc"]).groupby("target")["value"].mean()
print(f"an AUC of {pooled.min():.2f} for a model without ECG; fold by fold:")
table.rename_axis(columns=study.label)

# %% [markdown]
# Accuracy and {term}`AUC` need not agree. A personal model knows the person's {term}`base rate` and habits, which
# can help the accuracy. It has seen few trials, which can hurt the order. Look at both before you
# call one of them better.
#
# :::{dropdown} Quiz: A personal model: higher accuracy, lower AUC. Which counts?
# Neither alone. It knows the base rate of its person and less about the heart. Say which you need.
# :::
#
# ## Ratings from 1 to 5
#
# "High" throws 4 and 5 together and 1 with 3. Two models keep the scale.
#
# - **Ridge** regression treats the rating as a number: from 1 to 2 is as far as from 4 to 5.
# - The **ordinal** model {cite}`frank2001ordinal` asks four questions, each with a logistic
#   regression: is the rating above 1, above 2, above 3, above 4? It assumes an order and no distances. The expected
#   rating is 1 plus the four probabilities.
#
# The baselines answer with the training median or the training mean, whatever the ECG says.
#
# Boxes that rise from left to right and yet are flatter than the diagonal show **regression towards
# the mean**. A model that is unsure does well to answer near the middle. That is how an order can
# be right while the macro error is hardly better than that of a constant. Boxes at one height, on
# the dashed line, belong to a model that found nothing.

# %% mystnb={"image": {"alt": "Six panels, ridge and ordinal model for valence, arousal and dominance: boxes of the predicted rating for each rating given, with the diagonal as a dotted line and the training median as a dashed line."}, "figure": {"caption": "Predicted ratings of new people for each rating that they gave.", "name": "fig-beyond-ratings"}}
drawn_models = ratings[ratings["model"].isin(["ridge", "ordinal"])]
constant = ratings[ratings["model"] == MEDIAN].groupby("target")["predicted"].mean()
fig = personalisation_plots.ratings_against_truth(
    drawn_models, constant.rename(MEDIAN), study.label
)
fig

# %% tags=["hide-cell", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors" mystnb={"code_prompt_show": "Show {type}: the scores by four metrics"}
scores = summarise_ratings(ratings, **options)
baseline = scores[scores["model"].str.startswith("training")]
learnt = scores[~scores["model"].str.startswith("training")]
# An interval of values that hardly differ between people means little: baselines show the mean alone.
text = [f"{r.mean:.2f} [{r.low:.2f}, {r.high:.2f}]" for r in learnt.itertuples()]
text = pd.Series(text, learnt.index).reindex(scores.index)
table = scores.assign(text=text.fillna(scores["mean"].map("{:.2f}".format)))
table = table.pivot(index=["target", "model"], columns="metric", values="text")
order = pd.MultiIndex.from_product(
    [TARGETS, [*learnt["model"].unique(), *baseline["model"].unique()]]
)
table = table.reindex(order)[list(RATING_METRICS)].replace(["nan", "nan [nan, nan]"], "undefined")
names = {name: name.replace("_", " ").replace("mae", "MAE") for name in RATING_METRICS}
table.rename(columns=names).rename_axis(
    columns=f"mean [interval] over participants ({study.label})"
)

# %% [markdown]
# The lines below compare the error in steps of the scale with that of the training median. The folded
# cell before them counts what is undefined.

# %% tags=["hide-cell"] mystnb={"code_prompt_show": "Show {type}: what is undefined"}
blind = baseline[baseline["metric"] == "spearman"]
print(f"{study.label}: baselines with a Spearman correlation:", int(blind["mean"].notna().sum()))
dropped = learnt[learnt["metric"] != "macro_mae"].groupby("target")["n_undefined"].max()
print(f"people dropped: {dropped[list(TARGETS)].to_dict()}")

# %% tags=["hide-input", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
less = summarise_ratings(ratings, against=MEDIAN, **options).query("metric == 'macro_mae'")
for row in less[~less["model"].str.startswith("training")].itertuples():
    print(f"{study.label}, {row.target}, {row.model}, macro MAE against the training median:")
    print(f"  {row.mean:+.2f} [{row.low:+.2f}, {row.high:+.2f}] steps")

# %% [markdown]
# ### Four metrics, each blind to something
#
# The scores above are by four metrics, since one is not enough: an error in steps, an agreement beyond
# chance, an order, and a correlation that also asks for the right mean and spread.
#
# | metric | asks | blind to |
# |---|---|---|
# | macro MAE {cite}`baccianella2009ordinal` | how many steps off, each rating counting alike | order, where all answers lie in the middle |
# | quadratic kappa {cite}`cohen1968kappa` | agreement beyond chance, far misses costing more | fractions of a step: answers are rounded |
# | Spearman | is the order right? | wrong mean, wrong spread |
# | concordance {cite}`lin1989concordance` | correlation, less for wrong mean and spread | why it is low |
#
# Some entries are undefined, and rightly so. Ranks of a constant don't exist, so the baselines have
# no Spearman correlation. A person who gave one rating throughout defines nothing but the error,
# and is dropped and counted.
#
# :::{dropdown} Quiz: Predictions rise with the ratings but stay between 2.5 and 3.5. Which metric likes them, which does not?
# Spearman sees only the order and likes them. Concordance and the macro error punish the narrow
# range.
# :::
#
# ## Does 70 % mean 70 %?
#
# Of all windows with a probability of 70 %, 70 % should be high. The **reliability curve** sorts
# windows by their probability into bins of equal count and compares. The **expected {term}`calibration`
# error** (ECE) is the mean distance from the diagonal {cite}`guo2017calibration`. The **Brier
# score** is the mean squared error of the probability {cite}`brier1950verification`; it rewards
# calibration and order together. On its own it says little: giving the **base rate**, the share of
# high windows, to every window also earns a {term}`Brier score`, near a quarter. So beside each score
# stands that of this **constant**, and the **skill**, the share of the constant's error that the
# model saves. With a skill below 0 the probabilities are worse than none.
#
# ### The floor of the calibration error
#
# The ECE has a catch. It can't be 0, even for a perfect model, since the share of a bin fluctuates
# {cite}`roelofs2022calibration`. And windows of a trial share one rating, so there are fewer ratings
# than windows. So every ECE below stands beside its **floor**: what a perfectly calibrated model with the same
# probabilities would get, and what it exceeds in 5 % of cases.
#
# A perfect model that we invent shows how much that is:

# %%
rng = np.random.default_rng(0)
n_trials, n_windows = 400, 4
probability = np.repeat(rng.uniform(size=n_trials), n_windows)
truth = np.repeat(rng.uniform(size=n_trials) < probability[::n_windows], n_windows)
trial = np.repeat(np.arange(n_trials), n_windows)
alone = np.arange(trial.size)  # as if each window had a rating of its own
print("invented, perfectly calibrated")
print(f"ECE: {expected_calibration_error(truth, probability):.2f}")
print(f"expected of a perfect model: {calibration_floor(probability, trial).mean():.2f}")
print(f"if windows were independent: {calibration_floor(probability, alone).mean():.2f}")
by_hand = expected_calibration_error(np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.9, 0.9]), 2)
print(f"by hand, (|0.2 - 0.5| + |0.9 - 1.0|) / 2 = {by_hand:.2f}")

# %% [markdown]
# :::{dropdown} Quiz: An ECE of 0.06: is the model miscalibrated?
# Not if its floor is as high. With few trials a perfect model has an ECE well above 0.
# :::
#
# ### Three models and a constant
#
# The first model is the network head
# of {doc}`06_results`, the second the logistic regression on the *same* features, the third the
# same with rated trials of the person. The last row is a baseline that anyone could have: the share of
# high windows among the *training* windows.

# %% tags=["hide-input"]
heads = results.predictions(study)
head = heads[(heads["model"] == STR) & (heads["regime"] == STRICT) & (heads["protocol"] == new)]
by_model = {
    "network head": head,
    "logistic": opponents["none rated"],
    f"logistic, {most} rated": model,
}
curves = {name: reliability_curve(rows) for name, rows in by_model.items()}

# %% mystnb={"image": {"alt": "Nine panels, three models for valence, arousal and dominance: the share of high windows over the predicted probability, with a band, and the diagonal as a dotted line."}, "figure": {"caption": "Reliability curves for new people, with bands over participants.", "name": "fig-beyond-reliability"}}
fig = personalisation_plots.reliability(curves, study.label)
fig

# %% tags=["hide-cell", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors" mystnb={"code_prompt_show": "Show {type}: Brier scores beside the constant"}
share = own[own["model"] == TRAINING_SHARE]
by_row = {**by_model, TRAINING_SHARE: share}
tables = {name: calibration_table(rows, **options) for name, rows in by_row.items()}
table = pd.concat(tables, names=["result"]).reset_index("result")
calibrated = table.set_index(["target", "result"]).loc[list(TARGETS)]
columns = ["brier", "low", "high", "constant", "skill", "skill_low", "skill_high"]
names = {"brier": "Brier", "skill_low": "skill, low", "skill_high": "skill, high"}
calibrated[columns].round(3).rename(columns=names).rename_axis(columns=study.label)

# %% tags=["hide-cell", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors" mystnb={"code_prompt_show": "Show {type}: calibration errors beside their floors"}
names = {"ece": "ECE", "floor_high": "floor, high"}
calibrated[["ece", "floor", "floor_high"]].round(3).rename(columns=names).rename_axis(
    columns=study.label
)

# %% tags=["hide-input", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
print(f"{study.label}, worse than the constant at the base rate (skill below 0):")
for name in by_row:
    skill = calibrated.xs(name, level="result")["skill"]
    print(f"  {name}:", ", ".join(skill.index[skill < 0]) or "for no target")
sure = calibrated["skill_low"] > 0
print("better, interval above 0:", "; ".join(f"{n}, {t}" for t, n in sure.index[sure]) or "none")

# %% [markdown]
# A curve flatter than the diagonal means **overconfidence**: the extreme probabilities are not
# earned. A network head that trains for many {term}`epochs <epoch>` on few trials can drive its probabilities
# towards 0 and 1, while the penalty of the logistic regression keeps them moderate. The order of
# the windows may be as good in the one as in the other: a skill below 0 does not mean that nothing
# was read, only that the probabilities should not be taken at their word.
#
# ### The same answer for everyone
#
# Calibrated is not the same as useful. The share of high ratings in training is a decent
# probability for everyone, and it says nothing about the window. Yet beware of how it is measured: its ECE
# can look worse with bins of equal count than with bins of equal width.

# %%
for target in TARGETS:
    rows = share[share["target"] == target]
    truth, probability = rows["truth"].to_numpy(), rows["probability"].to_numpy()
    errors = [
        expected_calibration_error(truth, probability, binning=binning)
        for binning in ("equal-count", "equal-width")
    ]
    print(f"{study.label}, {target}, ECE of the training share")
    print(f"bins of equal count {errors[0]:.2f}, of equal width {errors[1]:.2f}")

# %% [markdown]
# It is the trap of {doc}`06_results` again. Leaving out a person with many high ratings lowers the
# share. Bins of equal count can tell apart shares that hardly differ, and those with the
# lower share hold the people with more high ratings. Bins of equal width put shares that are so alike
# into one, unless an edge lies between them.
#
# ## What this shows, and what it does not
#
# **If this page says "synthetic"**, the people, their habits of rating and any effect of what they
# feel are invented. The page then shows that the machinery measures what it should: tested windows
# are the same for every $k$, nothing rated is tested, a perfect model lies at its floor. It can't say how many ratings a real person would have
# to give. That depends on how much resting hearts and habits of rating differ between people, and
# we chose both. Nor can it say whether a personal model is better: how differently people respond, and
# so how much the others can teach, is our choice too. Even the five
# steps are invented, with equal noise at each. Neither calibration nor the shape of a curve carries
# over to other data.
#
# **If this page says "DREAMER"**, expect areas near one half for a new person. Rated trials can then
# still raise the accuracy, by the base rate alone. Compare with "ratings only" before you call it
# emotion. A person has few trials, so within-participant intervals are wide.
#
# ## What could go wrong
#
# Most of these mistakes let something else than the heart raise a score: the rating of a tested trial,
# another set of tested windows, or the person's base rate.
#
# - **Rating and testing windows of one trial.** They share the rating. We draw whole trials.
# - **Another test set for every $k$.** The curve then mixes what was learnt with who is left.
# - **Rated trials drawn at random** lie anywhere in the session. A real user rates the first ones,
#   and hearts drift. Exercise 11.3 draws the first ones.
# - **Pooling a person's folds.** Each has a head of its own, and what it tests it did not learn.
# - **Accuracy without "ratings only".** Knowing the person's base rate looks like reading the heart.
# - **An ECE without its floor.** With few trials a perfect model looks miscalibrated.
# - **Choosing the penalty on these results.** Ours was fixed beforehand: the features together, and
#   the person, are each expected to move the log odds by about 1. That the person gets an intercept
#   rather than more weight was decided on a {term}`synthetic cohort` of another seed.
#
# ## Take-aways
#
# - A few ratings can set the threshold for a person. An intercept can't improve the order.
# - A personal model trades many trials of other people for a few of the person's own; compare on
#   the same windows.
# - Ratings have an order. Use several metrics that take it into account, and baselines that ignore
#   the ECG.
# - Calibration is a property of its own, and its measure has a floor. A Brier score has a constant to
#   beat.

# %% [markdown]
# ## Exercises
#
# Four exercises, on counting rated trials more, on shifting a person's bias alone, on the clips that are
# rated first, and on Platt scaling; then a question for your own research.
#
# **Exercise 11.1.** Instead of giving the person an intercept, count the rated trials more. Let the
# person's windows make up a share $k / (k + 8)$ of the weight. Try it on the first six people: what
# happens to the AUC?
#
# :::{dropdown} Solution 11.1
# A handful of trials outvotes all others, and the weights of the features follow their noise. Where
# the area falls from the first to the last $k$, that is what happened. Six people show the
# direction at best.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from ecglib.data.labels import binary_labels
from ecglib.evaluation.metrics import auc
from ecglib.studies.crossfit import strict_features

y = binary_labels(meta, "valence")
person, clip = meta["participant"].to_numpy(), meta["clip"].to_numpy()
found = {k: [] for k in (0, most)}
for p, X in list(strict_features(study).items())[:6]:
    mine, order = person == p, drawn[p][0]
    test = mine & ~np.isin(clip, order)
    for k, of_people in found.items():
        train = ~mine | np.isin(clip, order[:k])
        weight = np.where(mine[train], k / max(mine[train].sum(), 1), 8 / (~mine).sum())
        z = StandardScaler().fit(X[train]).transform(X)
        fitted = LogisticRegression(C=1 / z.shape[1]).fit(
            z[train], y[train], weight / weight.mean()
        )
        of_people.append(auc(y[test], fitted.decision_function(z[test])))
for k, of_people in found.items():
    print(f"{study.label}, {k} rated: AUC {np.nanmean(of_people):.2f}")

# %% [markdown]
# **Exercise 11.2.** Recalibrate the bias alone: leave the fitted model as it is, and shift a
# person's log odds until the mean probability of the rated trials equals their share of high. What
# can't change, and what goes wrong with $k = 1$?
#
# :::{dropdown} Solution 11.2
# The order of a person's windows can't change, so neither can the AUC. With $k = 1$ the share is 0
# or 1, and the shift that achieves it is infinite. Something has to hold it back: a prior on the
# shift. That is what the penalty on the random intercept does.
# :::
#
# **Exercise 11.3.** Let everyone rate the *first* clips of the session instead of random ones. How
# well does the share of high ratings in them foretell the share in all others, compared with clips
# drawn at random?
#
# :::{dropdown} Solution 11.3
# This share is what sets a person's threshold. Where the first clips foretell it worse, real users
# would gain less than our curve says. The numbers of the clips are taken for their order in time.
# :::

# %% tags=["solution"]
high = (meta.groupby(["participant", "clip"])["valence"].first() > 3).astype(float)


def foretold(chosen: pd.Series) -> float:
    """Mean distance between the share of high in the chosen trials and in a person's others."""
    shares = [high[of].groupby("participant").mean() for of in (chosen, ~chosen)]
    return float((shares[0] - shares[1]).abs().mean())


rank = high.groupby("participant").cumcount()
rng = np.random.default_rng(0)
draws = []
for _ in range(200):
    place = pd.Series(rng.random(len(high)), high.index).groupby("participant").rank()
    draws.append(foretold(place <= most))
print(
    f"{study.label}, valence, {most} clips: off by {foretold(rank < most):.2f} by the first,",
    end=" ",
)
print(f"{np.mean(draws):.2f} by random ones")

# %% [markdown]
# **Exercise 11.4.** Platt scaling: fit a logistic regression from the head's log odds to the labels
# of *all other participants*, and apply it to each participant in turn. Is the result strictly out
# of fold?
#
# :::{dropdown} Solution 11.4
# Not quite. The other participants' probabilities come from heads that were trained with this
# person's ratings. Two numbers learn little from that, but a strict version would predict the
# others by heads that leave out both.
# :::

# %% tags=["solution", "nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

rows = head[head["target"] == "valence"].copy()
z = logit(rows["probability"].clip(0.001, 0.999)).to_numpy()[:, None]
for p in rows["participant"].unique():
    mine = (rows["participant"] == p).to_numpy()
    platt = LogisticRegression(C=1e6).fit(z[~mine], rows["truth"][~mine])
    rows.loc[mine, "probability"] = platt.predict_proba(z[mine])[:, 1]
kept = ["ece", "floor", "floor_high"]
for name, scaled in (("as it is", head[head["target"] == "valence"]), ("Platt", rows)):
    print(
        f"{study.label}, {name}:",
        calibration_table(scaled, **options)[kept].iloc[0].round(3).to_dict(),
    )

# %% [markdown]
# **Research question.** How should a system choose the clips that a new user rates? Find a rule
# that asks for fewer ratings than a random draw for the same accuracy, without looking at ratings
# that the user has not given, and test it against "ratings only".
#
# ## What next
#
# {doc}`12_contrastive` goes back to the pretext, and trains encoders by another one.
# {doc}`../book/real-dreamer` says how to run all of this on the real file.
