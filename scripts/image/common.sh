# shellcheck shell=bash
# Sourced by the other scripts. Images are kept in a separate storage, outside of the repository and the system's.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ambassador-consul-connector
image_cache=$cache/image

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

buildah() {
  command buildah --storage-driver vfs --root "$image_cache/storage" --runroot "$image_cache/run" "$@"
}

# need COMMAND PACKAGE: installs the package if the command is missing and installation is possible.
need() {
  # Not `command -v`, which finds the function above too.
  type -P "$1" >/dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then die "$1 is missing: install the package $2"; fi
  say "installing $2"
  # A new machine has no list of packages yet.
  apt-get -o DPkg::Lock::Timeout=300 update -qq >&2
  apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "$2" >&2
}

# registry_secrets FOLDER: writes npmrc and ca there. What this machine needs to reach its registry goes into a build as secrets,
# never into a layer.
registry_secrets() {
  local ca=${NODE_EXTRA_CA_CERTS:-}
  [ -n "$ca" ] || ca=$(npm config get cafile)
  [ -f "$ca" ] || ca=/dev/null
  cat "$ca" >"$1/ca"
  {
    cat "$(npm config get userconfig)" 2>/dev/null || true
    printf '\nregistry=%s\n' "$(npm config get registry)"
    [ "$ca" = /dev/null ] || printf 'cafile=/run/secrets/ca\n'
  } >"$1/npmrc"
}

# build_image SECRETS ARCH OPTION…: builds the Dockerfile of $repo for ARCH, with what registry_secrets wrote to the folder SECRETS.
build_image() {
  local secrets=$1 arch=$2
  shift 2
  # buildah 1.28 does not set the two platforms by itself.
  buildah bud --isolation chroot --layers=false --quiet \
    --build-arg "BUILDPLATFORM=linux/$(dpkg --print-architecture)" --build-arg "TARGETPLATFORM=linux/$arch" \
    --secret "id=npmrc,src=$secrets/npmrc" --secret "id=ca,src=$secrets/ca" \
    "$@" -f "$repo/Dockerfile" "$repo" >/dev/null
}
