package trigger

import (
	"fmt"
	"regexp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Name is a trigger as a pool's LambdaConfig and Cognito's error texts name it.
type Name string

// PreTokenGeneration is asked what goes into tokens.
const PreTokenGeneration Name = "PreTokenGeneration"

// Source is what raised an event: the triggerSource that a function sees.
type Source string

// Values that stand for what is not known or does not exist.
const (
	UnknownSDK = "aws-sdk-unknown-unknown"
	NoClient   = "CLIENT_ID_NOT_APPLICABLE" // an administrator's call names no app client
)

// Event is what the events of all triggers have in common.
type Event struct {
	// Version is the event's version. "" is "1"; a pre token generation event
	// has the version of its configuration, whatever is written here.
	Version string
	Source  Source
	Region  string
	// PoolID is in the event; PoolARN and Account are not, but are what the
	// function's resource policy is checked against.
	PoolID  string
	PoolARN string
	Account string
	// UserName is the internal user name; for an unknown user, the text that
	// was submitted; for a machine, the client id.
	UserName   string
	SDKVersion string // from SDKVersion; "" is UnknownSDK
	ClientID   string // "" is NoClient
}

// wireEvent is an event as it is sent, its members in Cognito's order.
type wireEvent struct {
	Version       string        `json:"version"`
	TriggerSource Source        `json:"triggerSource"`
	Region        string        `json:"region"`
	UserPoolID    string        `json:"userPoolId"`
	UserName      string        `json:"userName"`
	CallerContext callerContext `json:"callerContext"`
	Request       any           `json:"request"`
	Response      any           `json:"response"`
}

type callerContext struct {
	AWSSDKVersion string `json:"awsSdkVersion"`
	ClientID      string `json:"clientId"`
}

// encode returns the payload for one event.
func (e Event) encode(request, response any) (jsontext.Value, error) {
	w := wireEvent{
		Version: e.Version, TriggerSource: e.Source, Region: e.Region,
		UserPoolID: e.PoolID, UserName: e.UserName,
		CallerContext: callerContext{AWSSDKVersion: e.SDKVersion, ClientID: e.ClientID},
		Request:       request, Response: response,
	}
	if w.Version == "" {
		w.Version = "1"
	}
	if w.CallerContext.AWSSDKVersion == "" {
		w.CallerContext.AWSSDKVersion = UnknownSDK
	}
	if w.CallerContext.ClientID == "" {
		w.CallerContext.ClientID = NoClient
	}
	payload, err := json.Marshal(w, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode %s event: %w", e.Source, err)
	}
	return payload, nil
}

var userAgentSDK = regexp.MustCompile(`^(aws-sdk-[A-Za-z0-9-]{1,32})/([0-9A-Za-z.+-]{1,32})(?:\s|$)`)

// SDKVersion returns the callerContext.awsSdkVersion for a User-Agent:
// "aws-sdk-java-2.20.43" for "aws-sdk-java/2.20.43 …", and UnknownSDK for a
// client that is not an AWS SDK or does not say so first.
func SDKVersion(userAgent string) string {
	m := userAgentSDK.FindStringSubmatch(userAgent)
	if m == nil {
		return UnknownSDK
	}
	return m[1] + "-" + m[2]
}
