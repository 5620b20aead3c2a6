"""The four kinds of handlers, as preStop hooks. Recorded scenarios are named in brackets."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from lab.kubelet import http_get
from lab.kubelet.hooks import go_quote
from lab.kubelet.http_get import TransportError
from lab.pods.model import Container, ContainerPort, HTTPGetAction
from lab.runtime.scripted import ExecScript
from lab.timeline.facts import HookFailed, HookFinished, HookStarted
from tests.kubelet.http_server import Answers
from tests.kubelet.stage import Stage, Story, brief, container, deaf, pod, polite

Given = Callable[..., Stage]


def stopped(stage: Stage, handler: dict[str, Any], **spec: Any) -> Story:
    """Return the story of a pod with the handler as its preStop hook, run and deleted."""
    ports = [{"name": "web", "containerPort": spec.pop("port")}] if "port" in spec else []
    return stage.run(pod(container(pre_stop=handler, ports=ports), **spec)).delete_to_the_end()


@pytest.mark.parametrize("seconds", [0, 3])
def test_a_sleep_takes_its_seconds(given: Given, seconds: int) -> None:
    """[C10 C15]"""
    story = stopped(given(app=polite()), {"sleep": {"seconds": seconds}})
    assert story.steps()[:3] == [(0.0, "preStop starts"), (seconds, "preStop ends"), (seconds, "SIGTERM")]
    assert (story.facts(HookStarted)[0].handler, story.facts(HookStarted)[0].action) == ("sleep", (str(seconds),))


def test_a_sleep_longer_than_the_grace_period_is_cut(given: Given) -> None:
    """[C11]"""
    story = given(app=deaf()).run(pod(container(pre_stop={"sleep": {"seconds": 20}})))
    story.delete_to_the_end("--grace-period=4")
    assert story.steps() == [
        (0.0, "preStop starts"),
        (4.0, "preStop is abandoned"),
        (4.0, "SIGTERM"),
        (6.0, "SIGKILL"),
        (6.0, "exits 137"),
    ]
    assert story.warnings() == []


def test_a_sleep_goes_on_though_its_container_has_ended(given: Given) -> None:
    """[C19]"""
    story = given(app=brief((5, 0))).run(pod(container(pre_stop={"sleep": {"seconds": 6}}), restartPolicy="Never"))
    story.delete()
    assert story.steps() == [(0.0, "preStop starts"), (2.0, "exits 0"), (6.0, "preStop ends")]
    assert story.gone_at() >= 9.0


def test_a_tcp_socket_is_never_tried_and_fails_at_once(given: Given) -> None:
    """[C12]"""
    story = stopped(given(app=polite()), {"tcpSocket": {"port": 80}})
    assert story.steps()[:3] == [(0.0, "preStop starts"), (0.0, "preStop fails"), (0.0, "SIGTERM")]
    assert story.warnings() == ["FailedPreStopHook: PreStopHook failed"]
    assert story.facts(HookFailed)[0].message == (
        "Cannot run handler: invalid handler: &LifecycleHandler"
        "{Exec:nil,HTTPGet:nil,TCPSocket:&TCPSocketAction{Port:{0 80 },Host:,},Sleep:nil,}"
    )


@pytest.mark.parametrize("status", [200, 404, 500])
def test_any_http_answer_is_a_success(given: Given, status: int) -> None:
    """[C6 C7a C7b]"""
    with Answers({"/bye?now=1": status}) as server:
        story = stopped(
            given(pod_ip="127.0.0.1", app=polite()), {"httpGet": {"path": "/bye?now=1", "port": "web"}}, port=server.port
        )
    assert [(h.http_status, h.exit_code) for h in story.facts(HookFinished)] == [(status, None)]
    assert story.warnings() == []
    assert server.requests[0].path == "/bye?now=1"
    assert story.facts(HookStarted)[0].action == (f"http://127.0.0.1:{server.port}/bye?now=1",)


def test_an_http_request_carries_go_s_and_the_kubelet_s_headers(given: Given) -> None:
    """[C9a C9e]"""
    with Answers() as server:
        stopped(given(pod_ip="127.0.0.1", app=polite()), {"httpGet": {"port": server.port}})
    (request,) = server.requests
    assert request.path == "/"
    assert request.pairs == (
        ("Host", f"127.0.0.1:{server.port}"),
        ("User-Agent", "kube-lifecycle/1.36"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip"),
    )


def test_headers_of_the_spec_replace_the_defaults_and_may_repeat(given: Given) -> None:
    """[C9a]"""
    headers = [("Host", "shop"), ("User-Agent", "me"), ("Accept", ""), ("X-A", "1"), ("X-A", "2")]
    wanted = [{"name": name, "value": value} for name, value in headers]
    with Answers() as server:
        stopped(given(pod_ip="127.0.0.1", app=polite()), {"httpGet": {"port": server.port, "httpHeaders": wanted}})
    assert [pair for pair in server.requests[0].pairs if pair[0] != "Accept-Encoding"] == [
        ("Host", "shop"),
        ("User-Agent", "me"),
        ("X-A", "1"),
        ("X-A", "2"),
    ]


def test_a_refused_connection_fails_the_hook_with_the_kubelet_s_words(given: Given) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    story = stopped(given(pod_ip="127.0.0.1", app=polite()), {"httpGet": {"path": "/x", "port": port}})
    assert story.facts(HookFailed)[0].message == (
        f'HTTP lifecycle hook (/x) for Container "app" in Pod "p_default({story.uid})" failed - error: '
        f'Get "http://127.0.0.1:{port}/x": dial tcp 127.0.0.1:{port}: connect: connection refused'
    )


def test_a_path_is_percent_encoded(given: Given) -> None:
    with Answers({"/a%20b/%C3%A9?x=%C3%BC%2f": 204}) as server:
        handler = {"httpGet": {"path": "/a b/é?x=ü%2f", "port": server.port}}
        story = stopped(given(pod_ip="127.0.0.1", app=polite()), handler)
    assert [h.http_status for h in story.facts(HookFinished)] == [204]


def test_a_header_is_sent_as_utf_8(given: Given) -> None:
    with Answers({"/": 204}) as server:
        handler = {"httpGet": {"port": server.port, "httpHeaders": [{"name": "X-Greeting", "value": "привет"}]}}
        stopped(given(pod_ip="127.0.0.1", app=polite()), handler)
    assert server.requests[0].headers["X-Greeting"].encode("latin-1").decode() == "привет"


def test_a_header_that_no_request_can_carry_fails_the_hook_and_not_the_lab(given: Given) -> None:
    with Answers({"/": 204}) as server:
        handler = {"httpGet": {"port": server.port, "httpHeaders": [{"name": "X-A", "value": "two\nlines"}]}}
        story = stopped(given(pod_ip="127.0.0.1", app=polite()), handler)
    assert story.warnings() == ["FailedPreStopHook: PreStopHook failed"]
    assert story.stage.failures == []


@pytest.mark.parametrize("location", ["http://127.0.0.1:99999/", "http://[127.0.0.1/"])
def test_a_redirect_to_what_is_no_address_fails_the_hook_and_not_the_lab(given: Given, location: str) -> None:
    with Answers({"/": location}) as server:
        story = stopped(given(pod_ip="127.0.0.1", app=polite()), {"httpGet": {"port": server.port}})
    assert story.warnings() == ["FailedPreStopHook: PreStopHook failed"]
    assert story.stage.failures == []


def test_of_a_hook_s_output_no_more_is_kept_than_a_page_can_show(given: Given) -> None:
    loud = ExecScript(exit_code=1, stdout="o" * 200_000, stderr="e" * 70_000)
    story = given(app=deaf(hook=loud)).run(pod(container(post_start="hook"), restartPolicy="Never", grace=1), seconds=8)
    (failed,) = story.facts(HookFailed)
    assert failed.stdout == "o" * 65_536 + "\n[pod-hook-lab: 134464 more bytes not kept]\n"
    assert failed.stderr == "e" * 65_536 + "\n[pod-hook-lab: 4464 more bytes not kept]\n"
    assert len(failed.message) < 4 * 65_536


def test_an_unknown_port_name_fails_when_the_hook_runs(given: Given) -> None:
    """[C9d]"""
    story = stopped(given(app=polite()), {"httpGet": {"port": "web"}})
    assert story.facts(HookFailed)[0].message.endswith('strconv.Atoi: parsing "web": invalid syntax')
    assert story.warnings() == ["FailedPreStopHook: PreStopHook failed"]


def test_another_host_is_not_contacted(given: Given) -> None:
    story = stopped(given(pod_ip="127.0.0.1", app=polite()), {"httpGet": {"host": "192.0.2.1", "port": 80}})
    assert "only to the pod's own address (127.0.0.1), not to 192.0.2.1" in story.facts(HookFailed)[0].message


def test_redirects_on_the_same_host_are_followed_up_to_a_limit(given: Given) -> None:
    """[C9g]"""
    with Answers({"/a": "/b", "/b": 204, "/loop": "/loop"}) as server:
        stage = given(pod_ip="127.0.0.1", app=polite())
        assert stopped(stage, {"httpGet": {"path": "/a", "port": server.port}}).facts(HookFinished)[0].http_status == 204
        story = stopped(stage, {"httpGet": {"path": "/loop", "port": server.port}})
    assert story.facts(HookFailed)[0].message.endswith("stopped after 10 redirects")


def test_a_redirect_to_another_host_is_not_followed_and_counts_as_an_answer(given: Given) -> None:
    with Answers({"/a": "http://192.0.2.1/b"}) as server:
        story = stopped(given(pod_ip="127.0.0.1", app=polite()), {"httpGet": {"path": "/a", "port": server.port}})
    assert story.facts(HookFinished)[0].http_status == 302


def test_an_https_hook_that_meets_plain_http_is_repeated_without_its_authorization() -> None:
    """[C9b2]"""
    with Answers({"/": 200}) as server:
        action = HTTPGetAction(port=server.port, scheme="HTTPS", http_headers=(("Authorization", "secret"), ("X-A", "1")))
        answer = http_get.get(http_get.url_of(action, "127.0.0.1", server.port), action, "127.0.0.1", timeout_seconds=5)
    assert (answer.status, answer.url) == (200, f"http://127.0.0.1:{server.port}/")
    assert [name for name, _ in server.requests[-1].pairs if name in ("Authorization", "X-A")] == ["X-A"]


def test_a_silent_server_is_given_up_after_the_time_allowed() -> None:
    """[C9f]"""
    action = HTTPGetAction(port=1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(TransportError, match="context deadline exceeded"):
            http_get.get(url, action, "127.0.0.1", timeout_seconds=0.05)


@pytest.mark.parametrize(("port", "number"), [(80, 80), ("web", 8080), ("9090", 9090)])
def test_a_port_is_a_number_or_a_name_among_the_container_s_own(port: int | str, number: int) -> None:
    spec = Container(name="app", image="nginx", ports=(ContainerPort(name="web", container_port=8080),))
    assert http_get.resolve_port(port, spec) == number


@pytest.mark.parametrize("port", [0, 65536, "0"])
def test_a_port_outside_of_its_range_is_refused(port: int | str) -> None:
    with pytest.raises(TransportError, match=f"invalid port number: {port}"):
        http_get.resolve_port(port, Container(name="app", image="nginx"))


def test_the_address_of_an_ipv6_pod_is_bracketed_and_its_path_made_absolute() -> None:
    assert http_get.url_of(HTTPGetAction(port=80, path="x"), "fd00::1", 80) == "http://[fd00::1]:80/x"


def test_text_is_quoted_as_go_quotes_it() -> None:
    assert go_quote('a"b\\c\n\té\x00') == r'"a\"b\\c\n\té\x00"'
    assert go_quote("\x7f\x85\u2028\U000e0001") == r'"\x7f\u0085\u2028\U000e0001"'
    assert go_quote(b"\xff\xc3\xa9".decode(errors="surrogateescape")) == r'"\xffé"'
