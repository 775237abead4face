package rockpool

import (
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/function"
	"github.com/rockpoolhq/rockpool/internal/libcrypto"
	"github.com/rockpoolhq/rockpool/internal/trigger"
)

// cognito is the principal that user pools invoke functions as.
const cognito = "cognito-idp.amazonaws.com"

// invoker lets triggers invoke functions, under the function's resource policy.
type invoker struct{ functions *function.Service }

func (i invoker) Invoke(ctx context.Context, call trigger.Call) (trigger.Result, error) {
	f, err := arn.ParseFunction(call.FunctionARN, "", "")
	if err != nil {
		return trigger.Result{}, apierr.New(apierr.ResourceNotFound, "Function not found: "+call.FunctionARN).Because(err)
	}
	in := function.Invocation{
		Function: f, Payload: call.Payload,
		Caller: &function.Caller{Service: cognito, SourceARN: call.SourceARN, SourceAccount: call.SourceAccount},
	}
	if call.Async {
		id, err := i.functions.InvokeLater(ctx, in)
		return trigger.Result{RequestID: id}, err
	}
	got, err := i.functions.Invoke(ctx, in)
	return trigger.Result{
		Payload: got.Payload, FunctionError: got.FunctionError,
		Duration: got.Duration, Cold: got.Cold, RequestID: got.RequestID,
	}, err
}

// chooseSigner returns how signatures are made, and logs it.
func chooseSigner(o Options) (func(*rsa.PrivateKey) (crypto.Signer, error), error) {
	choice, err := libcrypto.ParseChoice(o.Signer)
	if err != nil {
		return nil, err
	}
	use, fallback, err := choice.Effective()
	if err != nil {
		return nil, fmt.Errorf("signer %s: %w", choice, err)
	}
	if fallback != nil {
		o.Logger.Info("signatures", "by", use, "reason", fallback)
	} else {
		o.Logger.Info("signatures", "by", use)
	}
	return use.Signer, nil
}
