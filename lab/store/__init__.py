"""Entries made durable: the tables, the journal that writes them, and the store that answers from them."""
