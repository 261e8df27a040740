"""Figures as plain data, and the live plot that draws them."""
