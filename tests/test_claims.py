"""The list of claims bites: each is broken here once, and what is true passes."""

import re
from pathlib import Path

import nbformat
import pytest

from ecglib.studies import stages
from ecglib.studies.real_findings import findings
from ecglib.studies.real_tables import shipped
from tools import claims
from tools.claims import CLAIMS, Data, complaints, page_of

INTRO = Path(__file__).resolve().parents[1] / "book" / "intro.md"
OWN = Data(people=23, clips=18, synthetic=True, planted=True)
NO_EFFECT = Data(people=10, clips=5, synthetic=True)
FEW = Data(people=6, clips=4, synthetic=False)
OF_DREAMER = Data(people=20, clips=18, synthetic=False)

WRONG = [
    ("01_data", FEW, "A synthetic file: what was planted, if anything, is not known here."),
    ("01_data", NO_EFFECT, "Real recordings: nothing was planted, and nobody knows what"),
    ("01_data", NO_EFFECT, "synthetic: shift per unit of feeling, in standard deviations"),
    ("01_data", FEW, "DREAMER, mean ratings of clips beside the published ones:"),
    ("01_data", OF_DREAMER, "DREAMER: 18 clips, so not those of the DREAMER study"),
    ("05_transfer", NO_EFFECT, "data: DREAMER, profile: smoke"),
    ("05_transfer", FEW, "data: synthetic, profile: smoke"),
    ("05_transfer", NO_EFFECT, "recordings and ratings of synthetic must not be passed on."),
    ("02_windows", FEW, "All of the 23 people moved."),
    ("02_windows", FEW, "We saw 18 film clips."),
    ("02_windows", FEW, "Eighteen clips are a sample too"),
    ("02_windows", FEW, "414 trials in all"),
    ("08_statistics", FEW, "nan to nan times as wide, nan in the middle"),
    (
        "06_results",
        NO_EFFECT,
        "For new people the pretrained encoder is better than the random one.",
    ),
    ("09_baselines", NO_EFFECT, "As expected, the network beats ten features."),
    ("09_baselines", NO_EFFECT, "In arousal we found an effect."),
    ("14_comparison", NO_EFFECT, "Once more, pretraining helps."),
    ("06_results", NO_EFFECT, 'If this page says "synthetic", we planted the effect ourselves.'),
    ("09_baselines", NO_EFFECT, "the answer was built in. Our invented people show what they feel"),
    ("02_windows", NO_EFFECT, "in a cohort made by `ecglib` it does, because we planted it"),
    ("03_transformations", FEW, "differ in amplitude alone, and amplitude varies anyway."),
    ("05_transfer", FEW, "- The features know who a window belongs to, so the split must not."),
    ("05_transfer", FEW, "A participant's windows lie together: the features know"),
    ("05_transfer", FEW, "The two shares differ."),
    ("12_contrastive", FEW, "Six participants who lie far apart are picked out"),
    ("06_results", NO_EFFECT, "## The same where there is nothing to find"),
    ("07_leakage", FEW, "The person is easily recognised"),
    ("08_statistics", FEW, "Six histograms, centred on a dotted line at one half"),
    ("10_released", FEW, "With five classes even the chance level is different."),
    ("11_beyond", FEW, "our people react alike, with one set of weights"),
    ("11_beyond", FEW, "0.05: False. An intercept moves the accuracy and not the order."),
    ("12_contrastive", FEW, "Knowing whose they are goes a long way towards knowing whether"),
    ("14_comparison", FEW, "And all of it is done several times, with other seeds"),
]


MISSING = [
    ("01_data", FEW, "6 participants, 4 clips"),
    ("01_data", FEW, "nothing was planted, and nobody knows"),
    ("01_data", NO_EFFECT, "what was planted, if anything, is not known"),
    ("01_data", OWN, "shift per unit of feeling"),
    ("13_finetuning", FEW, "data: DREAMER"),
    ("13_finetuning", NO_EFFECT, "data: synthetic"),
]


@pytest.mark.parametrize(("chapter", "data", "text"), WRONG)
def test_what_is_not_true_of_a_file_is_found(chapter, data, text):
    assert any("says what is not true" in line for line in complaints(chapter, text, data))


@pytest.mark.parametrize(("chapter", "data", "text"), MISSING)
def test_what_must_be_said_is_missed(chapter, data, text):
    def missed(page):
        return [line for line in complaints(chapter, page, data) if text in line.replace("\\b", "")]

    assert missed("Nothing of the kind.")
    assert not missed(text)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.says[:40])
def test_each_claim_is_broken_by_an_example(claim):
    broken = [
        text
        for chapter, data, text in WRONG
        if chapter.startswith(claim.chapter) and not claim.true(data, text)
        if re.search(claim.says, text)
    ]
    assert broken or claim.must


