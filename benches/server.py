#!/usr/bin/env python3
"""A chat completions server that answers at once, for run.py.

usage: server.py FOLDER

It listens on a free port of 127.0.0.1 and writes its number into FOLDER/port.
The first part of a request's path names the answer:

  /short/…   20 events
  /long/…    20,000 events, each an HTTP chunk of its own, as providers send them
  /joined/…  20,000 events in HTTP chunks of 16 KiB, as proxies send them
  /paced/…   50 events, one each 20 ms: a second, for many requests at once

Answers are made before the first request and, but for the last, leave in one
`sendall`, so that what is measured is the client. The latest request for an
answer lies in FOLDER/ANSWER.json, where curl finds what to send.
"""

import json
import os
import socket
import sys
import threading
import time

PACE = 0.02
COUNTS = {"short": 20, "long": 20_000, "joined": 20_000, "paced": 50}
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
)


def event(delta, finish=None, usage=None):
    chunk = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "bench",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        "usage": usage,
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def text(answer):
    """What a client must have got in the end."""
    return "".join(f" word{number}" for number in range(COUNTS[answer])).strip()


def events(answer):
    count = COUNTS[answer]
    usage = {"prompt_tokens": 12, "completion_tokens": count, "total_tokens": count + 12}
    yield event({"role": "assistant", "content": ""})
    for number in range(count):
        yield event({"content": f" word{number}"})
    yield event({}, "stop", usage)
    yield b"data: [DONE]\n\n"


def chunked(parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def joined(parts, size=16 * 1024):
    body = b"".join(parts)
    return chunked(body[at : at + size] for at in range(0, len(body), size))


# The pieces that are sent, PACE seconds apart.
ANSWERS = {
    "short": [HEAD + chunked(events("short")) + b"0\r\n\r\n"],
    "long": [HEAD + chunked(events("long")) + b"0\r\n\r\n"],
    "joined": [HEAD + joined(events("joined")) + b"0\r\n\r\n"],
    "paced": [HEAD, *(chunked([part]) for part in events("paced")), b"0\r\n\r\n"],
}


def receive(connection):
    """The path and the body of one request."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        more = connection.recv(65536)
        if not more:
            return None
        body += more
    return head.split(b" ", 2)[1].decode(), body


def serve(connection, folder, saved):
    try:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(30)
            request = receive(connection)
            if request is None:
                return
            name = request[0].split("/")[1]
            if name not in saved:
                saved.add(name)
                with open(os.path.join(folder, f"{name}.json"), "wb") as file:
                    file.write(request[1])
            due = time.monotonic()
            for piece in ANSWERS[name]:
                connection.sendall(piece)
                due += PACE
                if len(ANSWERS[name]) > 1:
                    time.sleep(max(0, due - time.monotonic()))
    except (OSError, KeyError) as error:
        print(f"server.py: {error!r}", file=sys.stderr)


def main():
    folder = sys.argv[1]
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = os.path.join(folder, "port")
    with open(port + ".new", "w") as file:
        file.write(str(listener.getsockname()[1]))
    os.rename(port + ".new", port)
    saved = set()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, folder, saved), daemon=True).start()


if __name__ == "__main__":
    main()
