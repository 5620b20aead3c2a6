"""What an author of lessons needs: every example played on a real engine as its lesson says, and judged by what it must show.

Start at `Stage` and `check_content`. Nothing here knows of pages.
"""
