"""`pollm` in a home of its own."""

import json
import os
import pathlib
import subprocess
import tempfile

import jsonschema

POLLM = os.environ["POLLM"]
SCHEMA = json.loads(pathlib.Path(__file__, "../../../schema/pollm-1.json").resolve().read_text())


class Run:
    """How one run ended."""

    def __init__(self, args, done):
        self.args, self.code = args, done.returncode
        self.out, self.err = done.stdout, done.stderr

    @property
    def json(self):
        """The one JSON object that was printed, valid by pollm's own schema."""
        document = json.loads(self.out)
        jsonschema.validate(document, SCHEMA)
        return document

    @property
    def events(self):
        """The events of `--jsonl`."""
        return [json.loads(line) for line in self.out.splitlines()]

    def __str__(self):
        return f"pollm {' '.join(self.args)}\nexit code {self.code}\n{self.out}\n{self.err}"


class Pollm:
    """One configuration, one history, one set of variables."""

    def __init__(self, config="", **variables):
        self.folder = tempfile.TemporaryDirectory(prefix="pollm-")
        self.work = pathlib.Path(self.folder.name)
        settings = self.work / ".config/pollm/config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text(config)
        settings.chmod(0o600)
        self.variables = {"HOME": self.folder.name, "PATH": os.environ["PATH"], **variables}

    def run(self, *args, stdin="", timeout=60):
        done = subprocess.run(
            [POLLM, *args],
            input=stdin,
            env=self.variables,
            cwd=self.work,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
        )
        return Run(args, done)

    def close(self):
        self.folder.cleanup()
