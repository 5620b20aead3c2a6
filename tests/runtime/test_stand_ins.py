"""What the lab says of its stand-ins' programs is what is in the images."""

from __future__ import annotations

import docker
import pytest

from lab.insight.stand_ins import STAND_INS, StandIn

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("stand_in", STAND_INS, ids=lambda stand_in: stand_in.image)
def test_every_program_that_a_stand_in_is_said_to_have_can_be_found_in_it(stand_in: StandIn) -> None:
    paths = [f"{directory}/{program}" for program in sorted(stand_in.programs) for directory in stand_in.directories]
    script = 'for path in "$@"; do [ -x "$path" ] && echo "$path"; done; true'
    client = docker.from_env()
    try:
        output = client.containers.run(stand_in.image, ["sh", "-c", script, "sh", *paths], remove=True, network_mode="none")
    finally:
        client.close()
    found = {path.rpartition("/")[2] for path in output.decode().splitlines()}
    assert found == stand_in.programs
