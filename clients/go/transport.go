// Package linekeeper is a typed client of the Linekeeper API. Nothing but the standard library.
package linekeeper

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const (
	tries       = 4
	longestWait = 60 * time.Second // of Retry-After; more is the caller's to decide
)

// APIError says that the API refused, or could not answer; Status is 0 where nothing came.
type APIError struct {
	Status  int
	Problem Problem
}

func (e *APIError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s: %s %s", e.Status, e.Problem.Code, e.Problem.Detail, e.Problem.WhatToDo))
}

// Client calls the API of one account with a bearer key. A write has an Idempotency-Key, so that it may be sent again
// and is done once.
type Client struct {
	HTTP  *http.Client
	Sleep func(context.Context, time.Duration) error

	base, key string
}

// New is a client of an installation's address, an account's UUID and a key of it. It waits 30 seconds for an answer.
func New(address, account, key string) *Client {
	base := strings.TrimRight(address, "/") + "/api/" + account + "/"
	return &Client{HTTP: &http.Client{Timeout: 30 * time.Second}, Sleep: sleep, base: base, key: key}
}

// Option says more about a write.
type Option func(*sent)

// IdempotencyKey names a write, so that it is done once whoever sends it again.
func IdempotencyKey(key string) Option {
	return func(one *sent) { one.key = key }
}

// Ptr gives the address of a value, for members that may be left out.
func Ptr[T any](value T) *T {
	return &value
}

type sent struct {
	body any
	key  string
}

func ask[T any](ctx context.Context, c *Client, verb, path string, query, body any, options []Option) (*T, error) {
	address := c.base + path
	if asked := values(query).Encode(); asked != "" {
		address += "?" + asked
	}
	one := &sent{body: body}
	for _, option := range options {
		option(one)
	}
	return again[T](ctx, c, verb, address, one)
}

func again[T any](ctx context.Context, c *Client, verb, address string, one *sent) (*T, error) {
	var content []byte
	if verb != http.MethodGet {
		if one.key == "" {
			one.key = newKey()
		}
		content = []byte("{}")
		if one.body != nil {
			var err error
			if content, err = json.Marshal(one.body); err != nil {
				return nil, err
			}
		}
	}
	for number := 1; ; number++ {
		found, wait, err := once[T](ctx, c, verb, address, content, one.key)
		if err == nil {
			return found, nil
		}
		var failed *APIError
		if !errors.As(err, &failed) || !mayGoAgain(failed.Status) || number == tries || wait > longestWait || ctx.Err() != nil {
			return nil, err
		}
		if wait < 0 {
			wait = time.Second << (number - 1)
		}
		if err := c.Sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// once makes the call; wait is what the answer asks for, or less than 0.
func once[T any](ctx context.Context, c *Client, verb, address string, content []byte, key string) (*T, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, verb, address, bytes.NewReader(content))
	if err != nil {
		return nil, -1, err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("Accept", "application/json")
	if verb != http.MethodGet {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", key)
	}
	answer, err := c.HTTP.Do(request)
	if err != nil {
		return nil, -1, &APIError{Problem: Problem{Detail: "No answer: " + err.Error()}}
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		failed := &APIError{Status: answer.StatusCode}
		_ = json.NewDecoder(answer.Body).Decode(&failed.Problem) // what says nothing of itself has its status alone
		return nil, asked(answer.Header.Get("Retry-After")), failed
	}
	found := new(T)
	decoder := json.NewDecoder(answer.Body)
	decoder.UseNumber()
	if err := decoder.Decode(found); err != nil {
		return nil, -1, &APIError{Problem: Problem{Detail: "The answer broke off: " + err.Error()}}
	}
	return found, 0, nil
}

type page[T any] struct {
	Data  []T `json:"data"`
	Links struct {
		Next *string `json:"next"`
	} `json:"links"`
}

// pages gives every row of a list, page by page; an error is the last thing that it gives.
func pages[T any](ctx context.Context, c *Client, path string, query any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		asked := values(query)
		if !asked.Has("per_page") {
			asked.Set("per_page", "1000")
		}
		address := c.base + path + "?" + asked.Encode()
		for address != "" {
			found, err := again[page[T]](ctx, c, http.MethodGet, address, &sent{})
			if err == nil {
				address, err = c.following(found.Links.Next)
			}
			if err != nil {
				yield(*new(T), err)
				return
			}
			for _, row := range found.Data {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// following is the next page's address: one that leads elsewhere is not told the key.
func (c *Client) following(next *string) (string, error) {
	if next == nil || *next == "" {
		return "", nil
	}
	there, err := url.Parse(*next)
	if err != nil {
		return "", err
	}
	here, err := url.Parse(c.base)
	if err != nil {
		return "", err
	}
	if there.Scheme != here.Scheme || there.Host != here.Host {
		return "", &APIError{Problem: Problem{Detail: "The link leads to " + there.Host + ", which is not " + here.Host}}
	}
	return *next, nil
}

// Download gives a file, such as usage_exports/{uuid}/file; the caller closes it.
func (c *Client) Download(ctx context.Context, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	answer, err := c.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		failed := &APIError{Status: answer.StatusCode}
		_ = json.NewDecoder(answer.Body).Decode(&failed.Problem)
		return nil, failed
	}
	return answer.Body, nil
}

// values is a query: members that are nil are left out, of an object each name is one of its own, such as field.Depot.
func values(query any) url.Values {
	found := url.Values{}
	given := reflect.ValueOf(query)
	if !given.IsValid() || given.IsNil() {
		return found
	}
	given = given.Elem()
	for number := range given.NumField() {
		member := given.Field(number)
		if member.IsNil() {
			continue
		}
		if member.Kind() == reflect.Map {
			for _, name := range member.MapKeys() {
				found.Set(name.String(), fmt.Sprint(member.MapIndex(name).Interface()))
			}
			continue
		}
		found.Set(given.Type().Field(number).Tag.Get("query"), fmt.Sprint(member.Elem().Interface()))
	}
	return found
}

func mayGoAgain(status int) bool {
	switch status {
	case 0, 429, 500, 502, 503, 504:
		return true
	}
	return false
}

func asked(retryAfter string) time.Duration {
	seconds, err := strconv.Atoi(retryAfter)
	if err != nil || seconds < 0 {
		return -1
	}
	return time.Duration(seconds) * time.Second
}

func newKey() string {
	found := make([]byte, 16)
	_, _ = rand.Read(found) // does not fail
	return hex.EncodeToString(found)
}

func sleep(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}
