"""Servers on 127.0.0.1 that never outlive the cases, and a tap on the line."""

import atexit
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request

_running = []


def _stop_all():
    for process in list(_running):
        process.kill()


def _interrupted(*_):
    # `timeout` sends it to the process and to its group: the second one must not
    # break off what stops the servers.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # What unittest doesn't take for a case that failed.
    raise KeyboardInterrupt


atexit.register(_stop_all)
signal.signal(signal.SIGTERM, _interrupted)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Process:
    """A server in a process group of its own, with nothing of this environment."""

    def __init__(self, command, log, **variables):
        self.command, self.log = command, log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "HOME": str(log.parent), **variables},
            )
        _running.append(self)

    def wait_for(self, url, seconds):
        """Until the server answers there with 200."""
        last = time.monotonic() + seconds
        while time.monotonic() < last and self.process.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        said = self.log.read_text(errors="replace")[-5000:]
        raise RuntimeError(f"{self.command[0]} isn't ready after {seconds} s:\n{said}")

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self):
        # The leader may be gone and its children not.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self in _running:
            _running.remove(self)


class Sent:
    """One request as it went over the line."""

    def __init__(self, head, body):
        request, *fields = head.decode().split("\r\n")
        self.method, self.path, _ = request.split(" ")
        self.headers = {name.lower(): value.strip() for name, value in (field.split(":", 1) for field in fields)}
        self.body = json.loads(body) if body else None


def _length(head):
    lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lengths[0]) if lengths else 0


class Tap:
    """Passes bytes on to a server, and notes the requests among them.

    Without a server it answers every request with `answer`, the bytes of a
    whole response: that is enough to see what a client sends.
    """

    def __init__(self, port=None, answer=b""):
        self.port, self.answer = port, answer
        self.sent = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            if self.port is None:
                self._requests(client, None)
                return
            with socket.create_connection(("127.0.0.1", self.port)) as server:
                back = threading.Thread(target=self._back, args=(server, client), daemon=True)
                back.start()
                self._requests(client, server)
                back.join()

    @staticmethod
    def _back(server, client):
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            pass
        for end in (client, server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _requests(self, client, server):
        data = b""
        try:
            while more := client.recv(65536):
                data += more
                while b"\r\n\r\n" in data:
                    head, rest = data.split(b"\r\n\r\n", 1)
                    length = _length(head)
                    if len(rest) < length:
                        break
                    self.sent.append(Sent(head, rest[:length]))
                    data = rest[length:]
                    if server is None:
                        client.sendall(self.answer)
                if server is not None:
                    server.sendall(more)
            if server is not None:
                server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def take(self):
        """The requests since the last time."""
        taken, self.sent = self.sent, []
        return taken

    def close(self):
        # Wakes who waits for a connection: closed under it, its descriptor could
        # be the next listener's, whose connections it would take.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.accepting.join(10)
        self.listener.close()
