"""Features measured by hand on a window: the heartbeat and the power in bands.

It imports `core` only: arrays in, numbers out, and no cohort.
"""
