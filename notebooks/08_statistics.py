# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Can the statistics be trusted?
#
# ```{opening} fig-statistics-power
# How small an effect can the people of one cohort show, and how often is an interval right?
# ```
#
# ```{admonition} Before you start
# - **You will learn** how often our intervals are right, which permutation test is allowed, how
#   small an effect a cohort can show, and why more seeds do not replace more people.
# - **You need first**: {doc}`06_results`.
# - **It takes** under half a minute if it has run before, and longer the first time, when heads are
#   trained on permuted ratings and with several seeds. The simulations come with the project, in
#   `results/`, and serve any data.
# ```
#
# Every result of this book is a mean over people, and comes with an {term}`interval <confidence interval>`, a **{term}`bootstrap`-t**
# interval {cite}`efron1993bootstrap`. A program computes both, and a program can be wrong without
# looking wrong. We therefore test the statistics as we test the code, on cases whose answer we
# know. We invent people, with a true effect that we choose, and count how often the statistics say
# the right thing about them. All random numbers come from the {term}`seed` 0, which nobody chose by its
# result.
#
# The invented people are close to those of {cite}`katsigiannis2018dreamer`. Each watches 18 clips.
# A {term}`trial` gives several {term}`windows <window>`, which share one rating and resemble each other. Each person has a
# share of high ratings and a size of the effect of their own. Whatever this page says about them is
# marked as *simulated*. It does not depend on the data file.

# %%
import numpy as np
import pandas as pd

from ecglib.core.process import tune_process
from ecglib.data.labels import TARGETS
from ecglib.evaluation import power, simulation, variance
from ecglib.evaluation.crossed import crossed_intervals
from ecglib.evaluation.intervals import bootstrap_interval
from ecglib.evaluation.leave_out import LeaveOneParticipantOut
from ecglib.evaluation.permutation import areas
from ecglib.evaluation.protocols import NONE, RANDOM, STR, STRICT
from ecglib.evaluation.simulated_clips import clips_table
from ecglib.evaluation.simulated_folds import WINDOWS, folds_table
from ecglib.evaluation.summaries import participant_metrics
from ecglib.plots import statistics as statistics_plots
from ecglib.studies import results, statistics
from ecglib.studies.statistics import encoder_tests
from ecglib.studies.study import Study

tune_process()
study = Study()
print(f"data: {study.label}, profile: {study.profile.name}")

# %% [markdown]
# ## An interval is a promise
#
# "95 %" means: of many studies, 95 in 100 give an interval that covers the truth. One study cannot
# show that. Many simulated studies can.

# %%
people = simulation.People(separation=0.8, spread=0.6)
labels, features = people.draw((60, 23), np.random.default_rng(0))
values = areas(labels, features[..., 0])  # one area per cohort and person
# A person whose trials are all rated alike has no area.
cohorts = [cohort[np.isfinite(cohort)] for cohort in values]
means = np.array([cohort.mean() for cohort in cohorts])
intervals = np.array([bootstrap_interval(cohort) for cohort in cohorts])

# %% mystnb={"image": {"alt": "Sixty vertical intervals side by side around a dotted line that marks the truth; nearly all cross it, and the few that do not are dashed and orange."}, "figure": {"caption": "Bootstrap intervals of 60 simulated cohorts. Each has people of its own, drawn from the same population.", "name": "fig-statistics-ladder"}}
fig = statistics_plots.interval_ladder(means, intervals, people.auc)
fig

# %%
misses = (intervals[:, 0] > people.auc) | (intervals[:, 1] < people.auc)
print(f"true mean area {people.auc:.2f}; {misses.sum()} of {misses.size} intervals miss it")

# %% [markdown]
# :::{dropdown} Quiz: Three of sixty 95 % intervals miss the truth. Is the method broken?
# No: one in twenty may. It would be suspicious if none ever missed.
# :::
#
# ## Do the intervals cover the truth?
#
# First the plain case. A {term}`head` is *finished*: it was trained elsewhere, and new people are tested
# with it. They know nothing of each other, and the mean over them is a mean of independent numbers.
# We call the very function that makes the intervals of this book, hundreds of times for each of
# several kinds of people and sizes of cohort. The ± is the standard error of our own counting.


