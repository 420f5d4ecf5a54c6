"""aimock, scripted before each case."""

import json
import os
import urllib.request

import servers

TEXT = "Three fruits: apples, pears and 漢字 (“kanji” – not a fruit). 🙂"
KEY = "sk-counterpart"
USAGE = {"prompt_tokens": 1200, "completion_tokens": 34, "total_tokens": 1234}


class Server:
    """aimock, behind a tap. It takes one key only."""

    def __init__(self, folder):
        port = servers.free_port()
        self.control_url = f"http://127.0.0.1:{port}"
        # It wants an answer to start with; the cases post their own.
        fixtures = folder / "first.json"
        fixtures.write_text(json.dumps({"fixtures": [says("-", {"userMessage": "-"})]}))
        command = ["node", os.environ["AIMOCK"], "--port", str(port), "--fixtures", str(fixtures)]
        self.process = servers.Process([*command, "--log-level", "warn"], folder / "aimock.log", AIMOCK_API_KEYS=KEY)
        self.process.wait_for(f"{self.control_url}/ready", 60)
        self.tap = servers.Tap(port)
        self.url = self.tap.url

    def control(self, method, path, document=None):
        request = urllib.request.Request(
            f"{self.control_url}/__aimock/{path}",
            method=method,
            data=json.dumps(document or {}).encode() if method == "POST" else None,
            headers={"authorization": f"Bearer {KEY}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def answers(self, *fixtures):
        """Forgets everything, and answers with these from now on, the first that matches."""
        self.control("POST", "reset")
        self.control("POST", "fixtures", {"fixtures": list(fixtures)})
        self.tap.take()

    def statuses(self):
        """How each request of the case was answered."""
        return [entry["response"]["status"] for entry in self.control("GET", "journal")]

    def close(self):
        self.tap.close()
        self.process.stop()


def says(text=TEXT, match=None, **more):
    """A fixture. `more` is of the answer where aimock has it there, else beside it."""
    beside = ("chaos", "latency", "chunkSize", "truncateAfterChunks", "disconnectAfterMs", "openRouterProcessing")
    answer = {"content": text, "usage": USAGE, **{name: more[name] for name in more if name not in beside}}
    return {"match": match or {}, "response": answer, **{name: more[name] for name in more if name in beside}}


def fails(status, match=None, **error):
    after = {"retryAfter": error.pop("retryAfter")} if "retryAfter" in error else {}
    return {"match": match or {}, "response": {"error": {"message": "no luck", **error}, "status": status, **after}}
