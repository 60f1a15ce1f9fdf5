"""Figures: frames and plain arrays in, a figure out; nothing is computed here.

It imports `evaluation` and the rooms of data for their words, and never `studies`.
"""
