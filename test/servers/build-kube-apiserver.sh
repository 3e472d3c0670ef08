# Sourced by get.sh: builds kube-apiserver 1.20 from Debian's source package `kubernetes`.

# The vendored reflect2 walks maps as runtimes before Go 1.18 laid them out: built with Debian 12's own compiler
# the server crashes at random in mapiternext. Debian 11's Go 1.15 works, unpacked into a folder.
build_kube_apiserver() {
  require_tool dpkg-source dpkg-dev
  local tree=$work/go/src/k8s.io/kubernetes
  step 'Go 1.15 unpacked' unpack_go
  step 'kubernetes source unpacked' unpack_source kubernetes bookworm "$tree"
  cd "$tree"
  # The user's Go settings are for another Go: Go 1.15 stops at a flag it does not know, such as -buildvcs.
  export GOENV=off GOFLAGS= GOTOOLCHAIN=local
  export GOROOT=$work/root/usr/lib/go-1.15 GOPATH=$work/go GOCACHE=$work/go-cache GO111MODULE=off CGO_ENABLED=0
  step 'OpenAPI definitions generated' generate_openapi
  step 'kube-apiserver compiled' compile_kube_apiserver
  cd "$cache"
}

unpack_go() {
  unpack_package golang-1.15-go bullseye "$work/root"
  unpack_package golang-1.15-src bullseye "$work/root"
}

# Upstream's makefiles generate this one package and Debian's source does not carry it. The arguments are those
# of upstream's build/root/Makefile.generated_files: every package that asks for definitions by its tag.
generate_openapi() {
  local packages
  packages=$(grep --recursive --files-with-matches --include='*.go' '^// *+k8s:openapi-gen=' pkg staging/src/k8s.io |
    xargs --max-args=1 dirname | sort --unique |
    grep --invert-match --extended-regexp '/(testdata|_?examples)(/|$)|/(code-generator|sample-[a-z-]+)/' |
    sed 's#^staging/src/#k8s.io/kubernetes/vendor/#; s#^pkg/#k8s.io/kubernetes/pkg/#' | paste --serial --delimiters=,)
  "$GOROOT/bin/go" build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  "$work/openapi-gen" \
    --input-dirs "$packages" \
    --output-base "$GOPATH/src" --output-package k8s.io/kubernetes/pkg/generated/openapi \
    --output-file-base zz_generated.openapi \
    --go-header-file hack/boilerplate/boilerplate.generatego.txt \
    --report-filename "$work/openapi-violations"
}

# `providerless` leaves out the SDKs of the clouds, a third of the code. The version is what a release says of itself.
compile_kube_apiserver() {
  local version=k8s.io/kubernetes/vendor/k8s.io/component-base/version
  "$GOROOT/bin/go" build -tags providerless \
    -ldflags "-s -w -X $version.gitVersion=v1.20.2 -X $version.gitMajor=1 -X $version.gitMinor=20" \
    -o "$work/kube-apiserver" ./cmd/kube-apiserver
}
