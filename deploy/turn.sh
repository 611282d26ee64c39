#!/bin/sh
# Start coturn with the secret and the name of deploy/.env and the certificate that Caddy gets, and let it read
# the certificate again when Caddy has renewed it.
set -eu

: "${TURN_HOST:?is missing in deploy/.env}" "${TURN_SECRET:?is missing in deploy/.env}"
certificates=${TURN_CERTIFICATES:-/data/caddy/certificates}
settings=${TURN_SETTINGS:-/etc/turnserver.conf}
every=${TURN_CHECK_SECONDS:-3600}

newest() {  # the newest certificate of this name
    find "$certificates" -name "$TURN_HOST.crt" -exec ls -t {} + 2>/dev/null | head -n 1
}

until [ -n "$(newest)" ]; do
    echo "Waiting for the certificate of $TURN_HOST"
    sleep 2
done
certificate=$(newest)

umask 077
mkdir -p /tmp/turn
cp "$settings" /tmp/turn/turnserver.conf
cat >> /tmp/turn/turnserver.conf <<END
static-auth-secret=$TURN_SECRET
realm=$TURN_HOST
tls-listening-port=${TURN_TLS_PORT:-5349}
cert=/tmp/turn/certificate
pkey=/tmp/turn/key
pidfile=/tmp/turn/pid
END

copy() {
    cp "$certificate" /tmp/turn/certificate
    cp "${certificate%.crt}.key" /tmp/turn/key
}

copy
turnserver -c /tmp/turn/turnserver.conf &
server=$!
trap 'kill "$server"' TERM INT

(
    while sleep "$every"; do
        certificate=$(newest)
        if [ -n "$certificate" ] && ! cmp -s "$certificate" /tmp/turn/certificate; then
            copy
            kill -USR2 "$server"
        fi
    done
) &
watch=$!

status=0
wait "$server" || status=$?
kill "$watch" 2>/dev/null || true
exit "$status"