# %%
def percent(share: pd.DataFrame, error: pd.DataFrame) -> pd.DataFrame:
    """Share and its standard error as text, in per cent."""
    return share.map("{:.0%}".format) + " ± " + error.map("{:.0%}".format)


finished = statistics.simulated(simulation.coverage_table, study.folder)
grid = {"index": "case", "columns": "n_participants", "sort": False}
covered, error = (finished.pivot_table(**grid, values=column) for column in ("coverage", "error"))
percent(covered, error).rename_axis(columns="coverage, by people (simulated)")

# %% mystnb={"image": {"alt": "Points with short horizontal bars for five kinds of metric and three cohort sizes, beside a shaded band from 93 to 97 per cent; all lie in or at the band except those of the last kind."}, "figure": {"caption": "How often 95 % intervals cover the truth when a finished head is tested. Bars: two standard errors to either side (the ± of the table is one).", "name": "fig-statistics-coverage"}}
fig = statistics_plots.coverage_points(covered, error, "people")
fig

# %%
inside = finished["coverage"].between(0.93, 0.97)
one_answer = finished["case"].str.contains("one answer")
print(f"from 93 to 97 %: {inside.sum()} of {len(finished)}")
print(
    "all others are of the head that nearly always gives one answer:",
    bool(one_answer[~inside].all()),
)

# %% [markdown]
# The last row is the honest exception. A head that nearly always answers "low" has a balanced
# accuracy of exactly one half in most people, and another value in a few. A small cohort often
# holds none of the few, and then the interval is far too narrow. No method can see in the data what
# the data do not hold. **Do not read an interval of {term}`balanced accuracy` when most people have the
# same value.** The {term}`area under the ROC curve <AUC>` does not have this problem, because it needs no
# threshold.
#
# ## Leave-one-participant-out counts chance twice
#
# In {doc}`06_results` the heads are not finished. Every person is tested by a head that all the
# *others* trained, so Ann is in Bob's training data, and Bob is in Ann's. Suppose their trials
# agree by accident: what looks like a high rating in Ann also looks like one in Bob. Then the head
# tested on Bob does well, and so does the head tested on Ann: one accident is counted twice. If
# they disagree by accident, both lose. The scores of people move together, so their mean varies
# more than the spread between people suggests. Where there is nothing to learn, everything is
# accident, and the variance of the mean is *twice* what the spread suggests
# {cite}`nadeau2003inference`. No formula can read this off the scores of one study
# {cite}`bengio2004variance`.
#
# The simulation goes from end to end here: it trains the heads, writes the rows of predictions, and
# calls `summarise`, the function behind the tables.

# %% tags=["hide-output"]
trained = statistics.simulated(simulation.cross_validation_table, study.folder)
names = trained["heads"].map({"finished": "finished head", "left-out": "left-out heads"})
trained.index = names + ", true AUC " + trained["truth"].map("{:.2f}".format)
shown = pd.DataFrame(
    {
        "error / what people show": trained["error_ratio"].round(1),
        "plain interval": trained["plain"].map("{:.0%}".format),
        "interval of the tables": trained["table"].map("{:.0%}".format),
    }
)
shown.rename_axis("simulated")

# %% mystnb={"image": {"alt": "Two points for each of four rows beside a shaded band from 93 to 97 per cent: the plain interval falls far below the band for left-out heads without an effect, and the interval of the tables stays in the band or to its right."}, "figure": {"caption": "How often intervals cover the truth when every cohort trains its own heads. Bars: two standard errors to either side.", "name": "fig-statistics-left-out"}}
series = {"plain": "plain", "as in the tables": "table"}
covered = pd.DataFrame({name: trained[column] for name, column in series.items()})
error = pd.DataFrame({name: trained[f"{column}_error"] for name, column in series.items()})
fig = statistics_plots.coverage_points(covered, error, "interval")
fig

# %%
left_out = trained[trained["heads"] == "left-out"]
print(
    "plain interval of left-out heads, no effect, below 90 %:",
    bool(left_out["plain"].iloc[0] < 0.9),
)
print("interval of the tables, never below 93 %:", bool((trained["table"] >= 0.93).all()))
print("and above 97 % where the effect is strong:", bool(left_out["table"].iloc[-1] > 0.97))

