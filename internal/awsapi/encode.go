package awsapi

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// response is an answer that is complete but for what all answers share.
type response struct {
	status      int
	contentType string
	header      http.Header // may be nil
	body        []byte
}

const (
	typeJSON11 = "application/x-amz-json-1.1"
	typeJSON   = "application/json"
	typeXML    = "text/xml"
)

// encode makes the answer of an operation that succeeded.
func encode(o *operation, out any, requestID string) (*response, error) {
	if o.service.Protocol == Query {
		return &response{status: http.StatusOK, contentType: typeXML, body: encodeXML(o, out, requestID)}, nil
	}
	resp := &response{status: http.StatusOK, contentType: typeJSON11}
	if o.service.Protocol == RESTJSON {
		resp.contentType = typeJSON
		resp.status = o.Status
		if rp, ok := out.(replier); ok {
			reply := &Reply{status: o.Status, header: http.Header{}}
			rp.Reply(reply)
			resp.status, resp.header = reply.status, reply.header
			if reply.raw {
				resp.body = reply.payload
				return resp, nil
			}
		}
		if resp.status == http.StatusNoContent || o.Output == "" {
			return resp, nil
		}
	}
	body, err := json.Marshal(out, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", o.Name, err)
	}
	resp.body = body
	return resp, nil
}

// protocolStatus has the REST status of errors that no service's model has,
// because they are found before the service.
var protocolStatus = map[apierr.Code]int{
	apierr.AccessDenied:               http.StatusForbidden,
	apierr.InvalidSignature:           http.StatusForbidden,
	apierr.MissingAuthenticationToken: http.StatusForbidden,
	apierr.UnrecognizedClient:         http.StatusForbidden,
	apierr.UnknownOperation:           http.StatusNotFound,
	apierr.InternalError:              http.StatusInternalServerError,
	apierr.NotImplemented:             http.StatusNotImplemented,
}

// status returns the HTTP status of an error.
func (rt *route) status(code apierr.Code) int {
	if rt.op != nil {
		if s := rt.op.service.ErrorStatus[code]; s != 0 {
			return s
		}
		if code == rt.op.service.TooLargeCode {
			return http.StatusRequestEntityTooLarge
		}
	}
	s := protocolStatus[code]
	if s == 0 || rt.style != styleREST && s < http.StatusInternalServerError {
		// The JSON and Query front ends answer 400 to whatever a caller did.
		return http.StatusBadRequest
	}
	return s
}

// errorResponse makes the answer of a request that failed, and notes the cause
// in the event.
func errorResponse(rt *route, err error, ev *web.Event) *response {
	pub := apierr.Public(err)
	code := pub.Code
	if code == apierr.InternalError && rt.op != nil {
		code = rt.op.service.InternalCode
	}
	ev.Code, ev.Err = string(code), pub.Err
	resp := &response{status: rt.status(code), header: http.Header{}}
	switch rt.style {
	case styleFront:
		resp.contentType = typeJSON
		resp.body, err = json.Marshal(frontError{string(code), pub.Message, "client"})
	case styleQuery:
		resp, err = queryErrorResponse(rt, pub, ev.ID)
	case styleREST:
		resp.contentType = typeJSON
		resp.header.Set("X-Amzn-Errortype", string(code))
		kind := "User"
		if resp.status >= 500 {
			kind = "Service"
		}
		resp.body, err = json.Marshal(restError{kind, pub.Message, pub.Message})
	default:
		resp.contentType = typeJSON11
		// Clients split at the colon, which the service always sends.
		resp.header.Set("X-Amzn-Errortype", string(code)+":")
		if pub.Message != "" {
			resp.header.Set("X-Amzn-Errormessage", headerText(pub.Message))
		}
		resp.body, err = json.Marshal(jsonError{string(code), pub.Message})
	}
	if err != nil {
		// A message that is not UTF-8 is all that can go wrong here.
		ev.Err = fmt.Errorf("encode error: %w", err)
		resp.body = []byte(`{"__type":"` + string(code) + `"}`)
	}
	return resp
}

type jsonError struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

// restError has the message twice: the models of REST services spell it one
// way for some exceptions and the other way for others.
type restError struct {
	Type         string `json:"Type"`
	Message      string `json:"Message"`
	LowerMessage string `json:"message"`
}

type frontError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Type    string `json:"type"`
}

// maxHeaderText bounds the copy of an error message in a header; the body has
// all of it.
const maxHeaderText = 1024

// headerText makes a message safe for a header: one line of ASCII.
func headerText(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), maxHeaderText)]
}

// exposed are the headers that a page of another origin may read.
const exposed = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"

// preflight answers a browser that asks before it sends. Any page may call:
// the operations have their own credentials, and cookies are never taken.
func preflight(r *http.Request) *response {
	h := http.Header{}
	h.Set("Access-Control-Allow-Methods", "POST")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", headerText(asked))
	}
	h.Set("Access-Control-Max-Age", "172800")
	return &response{status: http.StatusOK, header: h}
}

// respond writes an answer. REST services carry no permission for pages of
// other origins: no browser has business with them.
func respond(w http.ResponseWriter, rt *route, resp *response) {
	h := w.Header()
	for name, values := range resp.header {
		h[name] = values
	}
	if resp.contentType != "" {
		h.Set("Content-Type", resp.contentType)
	}
	if rt.style != styleREST {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", exposed)
	}
	web.SecurityHeaders(h)
	web.Write(w, resp.status, resp.body)
}
