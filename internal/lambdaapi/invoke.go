package lambdaapi

import (
	"context"
	"encoding/base64"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/function"
)

func (a *api) invoke(ctx context.Context, in *invocationRequest) (*invocationResponse, error) {
	f, err := ref(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if err := refuse(
		unsupported{"DurableExecutionName", in.DurableExecutionName != nil},
		unsupported{"TenantId", in.TenantId != nil},
	); err != nil {
		return nil, err
	}
	call := function.Invocation{Function: f, Payload: in.Payload, Logs: awsapi.Value(in.LogType) == "Tail", RequestID: awsapi.RequestFrom(ctx).ID}
	if call.ClientContext, err = clientContext(in.ClientContext); err != nil {
		return nil, err
	}
	if len(in.Payload) > 0 && !jsontext.Value(in.Payload).IsValid() {
		return nil, apierr.New(apierr.InvalidRequestContent, "Could not parse request body into json: the payload is not valid JSON")
	}
	switch awsapi.Value(in.InvocationType) {
	case "DryRun":
		return &invocationResponse{StatusCode: new(int32(204))}, a.Functions.Check(ctx, call)
	case "Event":
		_, err := a.Functions.InvokeLater(ctx, call)
		return &invocationResponse{StatusCode: new(int32(202))}, err
	}
	got, err := a.Functions.Invoke(ctx, call)
	if err != nil {
		return nil, err
	}
	out := &invocationResponse{
		StatusCode: new(int32(200)), FunctionError: awsapi.Present(got.FunctionError),
		Payload: got.Payload, ExecutedVersion: &got.Version,
	}
	if call.Logs {
		out.LogResult = new(base64.StdEncoding.EncodeToString(got.LogTail))
	}
	return out, nil
}

// clientContext decodes X-Amz-Client-Context: base64 of a JSON object of at
// most 3,583 bytes (Invoke API reference).
func clientContext(header *string) ([]byte, error) {
	if awsapi.Value(header) == "" {
		return nil, nil
	}
	b, err := base64.StdEncoding.DecodeString(*header)
	if err != nil || len(b) > 3583 || jsontext.Value(b).Kind() != '{' || !jsontext.Value(b).IsValid() {
		return nil, apierr.New(apierr.InvalidRequestContent, "Client context must be a valid Base64-encoded JSON object.")
	}
	return b, nil
}
