"""Verifies that a request comes from SlotBase. Python 3.8 or later, without packages."""

import base64
import hashlib
import hmac
import re
import time


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
