package lambdaapi

import (
	"context"

	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/awsapi"
)

// tagged reads the ARN of what has tags: here, of a function as a whole.
func tagged(ctx context.Context, resource *string) (arn.Function, error) {
	f, err := ref(ctx, resource, nil)
	if err != nil {
		return arn.Function{}, err
	}
	if f.Qualifier != "" {
		return arn.Function{}, invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return f, nil
}

func (a *api) tagResource(ctx context.Context, in *tagResourceRequest) (*awsapi.Empty, error) {
	f, err := tagged(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	return nil, a.Functions.Retag(ctx, f, in.Tags, nil)
}

func (a *api) untagResource(ctx context.Context, in *untagResourceRequest) (*awsapi.Empty, error) {
	f, err := tagged(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	return nil, a.Functions.Retag(ctx, f, nil, in.TagKeys)
}

func (a *api) listTags(ctx context.Context, in *listTagsRequest) (*listTagsResponse, error) {
	f, err := tagged(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	got, err := a.Functions.Get(ctx, f)
	if err != nil {
		return nil, err
	}
	if got.Tags == nil {
		got.Tags = map[string]string{}
	}
	return &listTagsResponse{Tags: got.Tags}, nil
}
