"""A data set as a whole: loaded by its configuration, previewed, described, uploaded.

Stands on `data` (files) and `simulate` (classes with a known truth), which know nothing of each other's loading.
"""
