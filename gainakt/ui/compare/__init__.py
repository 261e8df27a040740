"""The Compare page's parts: each draws one section of a comparison, which `gainakt.analysis.compare` computes."""
