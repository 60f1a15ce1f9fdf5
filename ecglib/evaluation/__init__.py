"""Who is tested, and how well: splits, out-of-fold predictions, metrics, intervals and tests.

It imports every room below `studies` but `plots`, and knows no profile and no cache.
"""
