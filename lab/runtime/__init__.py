"""The container engine behind the CRI's verbs, its images, networks and signals, and the virtual nodes' files."""
