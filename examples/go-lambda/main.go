// Command go-lambda is a pre token generation function in Go: it puts the
// tenant into both tokens and adds a scope to the access token, which needs
// the trigger event's version V2_0.
//
//	GOOS=linux CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap .
//	rockpool function deploy ./bootstrap --name tenant --runtime provided.al2023 \
//	  --trigger pool=us-east-1_…:PreTokenGeneration:V2_0
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() { lambda.Start(handler) }

// handler adds claims for users that have a tenant, and refuses the sign-in of
// those that have none.
func handler(_ context.Context, event events.CognitoEventUserPoolsPreTokenGenV2_0) (events.CognitoEventUserPoolsPreTokenGenV2_0, error) {
	tenant := event.Request.UserAttributes["custom:tenantId"]
	if tenant == "" {
		return event, fmt.Errorf("user %s has no tenant", event.UserName)
	}
	fmt.Fprintf(os.Stderr, "%s of tenant %s: %s\n", event.UserName, tenant, event.TriggerSource)
	event.Response.ClaimsAndScopeOverrideDetails = events.ClaimsAndScopeOverrideDetailsV2_0{
		IDTokenGeneration: events.IDTokenGenerationV2_0{
			ClaimsToAddOrOverride: map[string]any{
				"tenantId":     tenant,
				"departmentId": event.Request.UserAttributes["custom:department"],
			},
		},
		AccessTokenGeneration: events.AccessTokenGenerationV2_0{
			ClaimsToAddOrOverride: map[string]any{"tenant": map[string]any{"id": tenant, "shard": 7}},
			ScopesToAdd:           []string{"tenant/" + tenant},
		},
	}
	return event, nil
}
