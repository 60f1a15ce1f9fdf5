"""Readers of recordings, one module per format; `any_format` finds the one that a file needs.

Each gives a `ecglib.data.recording.Recording`. `any_format` reads all of them. `workbook` reads
tables that come beside recordings.
"""
