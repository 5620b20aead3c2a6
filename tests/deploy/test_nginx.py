"""The nginx configuration in deploy/, as it stands there but for names and ports, before a served classroom.

The nginx is a real one, that of the lab's own image; the certificate is made for the occasion.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.clock import SystemClock
from tests.faults.pods import EXAMPLE, pod, running
from tests.faults.room import CODE, LESSON, PASSWORD, furnish
from tests.served_lab import PATIENCE_SECONDS, ServedLab, Visitor, facts_of

pytestmark = pytest.mark.engine

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"
NAME = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A lab behind nginx."""

    lab: ServedLab
    port: int
    trusted: ssl.SSLContext

    @property
    def address(self) -> str:
        """What browsers type."""
        return f"https://{NAME}:{self.port}"

    def visitor(self) -> Visitor:
        """Somebody who trusts the certificate."""
        return Visitor(self, urllib.request.HTTPSHandler(context=self.trusted))

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """Return the status and the text of an answer."""
        connection = http.client.HTTPSConnection(NAME, self.port, context=self.trusted, timeout=PATIENCE_SECONDS)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, docker_client: Any, lab_images: object) -> Iterator[Front]:
    place = tmp_path_factory.mktemp("front")
    certificate, key = _certificate(place)
    port, plain_port = _free_ports(2)
    furnish(place / "data")
    with ExitStack() as cleanup:
        lab = ServedLab(place / "data", LAB_CLASSROOM="yes", LAB_PUBLIC_URL=f"https://{NAME}:{port}")
        cleanup.callback(lab.close)
        text = CONFIGURATION.read_text(encoding="utf-8")
        for name, value in {
            "lab.school.example": NAME,
            "127.0.0.1:8080": lab.address.partition("//")[2],
            "listen 80;": f"listen 127.0.0.1:{plain_port};",
            "listen 443 ": f"listen 127.0.0.1:{port} ",
            "/etc/ssl/pod-hook-lab/fullchain.pem": "/front/certificate.pem",
            "/etc/ssl/pod-hook-lab/privkey.pem": "/front/key.pem",
        }.items():
            assert name in text
            text = text.replace(name, value)
        text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
        (place / "pod-hook-lab.conf").write_text(text, encoding="utf-8")
        nginx = docker_client.containers.run(
            "nginx",
            ["nginx", "-g", "daemon off;"],
            network_mode="host",
            volumes={
                str(place / "pod-hook-lab.conf"): {"bind": "/etc/nginx/conf.d/default.conf", "mode": "ro"},
                str(certificate): {"bind": "/front/certificate.pem", "mode": "ro"},
                str(key): {"bind": "/front/key.pem", "mode": "ro"},
            },
            detach=True,
        )
        cleanup.callback(nginx.remove, force=True)
        front = Front(lab=lab, port=port, trusted=ssl.create_default_context(cafile=str(certificate)))
        _await(front, nginx)
        yield front


def _certificate(place: Path) -> tuple[Path, Path]:
    certificate, key = place / "certificate.pem", place / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run([*command, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [taken.getsockname()[1] for taken in sockets]


def _await(front: Front, nginx: Any) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            assert front.ask("/healthz") == (200, '{"status":"ok"}\n')
            return
        except ConnectionError:
            nginx.reload()
            assert nginx.status == "running", nginx.logs().decode()
            assert clock.monotonic() < deadline, nginx.logs().decode()
            clock.sleep(0.05)


def test_a_learner_joins_runs_and_follows_over_https(front: Front) -> None:
    learner = front.visitor()
    learner.get("/join")
    learner.send("/join", code=CODE, nickname="Zoë")
    assert "lab" in learner.secure_cookies
    run_id = learner.run(EXAMPLE, pod())
    learner.watch(run_id, running)
    learner.delete(run_id, mode="force")
    assert "RunClosed" in facts_of(learner.watch(run_id, lambda shown: "RunClosed" in shown.facts()).rows)


def test_an_instructor_signs_in_over_https(front: Front) -> None:
    teacher = front.visitor()
    teacher.get("/sign-in")
    teacher.send("/sign-in", name="teacher", password=PASSWORD, next=LESSON)
    assert "lab" in teacher.secure_cookies
    assert "teacher" in teacher.get(LESSON)


def test_an_event_comes_through_when_it_happens(front: Front) -> None:
    """A proxy that gathers events would hold the first of them back until there are some kilobytes, or the stream ends."""
    learner = front.visitor()
    learner.get("/join")
    learner.send("/join", code=CODE, nickname="Noor")
    with learner.following(f"{LESSON}/stream") as events:
        next(events)  # the page is told that it is up to date, in some dozen bytes
        run_id = learner.run(EXAMPLE, pod())
        while not next(events).rows:
            pass
    learner.delete(run_id, mode="force")


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_another_name_or_origin_is_refused_behind_the_proxy_too(front: Front, headers: dict[str, str]) -> None:
    assert front.ask("/join", **headers)[0] == 421


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_what_the_lab_has_inside_does_not_go_out(front: Front, path: str) -> None:
    assert front.ask(path, Host="127.0.0.1")[0] == 404
    with urllib.request.urlopen(f"{front.lab.address}{path}", timeout=PATIENCE_SECONDS) as answer:
        assert answer.status == 200  # it is there for this machine


def test_the_lab_learns_where_a_request_came_from_and_not_what_it_claims(front: Front) -> None:
    guesser = front.visitor()
    guesser.get("/join")
    with pytest.raises(urllib.error.HTTPError) as refused:
        guesser.send("/join", code="WRONGCODE", nickname="Zoë")
    refused.value.close()
    assert front.ask("/join", **{"X-Forwarded-For": "192.0.2.99"})[0] == 200
    said = "".join(front.lab.said)
    assert "sign-in kind=learner ok=no address=127.0.0.1" in said
    assert "192.0.2.99" not in said
