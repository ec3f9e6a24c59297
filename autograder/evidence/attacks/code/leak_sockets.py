"""Send hidden inputs over the network.

Goal: leak
Means: TCP, UDP (Landlock does not cover it), IPv6, Unix sockets by path and by abstract name, raw and netlink sockets,
    a socket pair, name resolution, HTTP. The test listens on all of them.
Expected: no socket can be made.
"""

import socket
import urllib.request

from known import PORT, UNIX_SOCKET, attempt


def send(family, kind, address):
    with socket.socket(family, kind) as end:
        end.connect(address)
        end.send(b"hidden inputs")


attempt("TCP", lambda: send(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", PORT)))
attempt("UDP", lambda: send(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", PORT)))
attempt("IPv6", lambda: send(socket.AF_INET6, socket.SOCK_DGRAM, ("::1", PORT)))
attempt("Unix", lambda: send(socket.AF_UNIX, socket.SOCK_STREAM, UNIX_SOCKET))
attempt("abstract", lambda: send(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + UNIX_SOCKET))
attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
attempt("packet", lambda: socket.socket(17, socket.SOCK_RAW))
attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("pair", socket.socketpair)
attempt("name", lambda: socket.getaddrinfo("example.com", 80))
attempt("http", lambda: urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=1))
