"""Cohorts of ECG recordings with ratings: the reader of DREAMER.mat, and labels from ratings.

It imports `core` only.
"""
