"""A receiver whose first connection dies without a word after its first answer.

"half-open": the kernel drops every segment that comes on it, so nothing is acknowledged. A socket filter does that; it
needs no rights. "silent": the kernel goes on acknowledging, and the program reads and never answers. A line on the
standard input lets segments through again. Then the receiver writes a byte, and says how the connection answers.
"""

import ctypes
import json
import os
import socket
import ssl
import sys
import threading

mode, *tls = sys.argv[1:]
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27


class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.POINTER(Instruction))]


drop_all = Instruction(0x06, 0, 0, 0)  # BPF_RET | BPF_K: keep no byte
program = Program(1, ctypes.pointer(drop_all))


def say(**what):
    print(json.dumps(what), flush=True)


def request_of(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return lines[0]


def serve(connection, number, client_port):
    try:
        answered = 0
        while (line := request_of(connection)) is not None:
            say(connection=number, port=client_port, request=line)
            if number == 1 and answered == 1:
                continue
            if number == 1 and mode == "half-open":  # before the answer, so that no next request can be quicker
                connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(program))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            answered += 1
            if number == 1 and mode == "half-open":
                threading.Thread(target=let_through, args=(connection,), daemon=True).start()
        say(connection=number, ended="end")  # Python's TLS also calls a reset so
    except OSError as error:
        say(connection=number, ended=type(error).__name__)


def let_through(connection):
    sys.stdin.readline()
    connection.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    os.write(connection.fileno(), b"x")  # past TLS, whose object is busy with reading


listener = socket.create_server(("127.0.0.1", 0))
context = None
if tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*tls)
say(listening=listener.getsockname()[1])
count = 0
while True:
    accepted, (_, port) = listener.accept()
    count += 1
    if context:
        accepted = context.wrap_socket(accepted, server_side=True)
    threading.Thread(target=serve, args=(accepted, count, port), daemon=True).start()
