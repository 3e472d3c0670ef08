# docker build -t ambassador-consul-connector:1.0.0 .
#
# Behind a private registry or a TLS proxy: --secret id=npmrc,src=$HOME/.npmrc --secret id=ca,src=ca.pem
# (with cafile=/run/secrets/ca in the .npmrc). Neither ends up in the image.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# A base with node but no npm takes the dist/ of the build context instead: run `npm run build` first.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca,target=/run/secrets/ca \
    if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund; fi
COPY . .
RUN if command -v npm >/dev/null; then npm run build; \
    elif ! test -s dist/ambassador-consul-connector.js; then \
      echo 'the base image has no npm, and the build context no dist/'; exit 1; \
    fi

FROM ${NODE_IMAGE}
ARG VERSION=1.0.0
LABEL org.opencontainers.image.title="ambassador-consul-connector" \
      org.opencontainers.image.description="Keeps a gateway's Consul Connect identity in a Kubernetes Secret" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /build/dist/ambassador-consul-connector.js /app/
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compiled
# A run of a few seconds, which finds no Consul, leaves its compiled code for every start: Node.js keeps it for the user of
# that run. Nobody may write it afterwards, and where it could not be made a start only takes longer.
RUN install -d -o 65532 /app/compiled && \
    { setpriv --reuid=65532 --regid=65532 --clear-groups \
        env _OUTPUT_DIR=/tmp/warm-up _CONSUL_HOST=127.0.0.1 _CONSUL_PORT=1 \
        timeout 4 node --max-old-space-size=96 /app/ambassador-consul-connector.js >/dev/null || true; } && \
    chown -R 0:0 /app/compiled && chmod -R a=rX /app/compiled && rm -rf /tmp/warm-up
EXPOSE 8080
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
# The heap leaves room for the rest of the process in the 160 MiB of the manifest.
ENTRYPOINT ["node", "--max-old-space-size=96", "/app/ambassador-consul-connector.js"]