# %% [markdown]
# So the tables of this book widen the interval of every result that comes from several {term}`folds <fold>`, by
# the square root of two. Near chance that is what is needed, and near chance is where the
# question "is there anything?" is asked. Where the effect is strong the interval is wider than it
# need be. We prefer an interval that promises too little.
#
# :::{dropdown} Quiz: Why do left-out heads make the mean vary more than people's scores show?
# Ann trains Bob's head and Bob trains Ann's. An accidental likeness is counted on both sides, so
# scores move together.
# :::
#
# ### Other folds, and differences
#
# The tables hold more than that: folds of several people, of windows, of trials and of clips, the
# difference of two models, and that of two ways of folding. Does each need the same factor? We
# measure it: how much the mean varies between cohorts, over what the spread of people says. For a
# finished head that ratio is 1. There are two kinds of heads: a linear one, and {term}`nearest neighbours`,
# which learn windows by heart. The truth here is the mean over all cohorts, including any {term}`leak <leakage>`,
# since the question is only how far one study lies from it.

# %% tags=["hide-output"]
folded = statistics.simulated(folds_table, study.folder)
index = ["head", "result"]
ratios = folded.pivot_table(index=index, columns="separation", values="error_ratio", sort=False)
ratios = ratios.rename(columns={s: f"effect {s:g}" for s in ratios.columns})
ratios.round(2).rename_axis(columns="error / what people show (simulated)")

# %% mystnb={"image": {"alt": "Two points for each head and way of folding, plain interval and interval of the tables, beside a shaded band from 93 to 97 per cent: plain intervals fall below the band in many rows, those of the tables lie in it or to its right."}, "figure": {"caption": "How often intervals cover the truth for other ways of folding and for differences, where there is no effect. Bars: two standard errors to either side.", "name": "fig-statistics-folds"}}
no_difference = folded[folded["separation"] == 0]
heads = no_difference["head"].str.removeprefix("nearest ")
names = no_difference["result"] + " (" + heads + ")"
covered = pd.DataFrame({name: no_difference[column] for name, column in series.items()})
error = pd.DataFrame({name: no_difference[f"{column}_error"] for name, column in series.items()})
covered.index = error.index = names
fig = statistics_plots.coverage_points(covered, error, "interval")
fig

# %%
shared = 2**0.5
print(f"largest ratio of all: {folded['error_ratio'].max():.2f}; the tables widen by {shared:.2f}")
of_windows = folded[folded["result"] == WINDOWS].set_index(["head", "separation"])["error_ratio"]
print(f"window-wise: from {of_windows.min():.2f} to {of_windows.max():.2f}, by head and effect")
short = 0.95 - folded["table"] > 2 * folded["table_error"]
print("rows whose interval in the tables covers less than 95 % beyond counting error:", short.sum())
print(
    f"rows in which a plain interval does: {(0.95 - folded['plain'] > 2 * folded['plain_error']).sum()}"
)

# %% [markdown]
# Folds of people, and the difference of two models on such folds, need the factor in full where there is
# nothing to find. {term}`Window-wise <window-wise>` results need less, because there most of a person's score comes from that
# person's own windows; yet how much less depends on the head and on the effect, which nobody can read
# off one study. So no result gets a smaller factor. Window-wise intervals are on the wide side.
#
# ## Clips are a sample too
#
# All intervals so far ask: what would *other people* give, with the same clips? But nobody cares for
# just these films. They, too, are a sample. An interval over people alone is too narrow for that
# question where clips pull at everyone alike, and more people don't help. One over people *and* clips
# is never narrower, and allows for it.
#
# Suppose a loud clip quickens every heart, and happens
# to be one that most people rate high. Then a head that listens to the heart rate is right about this
# clip in everyone. With more people it is right more often still; only other clips would show that it
# was luck. People and clips are **crossed** random factors: each person saw each clip.
#
# So the variance of a mean area has two parts. One is what people show, as above. The other is what
# people have *in common*: by how much a clip pulls the areas of two different people in the same
# direction {cite}`cameron2011multiway`. The ends of the interval come from drawing people and clips
# anew, both at once {cite}`owen2007pigeonhole`. First the test on invented people and clips, a
# finished head again. "Clips" is how much a clip moves all hearts, whatever it is rated, in standard
# deviations of a window; the truth is the area over other people *and* other clips.

