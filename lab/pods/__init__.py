"""Pods: YAML text to reviewed documents to the typed Pod."""
