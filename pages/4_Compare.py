"""Compare: two or more runs side by side."""

from gainakt.ui import frame
from gainakt.ui.compare import view

frame.page("Compare", ":material/compare:")
view.page()