# %%
of_clips = statistics.simulated(clips_table, study.folder)
of_clips.index = (
    "effect "
    + of_clips["separation"].map("{:g}".format)
    + ", clips "
    + of_clips["clips"].map("{:g}".format)
)
shown = pd.DataFrame(
    {
        "people alone covers": of_clips["people"].map("{:.0%}".format),
        "people and clips covers": of_clips["crossed"].map("{:.0%}".format),
        "± counting": of_clips["crossed_error"].map("{:.0%}".format),
        "width, people": of_clips["people_width"].round(2),
        "width, people and clips": of_clips["width"].round(2),
    }
)
shown.rename_axis("simulated")

# %%
pull = of_clips["clips"] > 0
print("where clips pull at hearts, people alone cover:", end=" ")
print(f"{of_clips.loc[pull, 'people'].min():.0%} to {of_clips.loc[pull, 'people'].max():.0%}")
short = 0.95 - of_clips["crossed"] > 2 * of_clips["crossed_error"]
print(f"crossed intervals that cover less than 95 % beyond counting error: {short.sum()}")
wider = of_clips["width"] / of_clips["people_width"]
print(f"price where clips do nothing: {wider[~pull].max() - 1:.0%} more width")

# %% [markdown]
# Now the main result of this study: new people, frozen encoders, both intervals. Like in all tables, the
# part of the people is widened for left-out heads.

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
rows = results.predictions(study)
main = rows["protocol"].eq(LeaveOneParticipantOut.protocol) & rows["regime"].isin([STRICT, NONE])
both = crossed_intervals(rows[main & rows["model"].isin([RANDOM, STR])])


def interval(low: pd.Series, high: pd.Series) -> list[str]:
    """Both ends as text, with the width behind them."""
    text = [f"{a:.2f} to {b:.2f} ({b - a:.2f})" for a, b in zip(low, high, strict=True)]
    return pd.Series(text, low.index).where(low.notna(), "too few").tolist()


table = pd.DataFrame(
    {
        "area": both["mean"].round(2),
        "other people (width)": interval(both["people_low"], both["people_high"]),
        "other people and clips (width)": interval(both["low"], both["high"]),
        "clips' share of variance": both["clips_share"].map("{:.0%}".format),
    }
)
table.index = pd.MultiIndex.from_frame(both[["model", "target"]])
table.rename_axis(columns=study.label)

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
widths = (both["high"] - both["low"]) / (both["people_high"] - both["people_low"])
print(f"{study.label}, {both['n_clips'].iloc[0]} clips: the honest interval is, as a factor,")
if widths.notna().any():
    print(f"{widths.min():.2f} to {widths.max():.2f} times as wide,", end=" ")
    print(f"{widths.median():.2f} in the middle")
else:
    print("not known: there are too few people or clips for it")
print(
    "intervals that leave out one half, people alone:",
    int((both["people_low"] > 0.5).sum()),
    end="; ",
)
print("people and clips:", int((both["low"] > 0.5).sum()), "of", both["low"].notna().sum())

# %% [markdown]
# A factor of 1 says that clips hardly pull at all people alike *in these data*. It is never less: a question about
# other clips too cannot be answered more precisely. **In the cohort that `ecglib` makes**, the film has
# no way to act on a heart but through what the person feels, so clips have only chance to add. Real
# films are loud, quiet, long, and shown in an order. And no interval repairs a bias: left-out heads
# were trained on *the same clips*, and may know them. {doc}`07_leakage` leaves out person and clip
# together.
#
# ## What may change places?
#
# An interval says how large an effect is. A {term}`permutation test` asks whether there is any: let things
# change places that would be alike if the model knew nothing, and see how often the result is as
# good as the real one {cite}`ojala2010permutation`. The difficulty is to say *what* may change
# places. The trials of one person may, each with all its windows, and where a head was trained on the
# ratings of others, it must be trained anew for every permutation. Other shuffles find something
# where there is nothing, too often.
#
# Three things could be shuffled.
#
# - **Windows?** No. Windows of a trial share a rating and resemble each other. A shuffle of windows
#   takes these groups apart, and the shuffled results vary less than real chance does.
# - **Trials of one person?** Yes, all windows of a trial together. Every person's share of high
#   ratings stays as it is.
# - **Under finished predictions?** Only for a finished head. Left-out heads were trained with the
#   ratings of one another's test persons. So the ratings must change places first, and all heads
#   must be trained anew, for every permutation.
#
# A right test gives small p-values as rarely as they promise: where there is nothing to find, 5 % of
# them lie below 0.05. We run every test, right and wrong, on hundreds of cohorts without effect.

