#!/usr/bin/env bash
# Installs what the real-peer lab lacks, builds the gateway, runs every case, writes the matrix.
set -euo pipefail
cd "$(dirname "$0")/.."
bash interop/setup.sh
cargo build --locked --quiet --bin crosspoint
exec node interop/src/matrix.mjs "$@"
