#!/usr/bin/env bash
# What takes long: the scenarios, the simulator on seeds that nobody has seen, and the fuzz targets with another chance,
# for LONG_MINUTES (30) in all. Prints how far it is; a failure names its seed or its saved input.
set -uo pipefail
cd "$(dirname "$0")/.."

seconds=$(( ${LONG_MINUTES:-30} * 60 ))
now=$(date +%s)
export FIRST_SEED=${FIRST_SEED:-$now} SEEDS=${SEEDS:-200000} FUZZ_SEED=${FUZZ_SEED:-$now}
export SIM_SECONDS=$(( seconds / 2 ))
targets=$(grep -c '\.name,$' tests/suite/fuzz/mod.rs)
export FUZZ_SECONDS=${FUZZ_SECONDS:-$(( seconds / 2 / targets ))}

failed=0
part() { # NAME COMMAND…
  printf '\n== %s\n' "$1"
  shift
  "$@" || failed=1
}

suite() { cargo test --locked --test suite "$@"; }

part "scenarios" suite scenarios
part "simulator: up to $SEEDS seeds from $FIRST_SEED, $SIM_SECONDS s" suite every_seed_ends_well -- --nocapture
part "fuzz: $targets targets, $FUZZ_SECONDS s each, seed $FUZZ_SEED" suite fuzz:: -- --nocapture --test-threads=1
exit "$failed"