# %% tags=["hide-output"]
p_values = statistics.simulated(simulation.null_p_values, study.folder)
checked = simulation.uniformity(p_values)
columns = {
    "below_5_percent": "p below 5 %",
    "expected_low": "expected, from",
    "expected_high": "expected, to",
}
shown = checked[list(columns)].map("{:.1%}".format).rename(columns=columns)
shown.assign(uniform=checked["uniform"]).rename_axis(f"{len(p_values)} cohorts (simulated)")

# %% mystnb={"image": {"alt": "Three panels of rising curves against a dotted diagonal. In each panel one test follows the diagonal, and the other, dashed, lies above it for small levels."}, "figure": {"caption": "Shares of p-values up to each level where there is nothing to find; right tests follow the diagonal.", "name": "fig-statistics-p-values"}}
pairs = {
    "one finished head": ["finished head, trials", "finished head, windows"],
    "left-out heads": ["left-out heads, refitted", "left-out heads, trials"],
    "two models": ["two finished heads, signs", "two left-out heads, signs"],
}
fig = statistics_plots.p_value_curves(p_values, pairs)
fig

# %%
right = [tests[0] for tests in pairs.values()]
wrong = [tests[1] for tests in pairs.values()]
print("p-values of the right tests are uniform:", bool(checked.loc[right, "uniform"].all()))
print("those of any wrong test:", bool(checked.loc[wrong, "uniform"].any()))
print(f"wrong tests find something in {checked.loc[wrong, 'below_5_percent'].min():.0%}", end=" ")
print(f"to {checked.loc[wrong, 'below_5_percent'].max():.0%} of cohorts without effect")

# %% [markdown]
# The last pair compares two models. On new people, two models may change places within each person,
# which flips the sign of the difference. For two models with left-out heads this, too, finds too
# much. There the interval of the paired difference in {doc}`06_results` is the right tool: it is
# widened like the others.
#
# ### The study's encoders
#
# Training anew a thousand times needs a head that trains fast. We take a linear one with a closed
# form. It is not the head of {doc}`06_results`, so its areas differ from the areas there.
# The {term}`encoders <encoder>` are the same ones, and need no new training: they never see a rating.

# %% mystnb={"image": {"alt": "Six histograms, two encoders by three targets, of mean areas with permuted ratings, beside a dotted line at one half, each with a vertical line at the observed mean area."}, "figure": {"caption": "Mean area under leave-one-participant-out: observed, and after permuting the ratings and training anew.", "name": "fig-statistics-permutations"}}
tests = encoder_tests(study)
permuted = pd.DataFrame({result: test.permuted for result, test in tests.items()})
observed = pd.Series({result: test.observed for result, test in tests.items()})
fig = statistics_plots.permutation_histograms(permuted, observed, study.label)
fig

# %% tags=["hide-output", "nbval-ignore-output"] reason="features of trained networks differ slightly between processors"
rows = [
    {
        "encoder": encoder,
        "target": target,
        "mean area": test.observed,
        "with ratings permuted": test.permuted.mean(),
        "p": test.p,
    }
    for (encoder, target), test in tests.items()
]
pd.DataFrame(rows).round(3).set_index(["encoder", "target"]).rename_axis(columns=study.label)

# %%
permuted = np.array([test.permuted.mean() for test in tests.values()])
print(
    f"{study.label}: {len(tests)} tests of {tests[RANDOM, TARGETS[0]].permuted.size} permutations"
)
print("permuted ratings give one half on average:", bool(np.allclose(permuted, 0.5, atol=0.01)))
print(f"p below 0.05 / {len(tests)} for {STR}, any target:", end=" ")
print(bool(min(tests[STR, target].p for target in TARGETS) < 0.05 / len(tests)))

