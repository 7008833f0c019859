"""framelens where users already are: scikit-learn, spaCy, pandas, Polars, transformers.

The core imports nothing from here, and each module imports its library only when it is imported itself.
"""
