"""A class: who teaches it, who learns in it, and what it is doing. Pure: no pages, no database."""
