"""Figures as plain data, and the live plot that draws them.

`charts`, `histograms`, `figures`: pure functions, data frame in, Plotly figure out, without Streamlit. `live` and its
script: the component that redraws a figure without losing zoom. No store, no jobs, no verdict: callers fetch the data.
"""
