#!/usr/bin/env bash
# Installs what the real-peer lab lacks, and says what. Run it again at will: what is there stays.
#
#   interop/setup.sh            everything
#   interop/setup.sh --check    installs nothing; exit code 1 and one sentence if something lacks
#   interop/setup.sh --without-asterisk   everything but the Asterisk root
#
# CROSSPOINT_LAB            the lab's folder (default: .lab in the repository root)
# CROSSPOINT_DEBIAN_MIRROR  the mirror for the Asterisk root (default: the one apt uses here)
# CI=true                   whatever cannot be had is a failure; elsewhere a missing Asterisk root
#                           is told and the run goes on without that peer
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
lab=${CROSSPOINT_LAB:-$(dirname "$here")/.lab}
root=$lab/asterisk/root
check=no asterisk=yes
for argument in "$@"; do
  case $argument in
    --check) check=yes ;;
    --without-asterisk) asterisk=no ;;
    *) echo "setup: what is $argument?" >&2; exit 64 ;;
  esac
done
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
unset APT_CONFIG || true

began=$(date +%s)
say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: cannot go on: %s\n' "$*" >&2; exit 1; }
step() { step_name=$1; step_began=$(date +%s); say "$1 …"; }
done_step() { say "$step_name: $(($(date +%s) - step_began)) s"; }

# Debian's name of each package, and why the lab wants it.
packages=(
  chromium        # the browser
  sip-tester      # SIPp
  baresip-core    # baresip with ICE and DTLS-SRTP
  baresip-ffmpeg  # baresip's Opus and codecs that need FFmpeg
  kamailio        # a registrar and proxy
  rtpengine-daemon  # comes between for phones with plain RTP; runs without its kernel module
  prosody         # a chat server
  ejabberd        # another chat server
  python3-slixmpp # a chat user who does what no client should
  debootstrap     # makes the folder that Asterisk 22 runs in
  iproute2        # the lab's own network namespace
  util-linux      # unshare
  openssl         # the lab's certificate authority
  ca-certificates
)
command -v node > /dev/null || packages+=(nodejs)
command -v npm > /dev/null || packages+=(npm)

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null)" = installed ]; }

lacking=()
for p in "${packages[@]}"; do installed "$p" || lacking+=("$p"); done

# ---- Debian packages -----------------------------------------------------------------------
# Installing must not start daemons: a policy that forbids it stands while apt runs.
policy=/usr/sbin/policy-rc.d
policy_ours=no
lay_policy() {
  [ -e $policy ] && return
  printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy && policy_ours=yes
}
drop_policy() { [ $policy_ours = no ] || rm -f $policy; policy_ours=no; }
trap drop_policy EXIT

