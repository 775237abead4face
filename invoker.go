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

// chooseSigner returns how signatures are made: by the system's libcrypto,
// which takes a third of the time, or by crypto/rsa.
func chooseSigner(o Options) (func(*rsa.PrivateKey) (crypto.Signer, error), error) {
	why := libcrypto.Available()
	switch o.Signer {
	case "", "auto":
	case "go":
		why = fmt.Errorf("asked for crypto/rsa")
	case "libcrypto":
		if why != nil {
			return nil, fmt.Errorf("signer libcrypto: %w", why)
		}
	default:
		return nil, fmt.Errorf("signer %q: need auto, libcrypto or go", o.Signer)
	}
	if why != nil {
		o.Logger.Info("signatures by crypto/rsa", "reason", why)
		return nil, nil
	}
	o.Logger.Info("signatures by the system's libcrypto")
	return libcrypto.New, nil
}
