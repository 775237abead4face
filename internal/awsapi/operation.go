package awsapi

import "context"

// Operation is an operation that is built: a name and the function behind it.
// Make one with Op.
type Operation struct {
	name     string
	newInput func() Input
	call     func(context.Context, Input) (any, error)
}

// Name returns the operation's name as on the wire.
func (o Operation) Name() string { return o.name }

// Empty is the output of operations that return nothing.
type Empty struct{}

// Op makes an Operation of a function over generated types. A nil output
// stands for an empty one. Errors that are not *apierr.Error reach the caller
// as an internal error without their text.
func Op[In, Out any, PIn interface {
	*In
	Input
}](name string, fn func(context.Context, *In) (*Out, error)) Operation {
	return Operation{
		name:     name,
		newInput: func() Input { return PIn(new(In)) },
		call: func(ctx context.Context, in Input) (any, error) {
			out, err := fn(ctx, (*In)(in.(PIn)))
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = new(Out)
			}
			return out, nil
		},
	}
}
