"""The encoder, its layers and weights, and the loop that trains by epochs.

It imports `core` only: arrays in, arrays out, and no cohort.
"""
