"""One script per change of the tables, numbered; a released script never changes, and none goes back."""
