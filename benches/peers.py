"""The programs that run.py measures: how each is installed, pointed at the
server by its own configuration, and asked."""

import json
import pathlib
import subprocess
import sys


class Client:
    """One program."""

    name = ""

    def __init__(self, program):
        self.program = str(program)

    def configure(self, home, url, answers, lanes):
        """Writes what the program reads at its start, for models `m0`, `m1`, … of each answer."""

    def start(self, flag):
        return [self.program, flag]

    def command(self, row, url, lanes):
        """The words to measure, or why there are none."""
        if row in ("version", "help"):
            return self.start(f"--{row}")
        if row == "lanes":
            return self.lanes(url, lanes)
        return self.ask(url, {"ask": "short"}.get(row, row))

    def ask(self, url, answer):
        raise NotImplementedError

    def lanes(self, url, count):
        return "one model at a time"

    def text(self, shown):
        """The answers in what it printed."""
        return shown


class Pollm(Client):
    name = "pollm"

    def configure(self, home, url, answers, lanes):
        rows = [
            f'[providers.{answer}]\nprotocol = "openai-chat"\nbase_url = "{url}/{answer}/v1"\nauth = "none"\n'
            for answer in answers
        ]
        file = home / ".config/pollm/config.toml"
        file.parent.mkdir(parents=True)
        file.write_text("".join(rows))
        file.chmod(0o600)

    def ask(self, url, answer):
        return [self.program, "ask", "-m", f"{answer}/m0", "hello"]

    def lanes(self, url, count):
        models = ",".join(f"paced/m{number}" for number in range(count))
        return [self.program, "compare", "-m", models, "--json", "hello"]


class Curl(Client):
    name = "curl"

    def __init__(self, folder):
        super().__init__("curl")
        self.folder = folder

    def request(self, answer):
        return ["-sN", "-H", "content-type:application/json", "--data-binary", f"@{self.folder / answer}.json"]

    def ask(self, url, answer):
        return [self.program, *self.request(answer), f"{url}/{answer}/v1/chat/completions"]

    def lanes(self, url, count):
        address = f"{url}/paced/v1/chat/completions"
        return [self.program, "-Z", "--parallel-immediate", *self.request("paced"), *[address] * count]

    def text(self, shown):
        # The lines of requests at once come mixed: each answer's are in order.
        words, answers = {}, []
        for line in shown.splitlines():
            if line.startswith("data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    word = choice["delta"].get("content")
                    if word:
                        words[word] = words.get(word, 0) + 1
        for number in range(max(words.values(), default=0)):
            answers.append("".join(word for word, count in words.items() if count > number))
        return "\n".join(answers)


def run(*command, **variables):
    print(f"installing: {' '.join(map(str, command))}", file=sys.stderr)
    subprocess.run(command, check=True, stdout=sys.stderr)


def from_pypi(folder, package, version, program):
    """A package in an environment of its own, once."""
    place = folder / f"{package}-{version}"
    if not (place / "bin" / program).exists():
        run(sys.executable, "-m", "venv", "--clear", place)
        run(place / "bin/python", "-m", "pip", "install", "--quiet", f"{package}=={version}")
    return place / "bin" / program


def from_crates_io(folder, crate, version):
    """A crate, built once; it takes minutes."""
    place = folder / f"{crate}-{version}"
    if not (place / "bin" / crate).exists():
        build = folder / "build"
        run("cargo", "install", crate, "--version", version, "--locked", "--root", place, "--target-dir", build)
    return place / "bin" / crate


class Llm(Client):
    name = "llm"

    @staticmethod
    def install(folder):
        return from_pypi(folder, "llm", "0.36", "llm")

    def configure(self, home, url, answers, lanes):
        rows = [
            {"model_id": answer, "model_name": "bench", "api_base": f"{url}/{answer}/v1"} for answer in answers
        ]
        file = home / ".config/io.datasette.llm/extra-openai-models.yaml"
        file.parent.mkdir(parents=True)
        # JSON is YAML.
        file.write_text(json.dumps(rows))

    def ask(self, url, answer):
        return [self.program, "-m", answer, "hello"]


class Aichat(Client):
    name = "aichat"

    @staticmethod
    def install(folder):
        return from_crates_io(folder, "aichat", "0.30.0")

    def configure(self, home, url, answers, lanes):
        clients = [
            {
                "type": "openai-compatible",
                "name": answer,
                "api_base": f"{url}/{answer}/v1",
                "models": [{"name": "bench"}],
            }
            for answer in answers
        ]
        file = home / ".config/aichat/config.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"model": "short:bench", "clients": clients}))

    def ask(self, url, answer):
        return [self.program, "-m", f"{answer}:bench", "hello"]


class LlmBench(Client):
    name = "llm-bench"

    @staticmethod
    def install(folder):
        return from_crates_io(folder, "llm-bench", "0.3.1")

    def measure(self, url, answer, models):
        return (
            [self.program, "run", "--openai-base-url", f"{url}/{answer}", "--models", models, "--prompts", "hello"]
            + ["--runs", "1", "--concurrency", "10", "--stream", "--output", "json"]
        )

    def ask(self, url, answer):
        return self.measure(url, answer, "openai:bench")

    def lanes(self, url, count):
        return self.measure(url, "paced", ",".join(f"openai:m{number}" for number in range(count)))


class Modelarium(Client):
    name = "cli-modelarium"

    @staticmethod
    def install(folder):
        return from_pypi(folder, "cli-modelarium", "0.2.0", "cli-modelarium")

    def configure(self, home, url, answers, lanes):
        self.saved = pathlib.Path(home, "modelarium.json")

    def compare(self, url, answer, models):
        # It shows the answers in a table for people; a program reads its file.
        return (
            [self.program, "compare", "hello", "--models", models, "--local-url", f"{url}/{answer}/v1"]
            + ["--concurrency", "10", "--output", str(self.saved), "--force"]
        )

    def ask(self, url, answer):
        return self.compare(url, answer, "local/bench")

    def lanes(self, url, count):
        return self.compare(url, "paced", ",".join(f"local/m{number}" for number in range(count)))

    def text(self, shown):
        return self.saved.read_text()


ALL = (Llm, Aichat, LlmBench, Modelarium)
