#!/usr/bin/env bash
# Makes this checkout ready: the programs the gateway calls, and .venv from the pinned requirements.
#   tools/prepare.sh run    what `make demo` and `make run` need
#   tools/prepare.sh dev    what `make test` and `make check` need as well
# With nothing to do it says nothing and takes a few milliseconds. PYTHON names another Python 3.11.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:?run or dev}
venv=.venv

say() { printf '%s\n' "$*" >&2; }
stop() { say "Cannot go on: $*"; exit 1; }

# --- the programs -----------------------------------------------------------------------------------
# Only what is missing is asked for, and only apt-get with root's rights is ever used without asking.
as_root=""
can_install() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" -ne 0 ] || return 0
  command -v sudo >/dev/null && sudo -n true 2>/dev/null && as_root="sudo -n"
}
updated=no
install() { # PACKAGE...: true when all of them went in
  can_install || return 1
  say "Installing $* (apt-get)."
  if [ $updated = no ]; then
    $as_root apt-get -qq update >/dev/null 2>&1 || say "apt-get update failed; going on with the lists there are."
    updated=yes
  fi
  local said
  said=$($as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends install "$@" 2>&1) || { say "$said"; return 1; }
}
install_server() { # its programs alone: the tests start servers of their own
  install postgresql-common || return 1
  $as_root pg_conftool /etc/postgresql-common/createcluster.conf set create_main_cluster false || true
  install postgresql
}
has_seccomp() { "$1" -c 'import ctypes; ctypes.CDLL("libseccomp.so.2")' 2>/dev/null; }

# --- Python and the environment ---------------------------------------------------------------------
is_311() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
find_python() {
  local name
  for name in ${PYTHON:-python3.11 python3 /usr/bin/python3.11}; do
    command -v "$name" >/dev/null && is_311 "$name" && has_venv "$name" && { command -v "$name"; return; }
  done
  return 1
}
make_venv() {
  local python
  if ! python=$(find_python); then
    [ -n "${PYTHON:-}" ] && stop "$PYTHON is not Python 3.11, or has no venv module."
    install python3.11 python3.11-venv || true
    python=$(find_python) || stop "Python 3.11 with its venv module is needed. On Debian 12:
  apt-get install python3.11 python3.11-venv
Elsewhere, install Python 3.11 and name it: make PYTHON=/path/to/python3.11 ..."
  fi
  say "Making $venv with $("$python" --version)."
  rm -rf $venv
  "$python" -m venv $venv
}
stamp() { cat "$@" | sha256sum; }
in_place() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

is_311 $venv/bin/python || make_venv

command -v gpg >/dev/null && command -v gpgconf >/dev/null && command -v gpg-agent >/dev/null ||
  install gnupg || stop "GnuPG is needed to seal packages. Install it: gnupg (Debian, Ubuntu), gnupg2 (Fedora)."
has_seccomp $venv/bin/python || install libseccomp2 ||
  stop "libseccomp 2 is needed to confine the reader. Install it: libseccomp2 (Debian, Ubuntu), libseccomp (Fedora)."
if [ "$kind" = dev ]; then
  command -v 7z >/dev/null || install p7zip-full ||
    say "7z is not here, so the test that opens a package with stock tools is skipped. Install p7zip-full for it."
  command -v sftp >/dev/null && command -v ssh-keygen >/dev/null || install openssh-client ||
    say "OpenSSH's client is not here, so the tests of SFTP are skipped. Install openssh-client for them."
  command -v chromium >/dev/null || install chromium ||
    say "chromium is not here, so the tests of the web site in a browser are skipped. Install chromium for them."
  command -v strace >/dev/null || install strace ||
    say "strace is not here, so the tests of crashes at chosen points are skipped. Install strace for them."
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || install_server ||
    say "PostgreSQL is not here, so the tests of the database on a server are skipped. Install postgresql for them."
  command -v curl >/dev/null || install curl ||
    say "curl is not here, so the tests of broken downloads are skipped. Install curl for them."
  command -v systemd-analyze >/dev/null || install systemd ||
    say "systemd is not here, so the tests of its units are skipped. Install systemd for them."
  command -v openssl >/dev/null && command -v shellcheck >/dev/null || install openssl shellcheck ||
    say "openssl or shellcheck is not here, so some tests of deploy/ are skipped. Install both for them."
  for server in nginx prometheus; do # for `nginx -t` and promtool: neither is to run as a service
    [ -x /usr/sbin/$server ] || [ -x /usr/bin/$server ] && continue
    install $server || say "$server is not here, so tests of deploy/ are skipped. Install $server for them."
    $as_root systemctl disable --now --quiet $server 2>/dev/null || true
  done
fi

dev_stamp=$(stamp requirements.txt requirements-dev.txt)
run_stamp=$(stamp requirements.txt)
in_place $venv/.prepared-dev "$dev_stamp" && exit 0
wanted=(-r requirements.txt)
if [ "$kind" = dev ]; then
  wanted+=(-r requirements-dev.txt)
else
  in_place $venv/.prepared-run "$run_stamp" && exit 0
fi
say "Installing the pinned Python packages into $venv ($kind): the first time this takes a minute."
# The pins name every package, so none is looked for beyond them: told to resolve, pip takes a newer release of a
# package asked for with an extra (coverage[toml]) for the pinned one, and stops. `pip check` finds a pin left out.
pip() { $venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }
pip install -qq --no-warn-script-location --require-hashes --no-deps "${wanted[@]}"
pip check >/dev/null || stop "the pinned Python packages do not fit together: $(pip check 2>&1)
Compile them again: make pins"
printf '%s\n' "$run_stamp" > $venv/.prepared-run
[ "$kind" != dev ] || printf '%s\n' "$dev_stamp" > $venv/.prepared-dev
