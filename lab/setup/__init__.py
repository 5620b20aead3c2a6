"""Sets the lab up on this machine: packages, virtual environment, front end, Docker Engine, images."""
