"""The command line: the same library calls as the pages make. May not import ui."""
