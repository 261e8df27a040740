"""What the pages are made of: frame, charts, live plot, forms."""
