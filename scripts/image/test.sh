#!/usr/bin/env bash
# Builds the image and runs it as Kubernetes would, uid 65532 on a read-only root, against a real Consul:
#
#   _CONSUL_HOST=127.0.0.1 _CONSUL_PORT=8500 scripts/image/test.sh
#
# It passes when the identity appears in _OUTPUT_DIR, /readyz answers 200, SIGTERM ends it with 0 within 2 s, and it used
# the compiled code of the image, with the NODE_OPTIONS of the manifest too.
# NODE_IMAGE names the base; without it a local one is made. Needs root, and no container engine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
# shellcheck source=scripts/image/common.sh
. "$here/common.sh"

: "${_CONSUL_HOST:?set it to a Consul with Connect enabled}" "${_CONSUL_PORT:?set it to the port of its HTTP API}"
[ "$(id -u)" = 0 ] || die 'needs root, for mounts'
need buildah buildah
base=${NODE_IMAGE:-$("$here/build-local-base.sh")}
image=localhost/ambassador-consul-connector:test-$$

work=$(mktemp -d)
container=
process=
finish() {
  if [ -n "$process" ]; then
    kill -KILL "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  fi
  if [ -n "$container" ]; then buildah rm "$container" >/dev/null; fi
  buildah rmi --force "$image" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

registry_secrets "$work"

say "building $image on $base"
build_image "$work" "$(dpkg --print-architecture)" --build-arg "NODE_IMAGE=$base" -t "$image"

buildah inspect --type image "$image" >"$work/image.json"
# config KEY: one line per value.
config() { node -p "[require('$work/image.json').OCIv1.config.$1].flat().join('\n')"; }
[ "$(config User)" = 65532:65532 ] || die "the image runs as $(config User)"
mapfile -t entrypoint < <(config Entrypoint)
mapfile -t environment < <(config Env)

container=$(buildah from "$image")
root=$(buildah mount "$container")
mkdir -p "$root/out" "$work/out"
chown 65532:65532 "$work/out"
[ "$(cd "$root/app" && echo *)" = 'ambassador-consul-connector.js compiled' ] ||
  die "not the bundle and its compiled code in /app: $(ls -A "$root/app")"

port=$(node -e 'const s = net.createServer().listen(0, () => { console.log(s.address().port); s.close(); })')
# None of these tools creates a read-only root without a container engine, so the mounts are made by hand.
# They are private to the process and end with it; `exec` throughout keeps its process id.
in_image=(unshare --mount --propagation private sh -euc '
  root=$1 out=$2; shift 2
  mount --bind "$root" "$root"
  mount --bind /dev "$root/dev"
  mount --bind /proc "$root/proc"
  [ ! -e "$root/etc/resolv.conf" ] || mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
  mount --bind "$out" "$root/out"
  mount -o remount,bind,ro "$root"
  exec chroot --userspec=65532:65532 --groups= "$root" "$@"
' sh "$root" "$work/out" /usr/bin/env -i "${environment[@]}" NODE_DEBUG=compiled)
"${in_image[@]}" \
  "_CONSUL_HOST=$_CONSUL_HOST" "_CONSUL_PORT=$_CONSUL_PORT" _OUTPUT_DIR=/out _HTTP_HOST=127.0.0.1 "_HTTP_PORT=$port" \
  ${_CONSUL_HTTP_TOKEN:+"_CONSUL_HTTP_TOKEN=$_CONSUL_HTTP_TOKEN"} \
  "${entrypoint[@]}" >"$work/log" 2>&1 &
process=$!

fail() {
  say "--- log of the process"
  cat "$work/log" >&2
  die "$*"
}
# within SECONDS COMMAND…: retries the command until it succeeds.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    kill -0 "$process" 2>/dev/null || fail 'the process ended'
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}
published() { [ -s "$work/out/tls.crt" ] && [ -s "$work/out/tls.key" ] && [ -s "$work/out/ca.crt" ]; }
ready() { node -e "fetch('http://127.0.0.1:$port/readyz').then((r) => process.exit(r.ok ? 0 : 1))" 2>/dev/null; }

within 30 published || fail "no identity in _OUTPUT_DIR after 30 s: $(ls -A "$work/out")"
within 10 ready || fail '/readyz is not 200'
grep -q '^Uid:[[:space:]]*65532[[:space:]]*65532' "/proc/$process/status" || fail 'it does not run as uid 65532'
awk '$5 == "/" && $6 ~ /^ro(,|$)/ { found = 1 } END { exit !found }' "/proc/$process/mountinfo" ||
  fail 'its root is not read-only'
[ "$(stat -Lc '%a %u' "$work/out/tls.key")" = '600 65532' ] || fail "tls.key is $(stat -Lc '%a %u' "$work/out/tls.key")"
(cd "$work/out" && node -e '
  const { readFileSync } = require("fs");
  const { X509Certificate, createPrivateKey } = require("crypto");
  const leaf = new X509Certificate(readFileSync("tls.crt"));
  if (!leaf.checkPrivateKey(createPrivateKey(readFileSync("tls.key")))) throw new Error("tls.key fits no tls.crt");
  new X509Certificate(readFileSync("ca.crt"));
  console.error("published", leaf.subjectAltName);
') 2>"$work/check" || { cat "$work/check" >&2; fail 'what was published does not fit'; }

start=$(date +%s%N)
kill -TERM "$process"
code=0
wait "$process" || code=$?
process=
took=$((($(date +%s%N) - start) / 1000000))
[ "$code" = 0 ] || fail "SIGTERM ended it with $code"
[ "$took" -le 2000 ] || fail "SIGTERM took $took ms"

say "$(cat "$work/check")"
uses_compiled_code() { grep -q '\.bin was accepted$' "$work/log" || fail 'it does not use the compiled code of the image'; }
uses_compiled_code

node_options=$(sed -n '/name: NODE_OPTIONS/{n;s/^ *value: //p;}' "$repo/k8s/ambassador-consul-connector.yaml")
[ -n "$node_options" ] || die 'the manifest has no NODE_OPTIONS'
"${in_image[@]}" "NODE_OPTIONS=$node_options" "${entrypoint[@]}" --version >"$work/log" 2>&1 ||
  fail 'it does not start with the NODE_OPTIONS of the manifest'
uses_compiled_code
"${in_image[@]}" ambassador-consul-connector --version >"$work/log" 2>&1 || fail 'its command is not on PATH'
say "ok: $image as uid 65532 on a read-only root, stopped in $took ms, $(du -sk "$root/app" | cut -f1) KiB more than its base"
