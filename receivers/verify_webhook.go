// Package slotbase verifies that a request comes from SlotBase. It needs the standard library alone.
package slotbase

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// VerificationError says why a request is not genuine.
type VerificationError struct{ Code, Message string }

func (e *VerificationError) Error() string { return e.Message }

// Verified is what the signature covers. ID is empty when Form is "slotbase", whose signature covers no id.
type Verified struct {
	Form, ID  string
	Timestamp int64
}

var digits = regexp.MustCompile(`^[0-9]{1,15}$`)
var standard = regexp.MustCompile(`^whsec_([A-Za-z0-9+/_-]+)={0,2}$`)

// VerifyWebhook fails unless one of the secrets has signed the body within the tolerance (five minutes).
// The body is that of the request as it was received.
func VerifyWebhook(
	body []byte, header http.Header, secrets []string, tolerance time.Duration, now time.Time,
) (*Verified, error) {
	if len(secrets) == 0 || secrets[0] == "" {
		return nil, errors.New("secrets is the list of signing secrets")
	}
	signatures, isStandard := header.Get("Webhook-Signature"), len(header.Values("Webhook-Signature")) > 0
	id, ownTime := header.Get("Webhook-Id"), header.Get("X-SlotBase-Timestamp")
	timestamp := ownTime
	own := []string{header.Get("X-SlotBase-Signature"), header.Get("X-SlotBase-Signature-Next")}
	if isStandard {
		timestamp = header.Get("Webhook-Timestamp")
	}
	if timestamp == "" || (isStandard && id == "") || (!isStandard && own[0] == "" && own[1] == "") {
		return nil, &VerificationError{"missing_header", "The request has no signature, no timestamp or no id."}
	}
	ownID := header.Get("X-SlotBase-Event-ID")
	if isStandard && ((ownID != "" && ownID != id) || (ownTime != "" && ownTime != timestamp)) {
		return nil, &VerificationError{"headers_differ", "Two headers give the id or the timestamp differently."}
	}
	if !digits.MatchString(timestamp) {
		return nil, &VerificationError{"bad_timestamp", "The timestamp is not a number of seconds."}
	}
	seconds, _ := strconv.ParseInt(timestamp, 10, 64)
	age, most := now.Unix()-seconds, int64(tolerance/time.Second)
	if age > most {
		return nil, &VerificationError{"too_old", fmt.Sprintf("It was sent %d seconds ago.", age)}
	}
	if age < -most {
		return nil, &VerificationError{"too_new", fmt.Sprintf("It was sent in %d seconds.", -age)}
	}
	for _, secret := range secrets {
		key := standardKey(secret)
		if isStandard && key != nil {
			expected := "v1," + base64.StdEncoding.EncodeToString(mac(key, id+"."+timestamp+".", body))
			for _, one := range strings.Split(signatures, " ") {
				if hmac.Equal([]byte(one), []byte(expected)) {
					return &Verified{"standard", id, seconds}, nil
				}
			}
		} else if secret != "" && timestamp == ownTime {
			expected := hex.EncodeToString(mac([]byte(secret), timestamp+".", body))
			for _, one := range own {
				if hmac.Equal([]byte(one), []byte(expected)) {
					return &Verified{"slotbase", "", seconds}, nil
				}
			}
		}
	}
	return nil, &VerificationError{"wrong_signature", "No signature is that of the body under the secret."}
}

func mac(key []byte, before string, body []byte) []byte {
	hash := hmac.New(sha256.New, key)
	hash.Write([]byte(before))
	hash.Write(body)
	return hash.Sum(nil)
}

// standardKey is the key of a Standard Webhooks secret, `whsec_` and base64; nil for another secret.
func standardKey(secret string) []byte {
	found := standard.FindStringSubmatch(secret)
	if found == nil {
		return nil
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(found[1]))
	if err != nil {
		return nil
	}
	return key
}
