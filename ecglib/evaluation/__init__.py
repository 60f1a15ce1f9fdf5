"""Who is tested, and how well: splits, out-of-fold predictions, metrics, intervals and tests.

It may import every room below `studies`, and knows no profile and no cache.
"""
