#!/usr/bin/env bash
# Creates all artefacts of a release in an empty folder, and publishes nothing:
#
#   scripts/release.sh [--tag v1.0.0] [--local-base] [--arch 'amd64 arm64'] FOLDER
#
#   ambassador-consul-connector-1.0.0-image.tar   the image of every architecture, an OCI archive
#   ambassador-consul-connector-1.0.0.tgz         the npm package
#   ambassador-consul-connector-chart-1.0.0.tgz   the Helm chart
#   ambassador-consul-connector-1.0.0-k8s.tar.gz  the manifests
#   sbom.cdx.json  LICENCES.txt  SHA256SUMS
#
# --tag        refuses a tag that is not the version, and a version that CHANGELOG.md does not date
# --local-base builds the base of the image if none can be pulled: for a trial, not for a release
#
# Needs root, buildah and helm, but no container engine. The compiled code in the image is created by a run on its architecture: for
# any other than the machine's, binfmt_misc must have an emulator (the package qemu-user-static), or that image has none.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/image/common.sh
. "$repo/scripts/image/common.sh"
cd "$repo"

tag='' local_base='' archs='amd64 arm64' out=''
while [ $# -gt 0 ]; do
  case $1 in
    --tag) tag=${2:?--tag needs a value}; shift 2 ;;
    --arch) archs=${2:?--arch needs a value}; shift 2 ;;
    --local-base) local_base=yes; shift ;;
    -*) die "unknown option $1" ;;
    *) [ -z "$out" ] || die "more than one folder"; out=$1; shift ;;
  esac
done
[ -n "$out" ] || die 'name the folder for the artefacts'
name=ambassador-consul-connector
version=$(node -p 'require("./package.json").version')
if [ -n "$tag" ]; then
  [ "$tag" = "v$version" ] || die "the tag $tag is not v$version, the version of package.json"
  grep -qE "^## \[${version//./\\.}\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$" CHANGELOG.md ||
    die "CHANGELOG.md has no date for $version"
fi
mkdir -p "$out"
[ -z "$(ls -A "$out")" ] || die "$out is not empty"
out=$(cd "$out" && pwd)
[ "$(id -u)" = 0 ] || die 'buildah needs root here'
need buildah buildah
type -P helm >/dev/null || die 'helm is missing'

say "bundle, licences, SBOM"
npm run --silent build >&2
npm run --silent sbom >&2
cp dist/sbom.cdx.json dist/LICENCES.txt "$out/"

say 'npm package'
node scripts/npm-package.mjs "$out" >&2

say 'manifests'
# The same bytes on every machine and at any time.
tar --sort=name --owner=0 --group=0 --numeric-owner --mode='u=rwX,go=rX' \
  --mtime="@$(git -c safe.directory="$repo" log -1 --format=%ct)" -C "$repo" -cf - k8s | gzip -9n >"$out/$name-$version-k8s.tar.gz"

say 'chart'
work=$(mktemp -d)
helm package --version "$version" --app-version "$version" --destination "$work" "charts/$name" >&2
# npm's package has the name that helm gives.
mv "$work/$name-$version.tgz" "$out/$name-chart-$version.tgz"
rmdir "$work"

own=$(dpkg --print-architecture)
# runs ARCH: whether programs of that architecture run on this machine.
runs() {
  [ "$1" = "$own" ] && return
  local file
  for file in /proc/sys/fs/binfmt_misc/qemu-*; do
    case $1:$file in
      arm64:*/qemu-aarch64 | amd64:*/qemu-x86_64) grep -q '^enabled' "$file" && return ;;
    esac
  done
  return 1
}

list=localhost/$name:$version
buildah manifest rm "$list" >/dev/null 2>&1 || true
buildah manifest create "$list" >/dev/null
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"; buildah manifest rm "$list" >/dev/null 2>&1 || true' EXIT
registry_secrets "$secrets"
for arch in $archs; do
  args=(--platform "linux/$arch" --build-arg "VERSION=$version")
  if [ -n "$local_base" ]; then
    base=$("$repo/scripts/image/build-local-base.sh" "$arch")
    args+=(--build-arg "NODE_IMAGE=$base" --build-arg "BUILD_IMAGE=$("$repo/scripts/image/build-local-base.sh")")
  fi
  if ! runs "$arch"; then
    say "image $arch: no program of it runs here, so it is built without compiled code"
    args+=(--target plain)
  elif [ "$arch" != "$own" ]; then
    args+=(--build-arg WARM_UP_SECONDS=60)
  fi
  say "image $arch"
  build_image "$secrets" "$arch" "${args[@]}" --manifest "$list"
done
buildah manifest push --all --quiet "$list" "oci-archive:$out/$name-$version-image.tar:$version" >/dev/null

(cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%f\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
cat "$out/SHA256SUMS"
