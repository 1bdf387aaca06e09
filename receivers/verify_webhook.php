<?php
// Verifies that a request comes from SlotBase. PHP 8.1 or later, without packages.

final class WebhookVerificationError extends RuntimeException
{
    public function __construct(public readonly string $reason, string $message)
    {
        parent::__construct($message);
    }
}

/**
 * Throws WebhookVerificationError unless one of the secrets has signed the body within the tolerance.
 * $body is file_get_contents('php://input'), $headers is getallheaders(). Returns form, id and timestamp.
 */
function verify_webhook(
    string $body,
    array $headers,
    string|array $secrets,
    int $tolerance = 300,
    ?int $now = null,
): array {
    $secrets = array_filter((array) $secrets, fn ($each) => is_string($each) && $each !== '');
    if ($secrets === []) {
        throw new InvalidArgumentException('secrets is the signing secret, or a list of them');
    }
    $given = array_change_key_case($headers, CASE_LOWER);
    $signatures = $given['webhook-signature'] ?? null;
    $id = $given['webhook-id'] ?? null;
    $timestamp = $given[$signatures === null ? 'x-slotbase-timestamp' : 'webhook-timestamp'] ?? null;
    $own = array_filter([$given['x-slotbase-signature'] ?? '', $given['x-slotbase-signature-next'] ?? '']);
    if ($timestamp === null || ($signatures === null ? $own === [] : $id === null)) {
        throw new WebhookVerificationError('missing_header', 'The request has no signature, no timestamp or no id.');
    }
    $sameId = ($given['x-slotbase-event-id'] ?? $id) === $id;
    $sameTime = ($given['x-slotbase-timestamp'] ?? $timestamp) === $timestamp;
    if ($signatures !== null && !($sameId && $sameTime)) {
        throw new WebhookVerificationError('headers_differ', 'Two headers give the id or the timestamp differently.');
    }
    if (!preg_match('/^[0-9]{1,15}$/D', $timestamp)) {
        throw new WebhookVerificationError('bad_timestamp', 'The timestamp is not a number of seconds.');
    }
    $age = ($now ?? time()) - (int) $timestamp;
    if ($age > $tolerance) {
        throw new WebhookVerificationError('too_old', "It was sent $age seconds ago.");
    }
    if ($age < -$tolerance) {
        throw new WebhookVerificationError('too_new', 'It was sent in ' . -$age . ' seconds.');
    }
    foreach ($secrets as $secret) {
        $key = $signatures === null ? null : standard_key($secret);
        if ($key !== null) {
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
            foreach (explode(' ', $signatures) as $one) {
                if (hash_equals($expected, $one)) {
                    return ['form' => 'standard', 'id' => $id, 'timestamp' => (int) $timestamp];
                }
            }
        } elseif ($timestamp === ($given['x-slotbase-timestamp'] ?? null)) {
            $expected = hash_hmac('sha256', "$timestamp.$body", $secret);
            foreach ($own as $one) {
                if (hash_equals($expected, $one)) {
                    return ['form' => 'slotbase', 'id' => null, 'timestamp' => (int) $timestamp];
                }
            }
        }
    }
    throw new WebhookVerificationError('wrong_signature', 'No signature is that of the body under the secret.');
}

/** The key of a Standard Webhooks secret, `whsec_` and base64; null for another secret. */
function standard_key(string $secret): ?string
{
    if (!preg_match('/^whsec_([A-Za-z0-9+\/_-]+)={0,2}$/D', $secret, $found) || strlen($found[1]) % 4 === 1) {
        return null;
    }
    return base64_decode(strtr($found[1], '-_', '+/'), true);
}
