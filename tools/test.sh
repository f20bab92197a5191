#!/usr/bin/env bash
# Everything that CI runs, part by part, with the time of each. Stops at the first part that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=()
part() { # NAME COMMAND…: runs one part and notes how long it took
  local name=$1 begun ended
  shift
  now=$name
  printf '\n== %s\n' "$name"
  begun=$(date +%s)
  "$@"
  ended=$(date +%s)
  parts+=("$((ended - begun)) $name")
}

slowest() {
  printf '\nThe slowest parts, in seconds:\n'
  printf '%s\n' "${parts[@]}" | sort -rn | head -10
}

# The slowest parts before what ended it: the reason is to be the last thing that one reads.
over() {
  local code=$?
  slowest
  [ $code = 0 ] || printf '\nStopped in: %s\n' "$now"
  [ ! -s "$verdict" ] || cat "$verdict"
}
now=""
verdict=${CROSSPOINT_LAB:-.lab}/verdict
rm -f "$verdict"
trap over EXIT

part "format" cargo fmt --check
part "build" cargo build --locked --all-targets
part "lints" cargo clippy --locked --all-targets -- -D warnings
part "tests" cargo test --locked
part "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet
part "browser client" bash web/test.sh
part "lab" bash interop/setup.sh
part "real peers" node interop/src/matrix.mjs