@pytest.mark.parametrize(
    "text",
    [
        "DREAMER is a study of 23 people and 18 clips.",
        "23 people: intervals 0.08 wide on average (simulated)",
        "auc valence   -0.049 -0.414  0.284  6",
        "Where amplitude varies anyway, it tells little.",
        "Where a participant's windows lie together, the features know who it is.",
        "Where the features know who a window belongs to, the split must not.",
        "Up to six participants who lie far apart are picked out.",
        "the pretrained encoder is better, interval above zero",
        "Does the supervised network beat the frozen STR encoder for new people?",
        "That the method helps has to be shown.",
    ],
)
def test_what_holds_for_any_file_passes(text):
    for data in (NO_EFFECT, FEW):
        found = complaints("05_transfer", text, data)
        assert all("does not say '^data" in line for line in found)


TABLE_6 = """\
STR minus random (synthetic)  mean  low  high  n_participants
metric            target
auc               valence    0.010 -0.030 0.050  10
                  arousal    0.060  0.010 0.110  10
synthetic: the pretrained encoder is better, interval above zero
for at least one target: {}
also with the level corrected for 6 intervals: False"""
TABLE_9 = """\
logistic regression, area minus that of the plain features  mean  low  high  n_participants
version             target
relative to person  valence    0.10  0.05  0.15  10
                    arousal    0.01 -0.05  0.07  10
                    dominance -0.10 -0.15 -0.05  10
synthetic, relative to person: better, interval above zero: {}; worse: ['dominance']"""
TABLE_14 = """\
synthetic, difference of the AUC [intervals that hold together], p after Holm

valence
STR − random, frozen  -0.10 [-0.18, -0.02]  p = 0.010

arousal
STR − random, frozen  +0.01 [-0.09, +0.11]  p = 1.000
synthetic, smoke profile:
STR − random, frozen: {}"""


@pytest.mark.parametrize(
    ("agree", "page", "right", "wrong"),
    [
        (claims.pretraining_verdict, TABLE_6, "True", "False"),
        (
            claims.pretraining_verdict,
            TABLE_6.replace("0.010 0.110", "-0.010 0.110"),
            "False",
            "True",
        ),
        (claims.gain_verdict, TABLE_9, "['valence']", "['valence', 'arousal']"),
        (claims.gain_verdict, TABLE_9, "['valence']", "[]"),
        (
            claims.question_verdicts,
            TABLE_14,
            "lower for valence; not decided for arousal",
            "higher for arousal; lower for valence",
        ),
        (
            claims.question_verdicts,
            TABLE_14,
            "lower for valence; not decided for arousal",
            "not decided",
        ),
    ],
)
def test_a_verdict_must_agree_with_its_intervals(agree, page, right, wrong):
    assert agree(page.format(right)) == []
    assert agree(page.format(wrong))


@pytest.mark.parametrize(
    ("agree", "page", "table"),
    [
        (claims.pretraining_verdict, TABLE_6.format("False"), "STR minus random"),
        (claims.gain_verdict, TABLE_9.format("['valence']"), "relative to person  valence"),
        (claims.question_verdicts, TABLE_14.format("not decided"), "difference of the AUC"),
    ],
)
def test_a_verdict_without_its_table_and_a_table_without_its_verdict_are_found(agree, page, table):
    start, _, after = page.rpartition("synthetic, " if "synthetic, " in page else "synthetic: ")
    assert after and agree(start)
    assert agree("Nothing of the kind.")
    assert agree(page.replace(table, "another table"))


def test_a_page_holds_text_captions_and_outputs(tmp_path):
    text = nbformat.v4.new_markdown_cell("The {term}`R peak` of *one*\nperson.\n\n{doc}`a <b>`")
    code = nbformat.v4.new_code_cell("x")
    code.metadata["mystnb"] = {"image": {"alt": "Dots."}, "figure": {"caption": "A figure."}}
    code.outputs = [nbformat.v4.new_output("stream", name="stdout", text="two\nlines\n")]
    nbformat.write(nbformat.v4.new_notebook(cells=[text, code]), tmp_path / "page.ipynb")
    said = ["The R peak of one person.", "a", "Dots.", "A figure.", "two", "lines"]
    assert page_of(tmp_path / "page.ipynb").splitlines() == said


def test_no_finding_is_typed_on_the_front_page():
    section = INTRO.read_text().partition("## What we found on real hearts")[2]
    section = section.partition("\n## ")[0]
    typed = re.sub(r"```\{code-cell\}.*?```", "", section, flags=re.DOTALL)
    assert "findings(scores)" in section and "three findings below are generated" in " ".join(
        typed.split()
    )
    assert not re.search(r"\d|helps|better|worse|harm", claims.ROLE.sub("", typed))
    assert len(findings(shipped(stages.REAL_SCORES))) == 3
