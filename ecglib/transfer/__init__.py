"""From an encoder to an answer: heads on frozen features, fine-tuning, and classical models.

It imports `pretext`, `models`, `features` and `core`: arrays in, arrays out, and no cohort.
"""
