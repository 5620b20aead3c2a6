"""What the facts of a run mean, as pure folds over its entries: lifelines, the grace ruler, processes, why something happened.

Nothing here reads a clock, a file or an engine, and nothing here is drawn: a fold says what the facts allow to say, in both
languages, and stays silent where they do not.
"""
