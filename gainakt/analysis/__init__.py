"""From what the store holds of a run to its diagnosis, a next step and a written report.

- `diagnosis`: candidate causes of uniform gains, the balance of the losses, the course of the AUCs.
- `decision`: the decision tree, from these numbers to a preset to try next.
- `insight`: all of it for one run, with its verdict.
- `report`: the written analysis, in Markdown and HTML.
- `learning`: what a data set shows of learning, before any training.

Reads the store and data, nothing else: no training, no model, no torch, no Streamlit.
"""
