"""What a class leaves, as rows for other programs: who has come how far, and what was run."""
