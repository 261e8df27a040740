"""What a learning scientist asks of a data set: pure functions of interactions and of fits that others make.

- `observations`, `afm`: responses as the additive factors model sees them, and its fit.
- `curves`: learning curves, what fits say of them, DataShop's categories.
- `skill_models`: KC models of one file compared; `items`, `splits`: what does not fit, what to split or merge.
- `mastery`, `students`, `practice`: tasks until mastery, the class table, practice too long and too short.
"""
