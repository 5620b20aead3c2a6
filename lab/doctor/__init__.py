"""Looks at what the lab needs on this machine and tells, for each, whether it is there, what is wrong, and the remedy."""
