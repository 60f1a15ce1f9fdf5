"""The verbs of the command line: one module each, found by its name.

A module here defines ``command``, a `click.Command`. Its name is the verb, with hyphens for
underscores. Nothing else has to be changed to add one. Modules that begin with an underscore are no
verbs: `_shared` has what several of them need.
"""
