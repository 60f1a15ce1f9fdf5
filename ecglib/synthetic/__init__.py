"""An invented cohort in DREAMER.mat's own layout, whose truth is known.

It imports `data` and `core`, never `preprocessing`: it makes recordings, as a laboratory would.
"""
