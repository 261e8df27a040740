"""Runs side by side: settings, data, measures, curves, skills, and whether differences are more than chance.

`Compared` reads what several runs saved, each part once and when it is asked for; the other modules work on it. No
Streamlit, no figures: the pages draw what is computed here, and the command line prints it.
"""

from gainakt.analysis.compare.compared import Compared, compare

__all__ = ["Compared", "compare"]
