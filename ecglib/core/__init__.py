"""What every room needs: errors, folders, files that are whole, stages and their lock.

It imports no other room, and knows nothing of ECG.
"""
