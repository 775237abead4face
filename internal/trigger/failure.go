package trigger

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
)

// Unusable answers, in Cognito's words. Each is returned with its cause.
var (
	errUnrecognizable = apierr.New(apierr.InvalidLambdaResponse, "Unrecognizable lambda output")
	errNotJSON        = apierr.New(apierr.InvalidLambdaResponse, "Invalid lambda function output : Invalid JSON")
)

// maxErrorText bounds what a function's error message adds to ours, which is
// mirrored in a response header.
const maxErrorText = 2048

// failed is the error for a function that threw, exited or ran out of its own
// time. Only its errorMessage is passed on, never its stack trace.
func failed(name Name, r Result) error {
	var thrown struct {
		ErrorMessage jsontext.Value `json:"errorMessage"`
	}
	text := r.FunctionError
	// A function can return any JSON as its error, so be lenient about the rest.
	if len(r.Payload) <= MaxPayload &&
		json.Unmarshal(r.Payload, &thrown, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) == nil &&
		thrown.ErrorMessage.Kind() == jsontext.KindString {
		if b, err := jsontext.AppendUnquote(nil, thrown.ErrorMessage); err == nil {
			text = clip(string(b))
		}
	}
	return apierr.Newf(apierr.UserLambdaValidation, "%s failed with error %s.", name, text)
}

// clip shortens s to maxErrorText, between two characters.
func clip(s string) string {
	if len(s) <= maxErrorText {
		return s
	}
	s = s[:maxErrorText]
	for {
		// A broken encoding is decoded as one byte of U+FFFD.
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			return s
		}
		s = s[:len(s)-1]
	}
}

// notInvoked is the error for a function that could not be asked.
func notInvoked(name Name, cause error) error {
	what := string(apierr.CodeOf(cause))
	switch {
	case errors.Is(cause, context.DeadlineExceeded):
		what = "Socket timeout while invoking Lambda function"
	case what == string(apierr.ResourceNotFound):
		// A deleted function looks the same as one that may not be invoked.
		what = string(apierr.AccessDenied)
	case what == "":
		what = string(apierr.Service)
	}
	return apierr.Newf(apierr.UnexpectedLambda, "%s invocation failed due to error %s.", name, what).Because(cause)
}

func unrecognizable(why ...string) error {
	return errUnrecognizable.Because(errors.New(strings.Join(why, "")))
}
