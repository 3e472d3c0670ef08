# docker build -t ambassador-consul-connector:1.0.0 .
#
# Behind a private registry or a TLS proxy: --secret id=npmrc,src=$HOME/.npmrc --secret id=ca,src=ca.pem
# (with cafile=/run/secrets/ca in the .npmrc). Neither ends up in the image.
# For another architecture: --platform linux/arm64. The bundle is the same for all, so it is built on that of the machine.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim
# Another name than NODE_IMAGE only where no image can be pulled, so that a name stands for one architecture.
ARG BUILD_IMAGE=${NODE_IMAGE}

FROM --platform=${BUILDPLATFORM} ${BUILD_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# A base with node but no npm takes the dist/ of the build context instead: run `npm run build` first.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca,target=/run/secrets/ca \
    if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund; fi
COPY . .
RUN if command -v npm >/dev/null; then npm run build && npm run sbom; \
    elif ! test -s dist/ambassador-consul-connector.js; then \
      echo 'the base image has no npm, and the build context no dist/'; exit 1; \
    fi && \
    mkdir doc && for file in LICENCES.txt sbom.cdx.json; do if test -s dist/$file; then cp dist/$file doc/; fi; done

# All but the compiled code. `--target plain` is for another architecture than the machine's where no emulator runs its programs: a
# start of that image takes longer, and nothing else differs.
# The platform is that of the command line; without it buildah 1.28 takes that of the stage above.
FROM --platform=${TARGETPLATFORM} ${NODE_IMAGE} AS plain
ARG VERSION=1.0.0
LABEL org.opencontainers.image.title="ambassador-consul-connector" \
      org.opencontainers.image.description="Keeps a gateway's Consul Connect identity in a Kubernetes Secret" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /build/dist/ambassador-consul-connector.js /app/
COPY scripts/image/ambassador-consul-connector /usr/local/bin/
# The licences of what is bundled, and what it is made of (CycloneDX).
COPY --from=build /build/doc/ /usr/share/doc/ambassador-consul-connector/
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compiled
EXPOSE 8080
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/ambassador-consul-connector"]

FROM plain
# An emulated start takes several times as long.
ARG WARM_UP_SECONDS=4
USER 0:0
# A run of a few seconds, which finds no Consul, leaves its compiled code for every start with the same flags: Node.js keeps it
# for the user of that run. Nobody may write it afterwards, and where it could not be made a start only takes longer.
RUN install -d -o 65532 /app/compiled && \
    { setpriv --reuid=65532 --regid=65532 --clear-groups \
        env _OUTPUT_DIR=/tmp/warm-up _CONSUL_HOST=127.0.0.1 _CONSUL_PORT=1 \
        timeout ${WARM_UP_SECONDS} ambassador-consul-connector >/dev/null || true; } && \
    chown -R 0:0 /app/compiled && chmod -R a=rX /app/compiled && rm -rf /tmp/warm-up
USER 65532:65532
