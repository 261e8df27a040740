"""What the pages are made of; Streamlit lives here and in the pages, nowhere else.

Loose files: `frame` (title and navigation of every page), `resources` (the store, queue and jobs of this server),
`tables`, `words` (labels), `text` (escaping, numbers). Rooms: `forms` (controls made from settings), `plots` (figures),
and one per page. No computation lives here: pages show what `store`, `verdict`, `analysis` and `jobs` give. Nothing
here may import torch, a training or a model.
"""
