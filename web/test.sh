#!/usr/bin/env bash
# Checks the types of the browser client, builds it again and compares, runs its tests.
# With `--browser` also the page in Chromium, against a gateway that knows only pages.
set -euo pipefail
cd "$(dirname "$0")"
command -v npm > /dev/null || { echo "web: npm is needed: apt-get install nodejs npm" >&2; exit 1; }
[ -d node_modules ] || { echo "web: installing npm packages"; npm ci --no-fund --no-audit --silent; }
npm run --silent check
npm test
if [ "${1-}" = --browser ]; then npm run --silent page; fi
