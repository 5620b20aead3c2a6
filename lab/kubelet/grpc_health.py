"""One gRPC health check, as a probe makes it: HTTP/2 without TLS, one unary call, the answer's status.

Just as much of HTTP/2 as one call needs: no compression of headers, no flow control worth the name for a few bytes.
Source: pkg/probe/grpc/grpc.go (v1.36); RFC 9113, RFC 7541; grpc/health/v1/health.proto.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from lab.clock import Clock

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_ACK, _END_STREAM, _END_HEADERS, _PADDED = 1, 1, 4, 8
_STREAM = 1
_LARGEST_FRAME_BYTES = 16384
_STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_UNIMPLEMENTED = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"
USER_AGENT = "kube-probe/1.36"


def check(clock: Clock, ip: str, port: int, service: str, *, timeout_seconds: int) -> tuple[bool, str]:
    """Return whether ``service`` is serving, and the probe's output. Blocks at most ``timeout_seconds``."""
    deadline = clock.monotonic() + timeout_seconds
    try:
        connection = socket.create_connection((ip, port), timeout=timeout_seconds)
    except OSError:
        clock.sleep(max(0.0, deadline - clock.monotonic()))  # the client keeps trying until its time is up
        late = f'timeout: failed to connect service "{ip}:{port}" within {timeout_seconds}s: context deadline exceeded'
        return False, late
    with connection:
        try:
            return _asked(connection, f"{ip}:{port}", service)
        except TimeoutError:
            return False, f"timeout: health rpc did not complete within {timeout_seconds}s"
        except (OSError, ValueError) as error:
            return False, f"error: health rpc probe failed: rpc error: code = Unavailable desc = {error}"


def _asked(connection: socket.socket, authority: str, service: str) -> tuple[bool, str]:
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    body = b"\x00" + struct.pack(">I", len(message)) + message
    request = _frame(_SETTINGS, 0, 0, b"") + _frame(_HEADERS, _END_HEADERS, _STREAM, _headers(authority))
    connection.sendall(_PREFACE + request + _frame(_DATA, _END_STREAM, _STREAM, body))
    answer = b""
    for kind, flags, stream, payload in _frames(connection):
        if kind == _SETTINGS and not flags & _ACK:
            connection.sendall(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _PING and not flags & _ACK:
            connection.sendall(_frame(_PING, _ACK, 0, payload))
        elif kind == _DATA and stream == _STREAM:
            answer += payload[1 : len(payload) - payload[0]] if flags & _PADDED else payload
        elif kind in (_RESET, _GOAWAY):
            raise ValueError("the server closed the stream")
        if stream == _STREAM and flags & _END_STREAM and kind in (_DATA, _HEADERS):
            break
    return _judged(answer)


def _judged(answer: bytes) -> tuple[bool, str]:
    """Return the verdict of a response: a length-prefixed HealthCheckResponse whose field 1 is the status."""
    if len(answer) < 5:
        return False, _UNIMPLEMENTED  # a response without a message: a status of its own, in trailers
    message = answer[5 : 5 + struct.unpack(">I", answer[1:5])[0]]
    status = _STATUSES.get(message[1], str(message[1])) if message[:1] == b"\x08" and len(message) > 1 else _STATUSES[0]
    return (True, "service healthy") if status == "SERVING" else (False, f'service unhealthy (responded with "{status}")')


def _headers(authority: str) -> bytes:
    """Return a header block in which every field is a literal that is not indexed."""
    fields = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("user-agent", USER_AGENT),
        ("te", "trailers"),
    )
    return b"".join(b"\x00" + _literal(name) + _literal(value) for name, value in fields)


def _literal(text: str) -> bytes:
    raw = text.encode()
    return bytes([len(raw)]) + raw  # all are shorter than 127 bytes


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _frames(connection: socket.socket) -> Iterator[tuple[int, int, int, bytes]]:
    while True:
        head = _exactly(connection, 9)
        length = int.from_bytes(head[:3], "big")
        if length > _LARGEST_FRAME_BYTES:
            raise ValueError("the server does not speak HTTP/2")
        yield head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF, _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise ValueError("the server closed the connection")
        received += part
    return received
