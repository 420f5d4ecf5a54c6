"""Draws docs/compare.svg from what pollm really prints.

    python3 -m venv /tmp/picture && /tmp/picture/bin/pip install rich
    cargo build --release
    /tmp/picture/bin/python docs/picture.py target/release/pollm

It runs a comparison of the embedded model with itself in a pseudo-terminal, so
that it needs no key, and turns the colours into SVG. Every run shows new
answers and new figures: those of the machine that it runs on, which should have
nothing else to do.
"""

import fcntl
import os
import pathlib
import pty
import re
import struct
import subprocess
import sys
import termios

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS = 92
MARGIN = 20
MODEL = "local/smollm2-135m"
PROMPT = "In one sentence, why is the sky blue?"
CHECK = "contains:Rayleigh"
MODELS = [MODEL, f"{MODEL}@temperature=0.5", f"{MODEL}@temperature=0.9"]
ARGS = ["compare", *(part for model in MODELS for part in ("-m", model)), "--runs", "5", "--check", CHECK, PROMPT]
SHOWN = (
    f"pollm compare -m {MODELS[0]} -m {MODELS[1]} \\\n"
    f'    -m {MODELS[2]} --runs 5 --check {CHECK} \\\n    "{PROMPT}"'
)

THEME = TerminalTheme(
    (13, 17, 23),
    (201, 209, 217),
    [(72, 79, 88), (255, 123, 114), (86, 211, 100), (227, 179, 65), (121, 192, 255), (210, 168, 255), (86, 212, 221), (201, 209, 217)],
    [(110, 118, 129), (255, 161, 152), (126, 231, 135), (242, 204, 96), (165, 214, 255), (226, 197, 255), (123, 230, 237), (240, 246, 252)],
)

# rich's own frame loads a font from the web; this one takes the reader's.
FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="-0.5 -0.5 FULL_W FULL_H" role="img" aria-label="pollm compare: three answers side by side, with times, tokens and cost">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
<rect width="FRAME_W" height="FRAME_H" fill="#0d1117" stroke="#30363d" rx="10"/>
<g transform="translate(MARGIN, MARGIN)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def run(program: str) -> str:
    """What the program prints on a terminal of COLUMNS columns."""
    terminal, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "POLLM_NO_LOG": "1"}
    # Figures of a cold start would be those of the disk.
    subprocess.run([program, "ask", "--yes", "-m", MODEL, "hi"], env=env, check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen(
        [program, *ARGS], env=env, stdin=subprocess.DEVNULL, stdout=side, stderr=subprocess.DEVNULL
    )
    os.close(side)
    output = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        output += piece
    # 7: an answer did not pass the check, which is worth showing.
    if process.wait() not in (0, 7):
        sys.exit(f"pollm failed: {output.decode(errors='replace')}")
    return output.decode().replace("\r\n", "\n")


def main() -> None:
    shown = f"\x1b[32m$\x1b[0m {SHOWN}\n\n{run(sys.argv[1]).rstrip()}"
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), color_system="truecolor")
    console.print(Text.from_ansi(shown), soft_wrap=True)
    svg = console.export_svg(title="", theme=THEME, code_format=FRAME, unique_id="pollm")
    size = re.search(r'<clipPath id="pollm-clip-terminal"><rect x="0" y="0" width="(\S+)" height="(\S+)"/>', svg)
    width, height = (float(length) + 2 * MARGIN for length in size.groups())
    # Half of the frame's line is outside of it.
    values = {"MARGIN": MARGIN, "FRAME_W": width, "FRAME_H": height, "FULL_W": width + 1, "FULL_H": height + 1}
    for name, value in values.items():
        svg = svg.replace(name, f"{value:g}")
    pathlib.Path(__file__).with_name("compare.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
