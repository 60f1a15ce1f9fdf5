"""From recordings to windows: filters, quality, normalisation, and one row of metadata a window.

It imports `data` and `core`.
"""
