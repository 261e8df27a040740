"""The command line: one file per group of verbs, the same library calls as the pages make. May not import ui."""
