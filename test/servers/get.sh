#!/usr/bin/env bash
# Makes the real servers of the tests available: consul, etcd, kube-apiserver, kubectl, two gateways, Prometheus, and a
# browser.
#
#   bash test/servers/get.sh              fetch or build what is missing (the first time: several minutes)
#   bash test/servers/get.sh --print-env  only print where each one is, as NAME=path lines
#
# What the machine already has is used: the folder that $KUBEBUILDER_ASSETS names (setup-envtest's), then PATH.
# The rest is taken from signed Debian packages into
# ${XDG_CACHE_HOME:-~/.cache}/ambassador-consul-connector/bin, where test/servers/binaries.ts looks last.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ambassador-consul-connector
readonly here cache
readonly FONTS_CONF=$cache/fonts/fonts.conf
readonly WITHOUT_DEBIAN='put consul (1.8 or newer) into PATH, and let KUBEBUILDER_ASSETS name a folder with etcd,
kube-apiserver and kubectl (setup-envtest makes one); put nginx, haproxy, prometheus, promtool and chromium into PATH'

# fail PROBLEM REMEDY
fail() {
  printf 'get.sh: %s\nget.sh: remedy: %s\n' "$1" "$2" >&2
  exit 1
}

# step NAME COMMAND...: runs a command and says how long it took; its own output is shown only if it fails.
step() {
  local name=$1 started=$SECONDS status
  shift
  # Not `if ! ( ... )`: bash ignores `set -e` inside a condition.
  set +e
  ( set -e; "$@" ) >"$work/log" 2>&1
  status=$?
  set -e
  if ((status != 0)); then
    tail --lines=40 "$work/log" >&2
    fail "this step failed: $name" 'see above; when the cause is gone run it again, nothing half-made was kept'
  fi
  printf 'get.sh: %s (%d s)\n' "$name" "$((SECONDS - started))"
}

# Prints where a server is; fails if it is nowhere.
locate() {
  local found
  if [[ $1 != consul && -x ${KUBEBUILDER_ASSETS:-}/$1 ]]; then
    echo "$KUBEBUILDER_ASSETS/$1"
  elif found=$(type -P "$1") && { [[ $1 != consul ]] || recent_consul "$found"; }; then
    echo "$found"
  elif [[ -x $cache/bin/$1 ]]; then
    echo "$cache/bin/$1"
  else
    return 1
  fi
}

# Consul before 1.8 lacks endpoints that the tests use.
recent_consul() {
  local version
  version=$("$1" version 2>/dev/null | sed -n '1s/^Consul v//p')
  [[ -n $version && $(printf '1.8\n%s\n' "$version" | sort --version-sort | head -n1) == 1.8 ]]
}

print_env() {
  local name path
  [[ -e $FONTS_CONF ]] || fail 'the typeface of the pictures is missing' 'bash test/servers/get.sh'
  printf 'FONTS_CONF=%s\n' "$FONTS_CONF"
  for name in consul etcd kube-apiserver kubectl nginx haproxy prometheus promtool chromium; do
    path=$(locate "$name") || fail "$name is missing" 'bash test/servers/get.sh'
    name=${name^^}
    printf '%s=%s\n' "${name//-/_}" "$path"
  done
}

# keep FILE NAME: a rename within the cache, so that bin/ never shows half a file.
keep() {
  chmod 755 "$1"
  mv --force "$1" "$cache/bin/$2"
}

# get_programs PACKAGE SUITE NAME...
get_programs() {
  local package=$1 suite=$2 name
  shift 2
  for name in "$@"; do
    if locate "$name" >/dev/null; then continue; fi
    [[ -e $work/$package ]] || step "$package unpacked" unpack_package "$package" "$suite" "$work/$package"
    keep "$work/$package/usr/bin/$name" "$name"
  done
}

# get_gateway NAME LIBRARY_PACKAGE...: a program with the libraries that a small machine may lack. It is only unpacked:
# installed, it would be a daemon on port 80.
get_gateway() {
  local name=$1 package
  if locate "$name" >/dev/null; then return; fi
  for package in "$@"; do
    step "$package unpacked" unpack_package "$package" bookworm "$work/gateways/$name"
  done
  rm -rf "$cache/gateways/$name"
  mkdir -p "$cache/gateways"
  mv "$work/gateways/$name" "$cache/gateways/$name"
  cat >"$work/$name.sh" <<'WRAPPER'
#!/bin/sh
name=$(basename "$0")
root=$(dirname "$0")/../gateways/$name
for folder in "$root"/usr/lib/*-linux-gnu* "$root"/lib/*-linux-gnu*; do
  [ ! -d "$folder" ] || LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH
exec "$root/usr/sbin/$name" "$@"
WRAPPER
  keep "$work/$name.sh" "$name"
}

# A typeface for the browser, so that its pictures are the same on every machine.
get_typeface() {
  if [[ -e $FONTS_CONF ]]; then return; fi
  step 'typeface unpacked' unpack_package fonts-inter bookworm "$work/fonts"
  cat >"$work/fonts/fonts.conf" <<CONF
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>$cache/fonts/usr/share/fonts</dir>
  <match target="pattern">
    <test name="family" compare="contains"><string>sans</string></test>
    <test name="family" compare="not_contains"><string>mono</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit>
  </match>
  <!-- Last, since it gives every unknown family a second name, sans-serif. -->
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
</fontconfig>
CONF
  rm -rf "$cache/fonts"
  mv "$work/fonts" "$cache/fonts"
}

main() {
  if [[ ${1:-} == --print-env ]]; then
    print_env
    return
  fi
  mkdir -p "$cache/bin"
  exec 9>"$cache/lock"
  if ! flock --nonblock 9; then
    echo 'get.sh: another get.sh is at work, waiting for it'
    flock 9
  fi
  # The lock is ours, so any work folder is left over from a run that was killed.
  rm -rf "$cache"/work.*
  work=$(mktemp --directory "$cache/work.XXXXXX")
  readonly work
  trap 'rm -rf "$work"' EXIT
  require_tool openssl openssl
  require_tool chromium chromium
  get_programs consul bullseye consul
  get_programs etcd-server bookworm etcd
  get_programs kubernetes-client bookworm kubectl
  get_programs prometheus bookworm prometheus promtool
  get_typeface
  get_gateway nginx libpcre2-8-0
  get_gateway haproxy libpcre2-8-0 liblua5.3-0 libopentracing-c-wrapper0 libopentracing1
  if ! locate kube-apiserver >/dev/null; then
    build_kube_apiserver
    keep "$work/kube-apiserver" kube-apiserver
  fi
  print_env
}

# shellcheck source-path=SCRIPTDIR source=debian.sh
source "$here/debian.sh"
# shellcheck source-path=SCRIPTDIR source=build-kube-apiserver.sh
source "$here/build-kube-apiserver.sh"
main "$@"
