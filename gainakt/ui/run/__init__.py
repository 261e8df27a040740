"""The parts of the Run page, also used by Train and Compare: header, curves, gains per skill, recovery of a truth.

They read the store and draw; what they start goes through `jobs`.
"""
