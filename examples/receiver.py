#!/usr/bin/env python3
"""A whole receiver of SlotBase's webhooks, with Python's standard library alone.

    SLOTBASE_SECRETS=whsec_… python3 receiver.py 4000 received.sqlite3

It verifies each request, keeps each event once, and only then answers 204. SLOTBASE_SECRETS may hold several secrets
with spaces between them, for a rotation. It shows what it does on its output, one line each.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import sqlite3
import sys
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 1024 * 1024


class Inbox:
    """Every event once, by its id. The primary key makes a second delivery harmless."""

    def __init__(self, path):
        self.path = path
        with closing(self.open()) as db, db:
            db.execute("create table if not exists events (id text primary key, sequence integer, body text)")

    def open(self):
        return sqlite3.connect(self.path, timeout=10)

    def keep(self, event_id, sequence, body):
        """Whether the event is new."""
        with closing(self.open()) as db, db:
            row = (event_id, sequence, body)
            return db.execute("insert into events values (?, ?, ?) on conflict do nothing", row).rowcount == 1

    def missing(self):
        """The sequence numbers below the highest that have not come. They may still come: retries take their time."""
        with closing(self.open()) as db:
            have = {row[0] for row in db.execute("select sequence from events where sequence > 0")}
        return [number for number in range(min(have, default=1), max(have, default=0)) if number not in have]


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            return self.answer(413 if length.isdigit() else 411)
        body = self.rfile.read(int(length))
        try:
            verified = verify_webhook(body, self.headers, self.server.secrets)
        except WebhookVerificationError as error:
            return self.answer(401, f"refused {error.code}")
        event = json.loads(body)
        event_id = verified["id"] or event["id"]
        is_new = self.server.inbox.keep(event_id, int(self.headers["X-SlotBase-Sequence"]), body.decode())
        # Only now: what is answered with 2xx is not sent again.
        self.answer(204, f"{'new' if is_new else 'again'} {self.headers['X-SlotBase-Event']} {event_id}")

    do_PUT = do_POST

    def answer(self, status, line=None):
        if line is not None:
            missing = self.server.inbox.missing()
            text = f"{line} missing {missing[:10]}" if missing else line
            # In one piece: print would write the end of the line by itself, and threads would mix their lines.
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Its own lines say more."""


class WebhookVerificationError(Exception):
    """The request is not genuine. `code` says why."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def verify_webhook(body, headers, secrets, tolerance_seconds=300, now=None):
    """Raises WebhookVerificationError unless one of the secrets has signed the body within the tolerance.

    body is the bytes as they were received. secrets is one secret or a list. Returns form, id and timestamp.
    """
    if not isinstance(body, bytes):
        raise TypeError("body is the bytes as they were received, before any JSON is parsed")
    secrets = [secrets] if isinstance(secrets, str) else [each for each in secrets if each]
    if not any(secrets):
        raise TypeError("secrets is the signing secret, or a list of them")
    given = {name.lower(): value for name, value in headers.items()}
    signatures = given.get("webhook-signature")
    event_id = given.get("webhook-id")
    timestamp = given.get("x-slotbase-timestamp" if signatures is None else "webhook-timestamp")
    own = [given[name] for name in ("x-slotbase-signature", "x-slotbase-signature-next") if given.get(name)]
    if timestamp is None or (not own if signatures is None else event_id is None):
        raise WebhookVerificationError("missing_header", "The request has no signature, no timestamp or no id.")
    if signatures is not None:
        twins = given.get("x-slotbase-event-id", event_id), given.get("x-slotbase-timestamp", timestamp)
        if twins != (event_id, timestamp):
            raise WebhookVerificationError("headers_differ", "Two headers give the id or the timestamp differently.")
    if not re.fullmatch("[0-9]{1,15}", timestamp):
        raise WebhookVerificationError("bad_timestamp", "The timestamp is not a number of seconds.")
    age = int(time.time() if now is None else now) - int(timestamp)
    if age > tolerance_seconds:
        raise WebhookVerificationError("too_old", f"It was sent {age} seconds ago.")
    if age < -tolerance_seconds:
        raise WebhookVerificationError("too_new", f"It was sent in {-age} seconds.")
    for secret in secrets:
        key = None if signatures is None else _standard_key(secret)
        if key is not None:
            signed = f"{event_id}.{timestamp}.".encode() + body
            expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
            if any([hmac.compare_digest(expected, one.encode()) for one in signatures.split(" ")]):
                return {"form": "standard", "id": event_id, "timestamp": int(timestamp)}
        elif timestamp == given.get("x-slotbase-timestamp"):
            signed = f"{timestamp}.".encode() + body
            expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
            if any([hmac.compare_digest(expected, one.encode()) for one in own]):
                return {"form": "slotbase", "id": None, "timestamp": int(timestamp)}
    raise WebhookVerificationError("wrong_signature", "No signature is that of the body under the secret.")


def _standard_key(secret):
    """The key of a Standard Webhooks secret, `whsec_` and base64; None for another secret."""
    found = re.fullmatch("whsec_([A-Za-z0-9+/_-]+)={0,2}", secret)
    if found is None or len(found[1]) % 4 == 1:
        return None
    text = found[1].replace("+", "-").replace("/", "_")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    server.secrets = os.environ["SLOTBASE_SECRETS"].split()
    server.inbox = Inbox(sys.argv[2])
    print(f"listening on {server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