# %% [markdown]
# With several tests, one small p-value may be luck. The last line divides the level by their number
# (Bonferroni's correction). And note what a small p-value means here: scores and ratings of a
# person's trials belong together. The test cannot say *why*. A model that recognises the clip, by
# its music or its length, would pass as well.
#
# :::{dropdown} Quiz: Finished heads, one p-value of 0.01 from a shuffle of windows. What do you conclude?
# Nothing yet. Windows of a trial share a rating, so a shuffle of windows varies less than chance
# does. Shuffle trials.
# :::
#
# ## How small an effect can be seen?
#
# A study that finds nothing says little if it could not have found anything. The **{term}`power`** is how
# often a study of a given size finds an effect of a given size. It depends on how much people
# differ: on the standard deviation of the metric between people. This deviation includes both true
# differences and the noise of measuring each person with few trials. The question is asked near
# chance, so we take the spread from there: from the cohort without effect of {doc}`06_results`,
# which went through the same encoders and heads. Beside it stands the spread of this study's own
# results.


# %%
def spreads_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Standard deviation between people, per target: of the area, and of the encoders' difference."""
    rows = rows[rows["protocol"] == LeaveOneParticipantOut.protocol]
    values = participant_metrics(rows, ["auc"])
    of = values.pivot(index="participant", columns=["model", "regime", "target"], values="value")
    areas_of_str, areas_of_random = of[STR, STRICT], of[RANDOM, NONE]
    spreads = {"area": areas_of_str.std(), "difference": (areas_of_str - areas_of_random).std()}
    return pd.DataFrame(spreads).loc[list(TARGETS)]


near_chance = spreads_of(results.null_predictions(study))
n_people = study.usable.meta["participant"].nunique()

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
NULL = "synthetic, no effect"
smallest = near_chance.map(lambda spread: power.detectable_effect(spread, n_people))
smallest["area"] += 0.5
seen = {
    f"spread, {NULL}": near_chance,
    f"spread, {study.label}": spreads_of(results.predictions(study)),
    "smallest one found": smallest,
}
pd.concat(seen, axis=1).round(3).rename_axis(index=f"{n_people} people")

# %% [markdown]
# The two columns on the right are the answer for this study: the smallest true mean area, and the
# smallest true difference between the two encoders, that it would find 80 times in 100, by the spread of
# the cohort without effect. "Find"
# means that the 95 % interval of the tables leaves out chance, or zero. The calculation takes the
# doubled variance of left-out heads for granted, so it is on the careful side.
#
# The spread of another study will differ. Here is the smallest detectable area for a range of
# spreads and sizes; DREAMER has 23 people.

# %% tags=["hide-output"]
sizes, spreads = (10, 23, 40, 80), (0.06, 0.08, 0.10, 0.12, 0.15)
smallest = pd.DataFrame(
    {n: [0.5 + power.detectable_effect(spread, n) for spread in spreads] for n in sizes},
    index=pd.Index(spreads, name="spread"),
)
smallest.round(3).rename_axis(columns="people")

# %% mystnb={"image": {"alt": "Left: power rises with the effect, earlier for larger cohorts, and crosses the dotted line at 0.8. Right: the smallest effect found falls with the number of people, and is larger for left-out heads than for a finished head."}, "figure": {"caption": "Power over the size of the effect, and the smallest effect that is found 80 % of the time over the number of people.", "name": "fig-statistics-power"}}
typical = float(near_chance["area"].mean())
curves, smallest = power.power_curves(typical, sizes), power.detectable_effects(typical)
fig = statistics_plots.power_curves(curves, smallest, typical, NULL)
fig

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
print(f"{n_people} people, spread between people {typical:.2f} ({NULL}):")
print(f"a true area of 0.55 is found in {power.power(0.05, typical, n_people):.0%} of studies,")
reach = power.detectable_effect(typical, n_people)
print(f"and 80 % find an area of {0.5 + reach:.3f}, {reach:.3f} above one half;")
print(f"one closer to one half than {0.5 + reach:.3f} is missed in more than a fifth of studies")

