"""What a user asks of a recording, a folder or a table: the commands as functions.

It may import every room below `commands`. Each function takes files, arrays or frames, and gives a
result that can be shown or written; none needs a study.
"""
