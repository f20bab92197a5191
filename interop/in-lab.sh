#!/usr/bin/env bash
# Runs a command in the lab's own network: loopback and one more address, and no way out.
#
#   interop/in-lab.sh node interop/src/matrix.mjs
#
# Browsers gather no loopback candidates, so the lab has an address of its own, 10.77.0.1 and
# fd77::1, on a veth pair whose other end (10.77.0.2 for a change of network) is here as well.
# The command gets process ids of its own too: whatever it leaves behind ends with it.
set -euo pipefail
lab=${CROSSPOINT_LAB:-$(dirname "$(cd "$(dirname "$0")" && pwd)")/.lab}
mkdir -p "$lab/net"
echo 'nameserver 127.0.0.1' > "$lab/net/resolv.conf"
printf '127.0.0.1 localhost\n::1 localhost\n10.77.0.1 lab.test %s\n' "$(hostname)" > "$lab/net/hosts"
if ! unshare --net --mount --pid --fork --kill-child true 2> /dev/null; then
  echo "in-lab: this machine gives no right to make a network namespace (unshare --net)" >&2
  exit 77
fi
# shellcheck disable=SC2016
exec unshare --net --mount --pid --fork --kill-child --mount-proc bash -euc '
  net=$1; shift
  mount --bind "$net/resolv.conf" /etc/resolv.conf
  mount --bind "$net/hosts" /etc/hosts
  ip link set lo up
  ip link add lab0 type veth peer name lab1
  ip addr add 10.77.0.1/24 dev lab0
  ip addr add fd77::1/64 dev lab0 nodad
  ip link set lab0 up
  ip link set lab1 up
  ip route add default dev lab0
  code=0
  CROSSPOINT_LAB_NETWORK=own "$@" || code=$?
  exit $code
' - "$lab/net" "$@"
