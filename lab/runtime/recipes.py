"""What the lab's own images are made of: Debian packages, what of them to leave out, a few files, and the image's configuration.

Pure data: `root_file_system` unpacks the packages, `image_archive` packs the image, `images` loads it. Nothing that nginx needs
may lie below /usr/share: a lesson mounts a volume over it. Source: nginx follows the official image (nginxinc/docker-nginx,
mainline/debian/Dockerfile) without its entrypoint script, busybox docker-library/busybox; pause is catatonit as Podman uses it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

_FORMAT = 1  # raise it when `root_file_system` comes to build something else from the same recipe
_ENV = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]

_NGINX_CONF = """\
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;

events {
    worker_connections 1024;
}

http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log combined;
    sendfile on;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}
"""

_NGINX_DEFAULT_CONF = """\
server {
    listen 80;
    server_name localhost;

    location / {
        root /usr/share/nginx/html;
        index index.html index.htm;
    }
}
"""

_NGINX_USERS = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nginx:x:101:101:nginx user:/nonexistent:/bin/false
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""

_NGINX_GROUPS = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
mail:x:8:
utmp:x:43:
www-data:x:33:
nginx:x:101:
nogroup:x:65534:
"""

_BUSYBOX_USERS = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""

_BUSYBOX_GROUPS = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
mail:x:8:
www-data:x:33:
operator:x:37:
users:x:100:
nogroup:x:65534:
"""

# What no container of a lesson reads: package management, documentation, character sets, perl (maintainer scripts depend on it).
_LEFT_OUT = (
    "dev/*",
    "etc/apt*",
    "etc/cron*",
    "etc/default*",
    "etc/dpkg*",
    "etc/fstab",
    "etc/hostname",
    "etc/init.d*",
    "etc/logrotate.d*",
    "etc/nginx/*",
    "etc/resolv.conf",
    "etc/ufw*",
    "usr/bin/debconf*",
    "usr/bin/dpkg*",
    "usr/bin/perl*",
    "usr/lib/*/gconv*",
    "usr/lib/*/perl*",
    "usr/lib/dpkg*",
    "usr/lib/systemd*",
    "usr/sbin/dpkg*",
    "usr/share/*",
    "var/cache/*",
    "var/lib/apt*",
    "var/lib/dpkg*",
    "var/log/apt*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One image. Paths have no leading slash; packaged ones are those after /usr was merged.

    ``leave_out`` and ``keep`` are shell patterns over packaged paths; ``keep`` wins. ``only`` maps a packaged path to its path
    in the image and leaves out everything else. ``applets_of`` names a busybox whose applets become hard links beside it.
    ``config`` is the image's, in the words of the OCI image specification. ``official`` is the published image's digest (a
    multi-platform index).
    """

    name: str
    packages: tuple[str, ...]
    leave_out: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    only: dict[str, str] = field(default_factory=dict)
    applets_of: str = ""
    directories: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    official: str = ""

    @property
    def hash(self) -> str:
        """Identify what the recipe says, so that an image built from another one is known as outdated."""
        text = json.dumps([_FORMAT, {**asdict(self), "official": ""}], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def tag(self) -> str:
        """The image's tag on the engine."""
        return f"{self.name}:latest"


NGINX = Recipe(
    name="nginx",
    packages=("base-files", "bash", "coreutils", "curl", "dash", "findutils", "grep", "hostname", "mawk", "nginx", "sed"),
    leave_out=_LEFT_OUT,
    keep=("etc/nginx/mime.types", "usr/share/nginx", "usr/share/nginx/html*"),
    directories={
        "etc/nginx/conf.d": 0o755,
        "proc": 0o755,
        "root": 0o700,
        "run": 0o755,
        "sys": 0o755,
        "tmp": 0o1777,
        "var/cache": 0o755,
        "var/lib/nginx": 0o755,
        "var/log/nginx": 0o755,
    },
    files={
        "etc/group": _NGINX_GROUPS,
        "etc/nginx/conf.d/default.conf": _NGINX_DEFAULT_CONF,
        "etc/nginx/nginx.conf": _NGINX_CONF,
        "etc/passwd": _NGINX_USERS,
    },
    links={
        "usr/bin/awk": "mawk",
        "usr/bin/sh": "dash",
        "var/log/nginx/access.log": "/dev/stdout",
        "var/log/nginx/error.log": "/dev/stderr",
        "var/run": "/run",
    },
    config={
        "Cmd": ["nginx", "-g", "daemon off;"],
        "Env": _ENV,
        "ExposedPorts": {"80/tcp": {}},
        "StopSignal": "SIGQUIT",
    },
    official="sha256:6784fb0834aa7dbbe12e3d7471e69c290df3e6ba810dc38b34ae33d3c1c05f7d",  # nginx:1.27.5
)

BUSYBOX = Recipe(
    name="busybox",
    packages=("busybox-static",),
    only={"usr/bin/busybox": "bin/busybox"},
    applets_of="bin/busybox",
    directories={
        "dev": 0o755,
        "home": 0o755,
        "proc": 0o755,
        "root": 0o700,
        "sys": 0o755,
        "tmp": 0o1777,
        "usr/bin": 0o755,
        "usr/sbin": 0o755,
        "var/spool/mail": 0o755,
        "usr/share": 0o755,
        "var/www": 0o755,
    },
    files={"etc/group": _BUSYBOX_GROUPS, "etc/passwd": _BUSYBOX_USERS},
    links={"usr/bin/env": "../../bin/env"},
    config={"Cmd": ["sh"], "Env": _ENV},
    official="sha256:73aaf090f3d85aa34ee199857f03fa3a95c8ede2ffd4cc2cdb5b94e566b11662",  # busybox:1.36.1
)

PAUSE = Recipe(
    name="pod-hook-lab/pause",
    packages=("catatonit",),
    only={"usr/bin/catatonit": "pause"},
    config={"Entrypoint": ["/pause", "-P"]},  # -P: run nothing, reap what is orphaned, end on SIGTERM
)

RECIPES = (NGINX, BUSYBOX, PAUSE)
