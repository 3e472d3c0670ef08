#!/usr/bin/env bash
# Makes a stand-in for the official Node.js image where no image can be pulled: Debian by debootstrap from apt's own
# mirror, node from the npm registry in the version that the Dockerfile names, and this machine's npm.
# Prints the image's name. Made once, then taken from the cache.
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
case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) die "no Node.js package for $(uname -m)" ;;
esac

name=localhost/ambassador-consul-connector-base:$codename-node$version
if buildah inspect --type image "$name" >/dev/null 2>&1; then
  printf '%s\n' "$name"
  exit
fi

mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' "Codename: $codename" |
  head -n 1)
[ -n "$mirror" ] || die "apt knows no Debian mirror for ${codename:-this system}"

mkdir -p "$image_cache"
work=$(mktemp -d "$image_cache/base.XXXXXX")
trap 'rm -rf "$work"' EXIT

say "debootstrap $codename"
debootstrap --variant=minbase "$codename" "$work/root" "$mirror" >"$work/log" 2>&1 ||
  { tail -n 20 "$work/log" >&2; die 'debootstrap failed'; }
rm -rf "$work/root/var/cache/apt/archives/"*.deb "$work/root/var/lib/apt/lists/"*

say "node $version"
(cd "$work" && npm pack --silent "node-linux-$arch@$version" >/dev/null)
tar -xzf "$work/node-linux-$arch-$version.tgz" -C "$work" package/bin/node
install -m 0755 "$work/package/bin/node" "$work/root/usr/local/bin/node"

modules=$work/root/usr/local/lib/node_modules
mkdir -p "$modules"
cp -rL "$(npm root -g)/npm" "$modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/root/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$work/root/usr/local/bin/npx"
chroot "$work/root" npm --version >/dev/null

container=$(buildah from scratch)
buildah add --quiet "$container" "$work/root" / >/dev/null
buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin --cmd node "$container"
buildah commit --quiet --rm "$container" "$name" >/dev/null
printf '%s\n' "$name"
