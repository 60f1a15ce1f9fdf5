"""One module for each question of the book, and what they share: profiles, stages, a study.

It is the only room that knows profiles and caches. It imports all others but `plots`.
"""
