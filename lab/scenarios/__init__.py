"""Scenarios: manifests with a list of actions, played on a cluster and turned into traces."""