# %% tags=["hide-cell"]
effect = power.detectable_effect(0.1, 23, several_folds=False)
found = simulation.simulated_power(effect, 0.1, 23)
print(
    f"finished head, spread 0.10: {0.5 + effect:.2f} is found in {found:.0%} of cohorts (simulated)"
)
print("calculated 80 %, simulation agrees within 4 points:", bool(abs(found - 0.8) < 0.04))

# %% [markdown]
# So a result near chance means "no effect as large as that", not "no effect". With more people the
# smallest effect that is found shrinks only slowly, by the square root of their number.
#
# :::{dropdown} Quiz: "No effect (p = 0.4)". What is missing in this sentence?
# How large an effect the study would have found. Without it, a small study always wins the
# argument.
# :::
#
# ## Seeds are not people
#
# Train the same head with another seed, and the numbers change. Papers often train five
# times and write "± standard deviation over seeds". What does this ± tell? It says how *these* people
# would score tomorrow; readers ask what *other people* would give. However many seeds there are, the
# differences between people stay. So our tables average the seeds within a person first, and then
# take the interval over people.
#
# We train the heads on the random encoder's features with five seeds, and lay out one number per
# person and seed.

# %%
of_seeds = statistics.seed_predictions(study, TARGETS[0])
parts = variance.seed_variance(of_seeds).iloc[0]
table = participant_metrics(of_seeds, ["auc"]).pivot(
    index="participant", columns="seed", values="value"
)
table = table.dropna()

# %% mystnb={"image": {"alt": "Left: for each person a short column of dots, one per seed; people stand in order of their means. Right: the standard error falls with the number of seeds towards the level that people alone would give; a second, dashed line for twice as many people lies below."}, "figure": {"caption": "Area of every person with every seed, and the standard error of the mean for more seeds and for more people.", "name": "fig-statistics-seeds"}}
ordered = table.loc[table.mean(axis=1).sort_values().index]
errors = power.standard_errors(parts, (len(table), 2 * len(table)))
fig = statistics_plots.seeds_and_participants(ordered, errors, f"{study.label}, {TARGETS[0]}")
fig

# %% [markdown]
# A value is taken as the sum of four things: the mean, what is special about the person, what is
# special about the seed, and the rest. The variances of the last three can be estimated from the
# table {cite}`searle1992variance`. With $P$ people and $S$ seeds the standard error of the mean is
#
# $$\sqrt{\frac{\sigma^2_\text{person}}{P} + \frac{\sigma^2_\text{seed}}{S} + \frac{\sigma^2_\text{rest}}{P\,S}}.$$
#
# Seeds divide the last two terms only. The first stays, however many seeds there are.

# %% tags=["nbval-ignore-output"] reason="results of trained networks differ slightly between processors"
names = {
    "participant": "variance between people",
    "seed": "variance between seeds",
    "rest": "variance of the rest",
    "spread_of_seeds": "± over seeds",
    "error_one_seed": "standard error, one seed",
    "error": f"standard error, {parts['n_seeds']} seeds",
    "error_many_seeds": "standard error, endless seeds",
}
print(f"{study.label}, {TARGETS[0]}, {parts['n_participants']} people")
parts[list(names)].rename(names).astype(float).round(4).to_frame("value")

# %%
print(f"{study.label}: people differ more than seeds:", bool(parts["participant"] > parts["seed"]))
print("± over seeds is less than half of the standard error:", end=" ")
print(bool(parts["spread_of_seeds"] < 0.5 * parts["error"]))
saved = 1 - parts["error_many_seeds"] / parts["error"]
print("endless seeds instead of these would save a tenth of it:", bool(saved >= 0.1))

