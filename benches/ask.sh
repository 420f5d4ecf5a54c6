#!/usr/bin/env bash
# What `pollm ask` costs beside the answer itself, as ratios to `curl -sN` on the
# same request, in one run. Everything stays on 127.0.0.1; nothing is kept.
#
# usage: benches/ask.sh [RUNS]      (100 runs of each program unless given)
#
#   ask        one prompt, 20 events, the whole process with its ledger
#   version    what the program's start costs alone (for scale: `true`)
#   long       20,000 events to a pipe, an HTTP chunk each
#   joined     20,000 events to a pipe, in HTTP chunks of 16 KiB
#   memory     the most that was resident during each of them
#
# The times are medians; the programs take turns, ten rounds, so that a
# busy machine slows all of them. The fastest run is what a quiet machine gives.
# A target is printed where pollm has one, and the exit code is 1 if it is missed.
#
# Needs hyperfine, GNU time, curl and python3:
#   apt-get install hyperfine time curl python3
#
# POLLM=path/to/pollm measures that executable instead of building one.
#
# To compare with another client, add a name to `clients` and a `NAME_ask`
# function that prints its command line for an answer of server.py. Clients
# that are not installed are passed over.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-100}
rounds=10
clients=(pollm curl)

pollm_ask() { echo "$pollm ask -m $1/bench $prompt"; }
curl_ask() {
  echo "curl -sN -H content-type:application/json --data-binary @$folder/$1.json" \
    "http://127.0.0.1:$port/$1/v1/chat/completions"
}

for program in hyperfine curl python3; do
  command -v "$program" >/dev/null || { echo "$program is missing: apt-get install $program" >&2; exit 2; }
done
[[ -x /usr/bin/time ]] || { echo "GNU time is missing: apt-get install time" >&2; exit 2; }

pollm=${POLLM:-}
if [[ -z $pollm ]]; then
  cargo build --release --quiet
  pollm=${CARGO_TARGET_DIR:-target}/release/pollm
fi
pollm=$(realpath "$pollm")

folder=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server"; rm -rf "$folder"' EXIT
python3 benches/server.py "$folder" &
server=$!
for _ in {1..100}; do
  [[ -e $folder/port ]] && break
  sleep 0.05
done
port=$(<"$folder/port")

# A home of its own: no keys, no proxies, a new ledger.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
for name in $(compgen -e POLLM_ || true); do unset "$name"; done
export HOME=$folder XDG_CONFIG_HOME=$folder/config XDG_DATA_HOME=$folder/data XDG_CACHE_HOME=$folder/cache
mkdir -p "$folder/config/pollm"
for answer in short long joined; do
  printf '[providers.%s]\nprotocol = "openai-chat"\nbase_url = "http://127.0.0.1:%s/%s/v1"\nauth = "none"\n' \
    "$answer" "$port" "$answer"
done >"$folder/config/pollm/config.toml"
prompt=hello

# measure ROW RUNS NAME COMMAND [NAME COMMAND]...: appends to times/ROW.NAME, one time in seconds a line.
mkdir "$folder/times" "$folder/memory"
measure() {
  local row=$1 each=$((($2 + rounds - 1) / rounds)) round
  shift 2
  for ((round = 0; round < rounds; round++)); do
    local pair=("$@")
    while ((${#pair[@]})); do
      hyperfine --shell none --warmup 1 --runs "$each" --output pipe --style none \
        --export-json "$folder/run.json" "${pair[1]}" >/dev/null 2>&1 ||
        { echo "failed: ${pair[1]}" >&2; exit 2; }
      python3 -c 'import json, sys
print(*json.load(open(sys.argv[1]))["results"][0]["times"], sep="\n")' "$folder/run.json" \
        >>"$folder/times/$row.${pair[0]}"
      pair=("${pair[@]:2}")
    done
  done
}

commands() {
  local client
  for client in "${clients[@]}"; do
    [[ $client == pollm ]] || command -v "$client" >/dev/null || continue
    printf '%s\n' "$client" "$("${client}_ask" "$1")"
  done
}

for answer in short long joined; do
  # The first request tells curl what to send, and makes the ledger.
  $pollm ask -m "$answer/bench" "$prompt" >/dev/null
  mapfile -t these < <(commands "$answer")
  count=$runs
  [[ $answer == short ]] || count=$((runs / 2))
  measure "$answer" "$count" "${these[@]}"
  for ((at = 0; at < ${#these[@]}; at += 2)); do
    for _ in {1..5}; do
      # The words of a command are its arguments.
      # shellcheck disable=SC2086
      /usr/bin/time -f %M -a -o "$folder/memory/$answer.${these[at]}" ${these[at + 1]} | cat >/dev/null
    done
  done
done
measure version "$runs" pollm "$pollm --version" curl "curl --version" true "$(type -P true)"

python3 - "$folder" "$pollm" <<'PYTHON'
import os, platform, statistics, sys

folder, pollm = sys.argv[1:]
TARGETS = {"short": ("ratio", 1.0), "long": ("ratio", 2.0), "joined": ("ratio", 2.0), "version": ("ms", 2.0)}
MEMORY = 20.0
NAMES = {"short": "ask", "long": "long", "joined": "joined", "version": "version"}
missed = False


def read(kind, row):
    found = {}
    for file in os.listdir(f"{folder}/{kind}"):
        name, client = file.split(".")
        if name == row:
            found[client] = [float(line) for line in open(f"{folder}/{kind}/{file}")]
    return dict(sorted(found.items(), key=lambda item: (item[0] != "pollm", item[0])))


def judged(row, client, value):
    global missed
    if client != "pollm":
        return ""
    good = value <= TARGETS[row][1]
    missed |= not good
    unit = " of curl" if TARGETS[row][0] == "ratio" else " ms"
    return f"  {'met' if good else 'MISSED'} (at most {TARGETS[row][1]:g}{unit})"


print(f"pollm: {os.path.getsize(pollm) / 1e6:.1f} MB; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.machine()}")
print(f"{'':17} {'median':>9} {'fastest':>9} {'slowest':>9}   median and fastest to curl's")
for row, label in NAMES.items():
    times = read("times", row)
    curl = times["curl"]
    for client, seconds in times.items():
        median, fastest = statistics.median(seconds), min(seconds)
        ratio = median / statistics.median(curl)
        target = judged(row, client, ratio if TARGETS[row][0] == "ratio" else median * 1e3)
        print(
            f"{label:8} {client:8} {median * 1e3:6.2f} ms {fastest * 1e3:6.2f} ms {max(seconds) * 1e3:6.2f} ms"
            f" {ratio:8.2f} {fastest / min(curl):8.2f}{target}"
        )
        label = ""
for row in ("short", "long", "joined"):
    for client, kilobytes in read("memory", row).items():
        most = max(kilobytes) * 1024 / 1e6
        target = ""
        if client == "pollm":
            missed |= most > MEMORY
            target = f"  {'met' if most <= MEMORY else 'MISSED'} (at most {MEMORY:g} MB)"
        print(f"memory   {client:8} {most:6.1f} MB {NAMES[row]}{target}")
sys.exit(missed)
PYTHON
