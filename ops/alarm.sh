#!/bin/sh
# Tells a Slack channel, and recipients by mail, that the unit $1 failed. It needs neither Prefect nor the database, and
# therefore knows nothing but the environment: addresses in tailguard.toml and in Prefect's blocks do not reach it. What
# is secret stands in no process list.
set -eu
text="tailguard: $1 failed on $(hostname). journalctl -u $1 says why."
told=no

complain() {
    echo "alarm.sh: $1" >&2
    logger --tag tailguard --priority daemon.err "alarm.sh: $1" 2>/dev/null || true
}

# A line of curl's configuration: name and value.
option() {
    printf '%s = "%s"\n' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"
}

post() {
    option url "$TAILGUARD_SLACK_WEBHOOK_URL" | curl --config - --fail --silent --show-error --max-time 30 \
        --header 'content-type: application/json' --data "{\"text\": \"$text\"}" --output /dev/null
}

mail() {
    scheme=smtp
    test "${TAILGUARD_SMTP_SECURITY:-starttls}" = ssl && scheme=smtps
    recipients=$(printf %s "$TAILGUARD_MAIL_TO" | tr -d '[]" ' | tr , ' ')
    sender=${TAILGUARD_MAIL_FROM:-tailguard@localhost}
    body=$(mktemp)
    printf 'From: <%s>\r\nTo: <%s>\r\nSubject: tailguard: %s failed\r\nDate: %s\r\n\r\n%s\r\n' \
        "$sender" "$(printf %s "$recipients" | sed 's/ />, </g')" "$1" "$(LC_ALL=C date -R)" "$text" >"$body"
    code=0
    {
        option url "$scheme://$TAILGUARD_SMTP_HOST:${TAILGUARD_SMTP_PORT:-587}"
        option mail-from "$sender"
        for recipient in $recipients; do option mail-rcpt "$recipient"; done
        test "${TAILGUARD_SMTP_SECURITY:-starttls}" = starttls && echo ssl-reqd
        if test -n "${TAILGUARD_SMTP_USER:-}"; then
            option user "$TAILGUARD_SMTP_USER:${TAILGUARD_SMTP_PASSWORD:-}"
        fi
    } | curl --config - --silent --show-error --max-time 30 --upload-file "$body" || code=$?
    rm -f "$body"
    return "$code"
}

logger --tag tailguard --priority daemon.err "$text" 2>/dev/null || true
case "${TAILGUARD_SLACK_WEBHOOK_URL:-}" in
    "") ;;
    prefect-secret:*) complain "TAILGUARD_SLACK_WEBHOOK_URL names a block of Prefect, which an alarm cannot ask." ;;
    *) if post; then told=yes; else complain "the webhook of TAILGUARD_SLACK_WEBHOOK_URL did not take the alarm."; fi ;;
esac
if test -n "${TAILGUARD_SMTP_HOST:-}" && test -n "${TAILGUARD_MAIL_TO:-}"; then
    case "${TAILGUARD_SMTP_PASSWORD:-}" in
        prefect-secret:*) complain "TAILGUARD_SMTP_PASSWORD names a block of Prefect, which an alarm cannot ask." ;;
        *) if mail "$1"; then told=yes; else complain "$TAILGUARD_SMTP_HOST did not take the alarm."; fi ;;
    esac
fi
if test "$told" = no; then
    complain "nobody was told that $1 failed. Set TAILGUARD_SLACK_WEBHOOK_URL, or TAILGUARD_SMTP_HOST and \
TAILGUARD_MAIL_TO, in tailguard.env, and try it with: systemctl start tailguard-alarm@test"
    exit 1
fi
