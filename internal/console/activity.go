package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"encoding/json"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
)

func (c *Console) mountActivity(mux *http.ServeMux) {
	c.handle(mux, "GET /console/activity", c.root(c.activity))
}

// signInEvent is one sign-in as Data has it. Durations are nanoseconds.
type signInEvent struct {
	Time                             time.Time
	PoolID, ClientID, Username, Flow string
	Outcome, Message                 string
	RequestID, EventID               string
	Duration                         int64
	Phases                           []struct {
		Name     string
		Duration int64
	}
	Trigger *struct {
		ARN, Version, Source, RequestID string
		Duration                        int64
		Attempts                        int
		Cold                            bool
	}
}

// Good reports whether it ended in tokens.
func (e signInEvent) Good() bool { return e.Outcome == "tokens" }

// byTrigger reports whether a function was why it failed.
func (e signInEvent) byTrigger() bool {
	return strings.Contains(e.Outcome, "Lambda")
}

type activityPage struct {
	page
	Pool    string // the filter
	Pools   []pooled
	Chart   *activityChart
	SignIns []signInRow
	Tokens  int
	Failed  int
}

type pooled struct{ ID, Name string }

// maxPoolChoices bounds the list of pools to choose from.
const maxPoolChoices = 60

// activity shows the latest sign-ins, one by one and over time.
func (c *Console) activity(w http.ResponseWriter, r *http.Request) error {
	p := &activityPage{Pool: r.URL.Query().Get("pool")}
	if p.Pool != "" && !arn.ValidPoolID(p.Pool) {
		return apierr.New(apierr.InvalidParameter, "This is not the id of a user pool.")
	}
	var list struct {
		UserPools []struct{ Id, Name string }
	}
	if err := c.do(r)(r.Context(), "cognito-idp", "ListUserPools", object{"MaxResults": maxPoolChoices}, &list); err != nil {
		return err
	}
	known := p.Pool == ""
	for _, u := range list.UserPools {
		p.Pools = append(p.Pools, pooled{u.Id, u.Name})
		known = known || u.Id == p.Pool
	}
	if !known { // of another region, or beyond the list
		p.Pools = append(p.Pools, pooled{p.Pool, p.Pool})
	}
	events, err := c.signIns(p.Pool)
	if err != nil {
		return err
	}
	now := c.now()
	for _, e := range events {
		row := newSignInRow(e, now)
		p.SignIns = append(p.SignIns, row)
		switch row.Kind {
		case "tokens":
			p.Tokens++
		case "refused":
			p.Failed++
		}
	}
	p.Chart = chartOf(events, now)
	return c.render(w, r, "activity", p)
}

// signIns reads the latest sign-ins from Data, whose form is JSON.
func (c *Console) signIns(pool string) ([]signInEvent, error) {
	text, err := json.Marshal(c.Data.SignIns(pool, ""))
	if err != nil {
		return nil, fmt.Errorf("encode sign-ins: %w", err)
	}
	var list struct{ SignIns []signInEvent }
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read sign-ins: %w", err)
	}
	return list.SignIns, nil
}

// signInRow is a sign-in of the list.
type signInRow struct {
	signInEvent
	Ago      string
	Kind     string // "tokens", "challenge" or "refused"
	Said     string // what came of it, in words
	Advice   string // what to do about a refusal
	Function string // of the trigger, by name
	TryIt    string // address to try the same
	Spans    []span
	Share    string // of the trigger in the whole, "" without one
}

func newSignInRow(e signInEvent, now time.Time) signInRow {
	row := signInRow{signInEvent: e, Ago: ago(e.Time, now), Kind: kindOf(e.Outcome), Spans: spansOf(e)}
	switch row.Kind {
	case "tokens":
		row.Said = "Tokens issued"
	case "challenge":
		row.Said = "Asked for more: " + e.Outcome
	default:
		row.Said = e.Outcome + ": " + e.Message
		row.Advice = advice(e)
	}
	if e.Trigger != nil {
		if f, err := arn.ParseFunction(e.Trigger.ARN, "", ""); err == nil {
			row.Function = f.Name
		}
	}
	for _, s := range row.Spans {
		if s.Name == "trigger" && e.Duration > 0 {
			row.Share = fmt.Sprintf("%.0f %%", 100*float64(s.ns)/float64(e.Duration))
		}
	}
	if e.PoolID != "" {
		row.TryIt = "/console/try?" + url.Values{"pool": {e.PoolID}, "client": {e.ClientID}, "user": {e.Username}}.Encode()
	}
	return row
}

// kindOf tells errors, whose names end alike, from challenges.
func kindOf(outcome string) string {
	switch {
	case outcome == "tokens":
		return "tokens"
	case outcome == strings.ToUpper(outcome):
		return "challenge"
	default:
		return "refused"
	}
}

// advice is what a person can do about a sign-in that was refused.
func advice(e signInEvent) string {
	switch e.Outcome {
	case "NotAuthorizedException":
		switch {
		case strings.Contains(e.Message, "disabled"):
			return "Enable the user on the pool's Users page."
		case strings.Contains(e.Message, "attempts exceeded"):
			return "Too many wrong passwords: wait, or set a new password for the user."
		case strings.Contains(e.Message, "Temporary password"):
			return "The temporary password has expired: set a new one for the user."
		case strings.Contains(e.Message, "efresh"):
			return "The refresh token was revoked, has expired or is another client's: sign in again."
		case strings.Contains(strings.ToLower(e.Message), "secret"):
			return "The app client has a secret: send SECRET_HASH made of it, the user name and the client id."
		}
		return "The user name or the password is wrong. Look for the user in the pool, or set a new password."
	case "UserNotFoundException":
		return "There is no such user in this pool: check the name, or create the user."
	case "UserNotConfirmedException":
		return "Confirm the user: with the code that was sent, or on the pool's Users page."
	case "PasswordResetRequiredException":
		return "An administrator has asked for a new password: the user sets one with the code that was sent."
	case "UserLambdaValidationException":
		return "The function has thrown this. Its log says where."
	case "InvalidLambdaResponseException":
		return "The function answered something that is no answer to its event. It has to return the event, with its response filled in as the trigger's version wants it."
	case "UnexpectedLambdaException":
		switch {
		case strings.Contains(e.Message, "AccessDenied"):
			return "The function does not let this pool invoke it: add the permission for cognito-idp.amazonaws.com with the pool's ARN, or add the trigger again in the console."
		case strings.Contains(e.Message, "ResourceNotFound"):
			return "The function is gone: deploy it again, or take the trigger from the pool."
		case strings.Contains(strings.ToLower(e.Message), "time"):
			return "The function did not answer in time; five seconds is the limit, whatever its own."
		}
		return "The function could not be run. Its log says more."
	case "InvalidParameterException":
		if strings.Contains(e.Message, "not enabled") {
			return "Allow the flow for the app client: Try it offers that with one click."
		}
	case "ResourceNotFoundException":
		return "There is no such app client or user pool here: check the ids and the region."
	case "TooManyRequestsException", "LimitExceededException":
		return "Too many at once: wait a little and try again."
	case "InternalErrorException":
		return "This is the server's fault; its log has the cause under the request id."
	}
	return ""
}
