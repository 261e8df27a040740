"""All saved runs as one table: its fields, a language to filter it by, seeds folded, families of branches.

For the Runs page and `gainakt runs` alike. Nothing here reads a series or asks the store for single runs.
"""
