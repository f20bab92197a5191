#!/usr/bin/env bash
# Checks the types of the browser client, builds it again and compares, runs its tests.
set -euo pipefail
cd "$(dirname "$0")"
command -v npm > /dev/null || { echo "web: npm is needed: apt-get install nodejs npm" >&2; exit 1; }
[ -d node_modules ] || { echo "web: installing npm packages"; npm ci --no-fund --no-audit --silent; }
npx tsc --noEmit -p tsconfig.json
npm test