if [ ${#lacking[@]} -gt 0 ]; then
  [ $check = no ] || die "Debian packages are missing: ${lacking[*]}"
  command -v apt-get > /dev/null || die "apt-get is not here; the lab is set up on Debian 12 only"
  [ "$(id -u)" = 0 ] || die "these Debian packages are missing, and only root may install them: \
${lacking[*]}"
  mkdir -p "$lab/logs"
  log=$lab/logs/apt.log
  step "Debian packages: ${lacking[*]}"
  lay_policy
  apt-get update > "$log" 2>&1 || die "apt-get update failed (see $log)"
  apt-get install -y --no-install-recommends "${lacking[@]}" >> "$log" 2>&1 \
    || die "apt-get install failed (see $log): ${lacking[*]}"
  drop_policy
  # Nor does the next boot start what the lab alone has wanted.
  for p in "${lacking[@]}"; do
    case $p in
      kamailio | rtpengine-daemon | prosody | ejabberd)
        update-rc.d "$p" disable >> "$log" 2>&1 || say "$p may start at the next boot (see $log)" ;;
    esac
  done
  done_step
else
  say "Debian packages: all there"
fi

# ---- npm packages --------------------------------------------------------------------------
stamp=$here/node_modules/.from-lock
lock_sum=$(sha256sum < "$here/package-lock.json" | cut -d' ' -f1)
if [ "$(cat "$stamp" 2> /dev/null)" != "$lock_sum" ]; then
  [ $check = no ] || die "npm packages are missing in interop/node_modules"
  mkdir -p "$lab/logs"
  step "npm packages: those of interop/package-lock.json"
  (cd "$here" && npm ci --ignore-scripts --no-audit --no-fund) > "$lab/logs/npm.log" 2>&1 \
    || die "npm ci failed (see $lab/logs/npm.log)"
  echo "$lock_sum" > "$stamp"
  done_step
else
  say "npm packages: all there"
fi

# ---- Asterisk 22 ---------------------------------------------------------------------------
# Debian 12 has no Asterisk at all; Debian sid has. It goes into a folder of its own and runs
# there by chroot. All mounts are made in a private mount namespace and vanish with it, so that
# the lab's folder may be removed at any time.
without_asterisk() {
  [ "${CI:-}" != true ] || die "$1"
  say "WITHOUT ASTERISK: $1"
}

make_root() {
  local mirror=${CROSSPOINT_DEBIAN_MIRROR:-} log=$lab/logs/asterisk-root.log
  if [ -z "$mirror" ]; then
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2> /dev/null \
      | grep -E '/debian/?$' | head -1 || true)
  fi
  mkdir -p "$lab/asterisk" "$lab/logs"
  rm -rf --one-file-system "$root.new"
  step "Asterisk: a Debian sid root by debootstrap"
  # shellcheck disable=SC2016
  unshare --mount bash -euc '
    root=$1 mirror=$2
    debootstrap --variant=minbase sid "$root" $mirror
  ' - "$root.new" "$mirror" > "$log" 2>&1 || return 1
  done_step
  step "Asterisk: the package asterisk in it"
  # shellcheck disable=SC2016
  unshare --mount bash -euc '
    root=$1
    printf "#!/bin/sh\nexit 101\n" > "$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    for f in /etc/apt/apt.conf.d/*proxy*; do
      [ -e "$f" ] && cp "$f" "$root/etc/apt/apt.conf.d/"
    done
    mount --bind /proc "$root/proc"
    mount --bind /dev "$root/dev"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    cp /etc/hosts "$root/etc/hosts"
    # A mirror may lag behind more than sid allows its lists to age; they are signed all the same.
    chroot "$root" apt-get -o Acquire::Check-Valid-Until=false update
    chroot "$root" apt-get install -y --no-install-recommends asterisk
    chroot "$root" apt-get clean
    rm -rf "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/man/*
  ' - "$root.new" >> "$log" 2>&1 || return 1
  chroot "$root.new" asterisk -V > "$root.new/.crosspoint-complete" 2>> "$log" || return 1
  rm -rf --one-file-system "$root"
  mv "$root.new" "$root"
  done_step
}

if [ $asterisk = no ]; then
  say "Asterisk: not asked for"
elif [ -s "$root/.crosspoint-complete" ]; then
  say "Asterisk: all there"
elif [ $check = yes ]; then
  die "the Asterisk root is missing in $root"
elif [ "$(id -u)" != 0 ]; then
  without_asterisk "only root may make and enter the folder that Asterisk runs in"
elif ! unshare --mount true 2> /dev/null; then
  without_asterisk "this machine gives no right to mount (unshare --mount is refused), which \
the folder that Asterisk runs in needs"
elif ! make_root; then
  without_asterisk "the Asterisk root could not be made (see $lab/logs/asterisk-root.log)"
fi

# ---- what is here now ----------------------------------------------------------------------
version_of() { dpkg-query -W -f '${Version}' "$1" 2> /dev/null || echo none; }
say "chromium $(version_of chromium), SIPp $(version_of sip-tester), baresip" \
  "$(version_of baresip-core), Kamailio $(version_of kamailio)," \
  "rtpengine $(version_of rtpengine-daemon), Prosody $(version_of prosody)," \
  "ejabberd $(version_of ejabberd), slixmpp $(version_of python3-slixmpp), $(cat "$root/.crosspoint-complete" 2> /dev/null || echo 'no Asterisk')," \
  "node $(node --version)"
say "lab in $lab; $(($(date +%s) - began)) s in all"
