"""Help in getting labels right: find likely errors, choose what to label next, label by keyboard.

``auditing`` finds label errors, ``suggesting`` picks sentences, ``session`` keeps one annotator's decisions, which ``terminal``
and ``page`` ask for.
"""
