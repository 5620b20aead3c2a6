"""Pod Hook Lab: see, step through and prove what a Pod's lifecycle hooks and signals do."""

__version__ = "0.1.0"
