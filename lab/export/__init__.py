"""The static edition: the course as plain files that any host serves and any disk holds.

Start at `lab.export.edition.write_edition`. Pages come from the lab's own templates; nothing runs, and no engine is needed.
"""
