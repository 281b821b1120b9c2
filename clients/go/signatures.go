package linekeeper

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

// ErrWrongSignature says that a message is not signed with this secret, or is old.
var ErrWrongSignature = errors.New("the message is not signed with this secret, or is over five minutes old")

// Verified gives the event in a webhook's message whose signature holds at this moment (Standard Webhooks).
func Verified(secret string, headers http.Header, body []byte, now time.Time) (*HappenedEvent, error) {
	stamp := headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return nil, ErrWrongSignature
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return nil, err
	}
	digest := hmac.New(sha256.New, key)
	digest.Write([]byte(headers.Get("webhook-id") + "." + stamp + "."))
	digest.Write(body)
	wanted := []byte("v1," + base64.StdEncoding.EncodeToString(digest.Sum(nil)))
	for _, one := range strings.Fields(headers.Get("webhook-signature")) {
		if hmac.Equal(wanted, []byte(one)) {
			event := new(HappenedEvent)
			return event, json.Unmarshal(body, event)
		}
	}
	return nil, ErrWrongSignature
}
