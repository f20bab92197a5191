#!/usr/bin/env bash
# Are the tests awake? Each patch in tests/mutations is a mistake in the product. It is made in a copy of the tree, and
# the tests that its header names must fail: a mistake that goes unnoticed is a failure, and so is a patch that no longer
# applies. Prints a table. `tools/mutations.sh NAME…` takes only patches with such a word in their name.
#
# A header has the lines
#   What: what the mistake is
#   Caught by: sim [ORACLE]             the simulator (SEEDS seeds, 20,000), and the oracle by its name
#   Caught by: scenarios NAME.ladder    this ladder comes out otherwise
#   Caught by: suite TEST               this test of tests/suite
#   Caught by: lib TEST                 this test of src/
set -uo pipefail
cd "$(dirname "$0")/.."

root=$PWD
work=${MUTATIONS_DIR:-$root/target/mutations}
export SEEDS=${SEEDS:-20000} CARGO_TERM_COLOR=never RUST_BACKTRACE=0
export CARGO_TARGET_DIR=$work/target
unset SEED UPDATE

# The tree as it is, what is not yet committed included; written anew, so that cargo builds it anew.
rm -rf "$work/tree"
mkdir -p "$work/tree" "$work/target/debug"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  [ -e "$file" ] && printf '%s\0' "$file"
done | xargs -0 cp --parents -t "$work/tree"

# Dependencies that are built already need not be built again.
if [ ! -d "$work/target/debug/deps" ] && [ -d target/debug/deps ]; then
  mkdir -p "$work/target/debug/deps"
  find target/debug/deps -type f ! -name '*crosspoint*' ! -name 'suite-*' -print0 |
    xargs -0 cp -lp -t "$work/target/debug/deps" 2>/dev/null
  cp -a target/debug/.fingerprint target/debug/build "$work/target/debug/"
  rm -rf "$work"/target/debug/.fingerprint/crosspoint-*
fi
cd "$work/tree" || exit 1

cargo_test() { # ARGUMENT…: what `cargo test` says, into $work/said
  timeout "${MUTATION_SECONDS:-600}" cargo test --locked --offline "$@" >"$work/said" 2>&1
}

built() { # WHICH: a mistake that does not compile proves nothing
  if [ "$1" = lib ]; then cargo_test --lib --no-run; else cargo_test --test suite --no-run; fi
}

caught() { # KIND WORD: whether the named test fails, and says what it must
  case $1 in
    sim) ! cargo_test --test suite sim:: -- --nocapture && grep -qF -- "$2" "$work/said" ;;
    scenarios) ! cargo_test --test suite scenarios && grep -qF -- "/$2: " "$work/said" ;;
    suite) ! cargo_test --test suite "$2" && grep -qE "^test .*$2 \.\.\. FAILED" "$work/said" ;;
    lib) ! cargo_test --lib "$2" && grep -qE "^test .*$2 \.\.\. FAILED" "$work/said" ;;
    *) echo "unknown: Caught by: $1 $2" >"$work/said"; return 1 ;;
  esac
}

echo "Without a mistake:"
if ! built suite || ! cargo_test --test suite; then
  tail -40 "$work/said"
  echo "the tests fail before anything is changed" >&2
  exit 1
fi
echo "  all pass"

failures=0 count=0 oracles=
printf '%-42s %-62s %s\n' mutation 'caught by' result
for patch in "$root"/tests/mutations/*.patch; do
  name=$(basename "$patch" .patch)
  if [ $# -gt 0 ]; then
    wanted=
    for word in "$@"; do [[ $name == *$word* ]] && wanted=yes; done
    [ -n "$wanted" ] || continue
  fi
  count=$((count + 1))
  if ! patch -s -p1 --no-backup-if-mismatch --dry-run <"$patch" >/dev/null 2>&1; then
    printf '%-42s %-62s %s\n' "$name" - 'DOES NOT APPLY'
    failures=$((failures + 1))
    continue
  fi
  patch -s -p1 --no-backup-if-mismatch <"$patch"
  while read -r kind word; do
    if ! built "$kind"; then
      result='DOES NOT COMPILE'
    elif caught "$kind" "$word"; then
      result=caught
      [ "$kind" = sim ] && oracles+=" $word"
    else
      result='UNNOTICED'
    fi
    printf '%-42s %-62s %s\n' "$name" "$kind $word" "$result"
    if [ "$result" != caught ]; then
      failures=$((failures + 1))
      grep -E '^(error|test .*FAILED|  \[|[0-9]+ of|test result)' "$work/said" | head -12 | sed 's/^/    /'
    fi
  done < <(sed -n 's/^Caught by: //p' "$patch")
  patch -s -R -p1 --no-backup-if-mismatch <"$patch"
done

if [ $# -eq 0 ]; then
  # Every oracle of the simulator must have spoken.
  for oracle in $(sed -n 's/.*Self::[A-Za-z]* => "\([a-z-]*\)",/\1/p' "$root/tests/suite/sim/complaint.rs"); do
    case "$oracles " in
      *" [$oracle] "*) ;;
      *) echo "no mutation makes the oracle [$oracle] speak" && failures=$((failures + 1)) ;;
    esac
  done
fi
echo "$count mutations, $failures failures"
[ "$failures" -eq 0 ]
