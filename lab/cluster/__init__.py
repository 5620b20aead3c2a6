"""A cluster of one node: the API server's registry, kubectl's words, the node that follows the log, and runs."""