# %% [markdown]
# More seeds are worth their price as
# long as the seed's share is large; after that, only more people help. To save time the heads here
# trained for a third of the usual {term}`epochs <epoch>`.
#
# Left-out heads add what {ref}`this figure <fig-statistics-left-out>` showed: the first term is up
# to twice as large.
#
# :::{dropdown} Quiz: A paper trains with five seeds and gives mean ± SD over seeds. May you compare its ± with ours?
# No. Theirs says how the same people would score again, ours how other people would.
# :::
#
# ## What could go wrong
#
# Each of these mistakes makes chance look like a finding, or an interval look surer than it is.
#
# - **Taking windows for independent.** In an interval or in a test, it makes chance look like a
#   finding.
# - **Permuting under the predictions of a cross-validation.** Train anew, or do not permute.
# - **Reading an interval of a metric that hardly varies**, such as the balanced accuracy of a head
#   with one answer.
# - **Calling a near-chance result "no effect"** without saying how small an effect could be seen.
# - **Hoping that the simulation is real.** It covers what we put in: people, trials, windows, heads.
#   People who resemble each other, as members of a family do, are not in it.
#
# ## Take-aways
#
# - For a finished head, 95 % intervals over people cover the truth as often as they say.
# - Under cross-validation the mean over people varies up to $\sqrt2$ times as much as people show;
#   our tables allow for that, for every way of folding and for differences.
# - Clips are a sample too. Where they pull at everyone alike, more people don't help.
# - Permute trials within people, and train anew.
# - State the smallest effect that the study could find.
# - Seeds measure the training; people measure the claim.

# %% [markdown]
# ## Exercises
#
# **Exercise 8.1.** How many people would a study need to find a mean area of 0.53 with a spread of
# 0.10? And one of 0.55?
#
# :::{dropdown} Solution 8.1
# The number grows with the inverse square of the effect.
# :::

# %% tags=["solution"]
for area in (0.53, 0.55):
    needed = next(n for n in range(5, 1000) if power.detectable_effect(0.1, n) <= area - 0.5)
    print(f"a mean area of {area}: {needed} people, DREAMER has 23")

# %% [markdown]
# **Exercise 8.2.** How wrong is a shuffle of windows when a trial has twenty windows instead of
# four? Compare how much the area of a score that knows nothing varies, if windows change places and
# if trials do.
#
# :::{dropdown} Solution 8.2
# The shuffle of trials varies alike in both, because there are as many trials. The shuffle of
# windows varies less the more windows there are: real chance looks like a finding.
# :::

# %% tags=["solution"]
from ecglib.evaluation.metrics import auc

rng = np.random.default_rng(0)
high = (np.arange(18) < 9).astype(int)  # eighteen trials, half of them high
for n_windows in (4, 20):
    trial = np.repeat(np.arange(18), n_windows)
    score = rng.normal(size=18)[trial] + 0.5 * rng.normal(size=trial.size)
    by_window = np.std([auc(rng.permutation(high[trial]), score) for _ in range(300)])
    by_trial = np.std([auc(rng.permutation(high)[trial], score) for _ in range(300)])
    print(
        f"{n_windows} windows: by windows ± {by_window:.2f}, by trials ± {by_trial:.2f} (simulated)"
    )

# %% [markdown]
# **Exercise 8.3.** A colleague trains with 50 seeds and reports the standard deviation of the 50
# means, divided by $\sqrt{50}$. What is this the standard error of?
#
# :::{dropdown} Solution 8.3
# Of the mean over seeds *for these people*. It goes to zero with more seeds, and says nothing about
# other people.
# :::
#
# **Exercise 8.4.** What must you pay to halve an interval: twice as many people, or four times?
#
# :::{dropdown} Solution 8.4
# Four times, since the standard error falls with the square root of their number.
# :::

# %% tags=["solution"]
rng = np.random.default_rng(0)
for n in (23, 46, 92):
    widths = [np.ptp(bootstrap_interval(rng.normal(0.55, 0.1, n))) for _ in range(20)]
    print(f"{n} people: intervals {np.mean(widths):.3f} wide on average (simulated)")

# %% [markdown]
# **Research question.** The tables widen every interval by $\sqrt{2}$, which is right near chance
# and too careful elsewhere. Can you find an interval for leave-one-participant-out that needs no
# refitting, is honest near chance and narrower for strong effects? Say on which simulation you
# would test it before you believe it.
#
# ## What next
#
# {doc}`09_baselines` asks what simple features of the heartbeat achieve, without a network.
# {doc}`../book/real-dreamer` says how to run all of this on the real file.
