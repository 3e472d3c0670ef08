# shellcheck shell=bash
# Sourced by the scripts beside it. Images live in a storage of their own, outside the repository and the system's.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ambassador-consul-connector
image_cache=$cache/image

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

buildah() {
  command buildah --storage-driver vfs --root "$image_cache/storage" --runroot "$image_cache/run" "$@"
}

# need COMMAND PACKAGE: installs the package if the command is missing and we may.
need() {
  # Not `command -v`, which finds the function above too.
  type -P "$1" >/dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then die "$1 is missing: install the package $2"; fi
  say "installing $2"
  # A new machine has no list of packages yet.
  apt-get -o DPkg::Lock::Timeout=300 update -qq >&2
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$2" >&2
}
