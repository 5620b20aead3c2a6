"""An httpGet handler's request, sent from the node's side to the pod, and to nothing else.

Any HTTP answer is an answer; only a transport error fails. Differs from the kubelet: a ``host`` other than the pod's own address
is not contacted but fails as a transport error, since here the node is the machine the lab runs on; and a request is given up
after an hour. Source: pkg/kubelet/lifecycle/handlers.go, pkg/probe/http/request.go, pkg/probe/http/http.go (v1.36).
"""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from lab.pods.model import Container, HTTPGetAction

MAXIMUM_REDIRECTS = 10  # pkg/probe/http: stopped after 10 redirects
BODY_LIMIT_BYTES = 10 * 1024  # handlers.go: maxRespBodyLength
REQUEST_LIMIT_SECONDS = 3600.0
DEFAULT_PORTS = {"http": 80, "https": 443}
USER_AGENT = "kube-lifecycle/1.36"
URL_CHARACTERS = "/?#%:@!$&'()*+,;=[]~"  # stay as they are written; what is neither these nor a letter is percent-encoded


class TransportError(Exception):
    """The request could not be made or got no HTTP answer; the message is worded as Go's client words it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer: its status, the start of its body, and the address it came from."""

    status: int
    body: bytes
    url: str


def resolve_port(action_port: int | str, container: Container) -> int:
    """Return the port number; a name is looked up among this container's ports. Raises TransportError in the kubelet's words."""
    if isinstance(action_port, int):
        number = action_port
    else:
        named = [p.container_port for p in container.ports if p.name == action_port]
        if not named and not action_port.isdecimal():
            raise TransportError(f'strconv.Atoi: parsing "{action_port}": invalid syntax')
        number = named[0] if named else int(action_port)
    if not 0 < number < 65536:
        raise TransportError(f"invalid port number: {number}")
    return number


def url_of(action: HTTPGetAction, pod_ip: str, port: int) -> str:
    """Return the address the kubelet asks for."""
    host = action.host or pod_ip
    host = f"[{host}]" if ":" in host else host
    path = action.path if action.path.startswith("/") else "/" + action.path
    return f"{action.scheme.lower()}://{host}:{port}{quote(path, URL_CHARACTERS, errors='replace')}"


def get(url: str, action: HTTPGetAction, pod_ip: str, *, timeout_seconds: float | None, user_agent: str = USER_AGENT) -> Answer:
    """GET ``url`` following redirects on the same host, certificates unchecked; an HTTPS request that meets a plain HTTP
    server is repeated over HTTP. Blocks up to ``timeout_seconds`` per read (None: an hour). Raises TransportError."""
    try:
        return _following(url, _headers(action, user_agent), pod_ip, timeout_seconds)
    except ValueError as error:  # a header or a redirect's location that no request can carry
        raise TransportError(f'Get "{url}": {error}') from error


def _following(url: str, headers: list[tuple[str, str]], pod_ip: str, timeout_seconds: float | None) -> Answer:
    referer: list[tuple[str, str]] = []
    for _ in range(MAXIMUM_REDIRECTS):
        try:
            answer, location = _once(url, _in_order([*headers, *referer]), pod_ip, timeout_seconds)
        except ssl.SSLError as error:
            if urlsplit(url).scheme == "https" and _spoke_plain_http(error):
                url = "http" + url.removeprefix("https")
                headers = [(k, v) for k, v in headers if k.lower() != "authorization"]
                continue
            raise TransportError(f'Get "{url}": {error}') from error
        if location is None:
            return answer
        target = urljoin(url, quote(location, URL_CHARACTERS))
        if urlsplit(target).hostname != urlsplit(url).hostname:
            return answer
        url, referer = target, [("Referer", url)]
    raise TransportError(f'Get "{url}": stopped after {MAXIMUM_REDIRECTS} redirects')


def _once(url: str, headers: list[tuple[str, str]], pod_ip: str, timeout_seconds: float | None) -> tuple[Answer, str | None]:
    parts = urlsplit(url)
    if parts.hostname != pod_ip:
        raise TransportError(
            f'Get "{url}": the lab sends httpGet only to the pod\'s own address ({pod_ip}), not to {parts.hostname}'
        )
    connection = _connection(
        parts.scheme, pod_ip, parts.port or DEFAULT_PORTS.get(parts.scheme, 80), timeout_seconds or REQUEST_LIMIT_SECONDS
    )
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.putrequest("GET", target, skip_host=any(k.lower() == "host" for k, _ in headers), skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value.encode())
        connection.endheaders()
        response = connection.getresponse()
        body = response.read(BODY_LIMIT_BYTES)
        redirect = response.status in (301, 302, 303, 307, 308)
        return Answer(status=response.status, body=body, url=url), response.headers.get("Location") if redirect else None
    except ssl.SSLError:
        raise
    except TimeoutError as error:
        raise TransportError(
            f'Get "{url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        ) from error
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        raise TransportError(f'Get "{url}": dial tcp {pod_ip}:{parts.port}: connect: {words}') from error
    except http.client.HTTPException as error:
        raise TransportError(f'Get "{url}": {error or "EOF"}') from error
    finally:
        connection.close()


def _connection(scheme: str, host: str, port: int, timeout_seconds: float) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout_seconds)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the kubelet verifies no certificate of a hook
    return http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=context)


def _headers(action: HTTPGetAction, user_agent: str) -> list[tuple[str, str]]:
    given = list(action.http_headers)
    names = {name.lower() for name, _ in given}
    if "user-agent" not in names:
        given.append(("User-Agent", user_agent))
    if "accept" not in names:
        given.append(("Accept", "*/*"))
    return [(name, value) for name, value in given if not (name.lower() == "accept" and value == "")]


def _in_order(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the headers as Go's transport sends them: Host, User-Agent, the others by name, its own Accept-Encoding last."""
    first = {"host": 0, "user-agent": 1}
    ordered = sorted(headers, key=lambda header: (first.get(header[0].lower(), 2), header[0].title()))
    own = [] if any(name.lower() == "accept-encoding" for name, _ in headers) else [("Accept-Encoding", "gzip")]
    return [*ordered, *own]


def _spoke_plain_http(error: ssl.SSLError) -> bool:
    return error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
