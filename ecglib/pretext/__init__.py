"""Learning without labels: signal transformation recognition (STR) and contrastive learning.

It imports `models`, `features` and `core`: it sees windows as arrays, and no cohort.
"""
