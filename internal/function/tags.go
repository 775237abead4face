package function

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/arn"
	"github.com/rockpoolhq/rockpool/internal/store"
)

const maxTags = 50

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return apierr.Newf(apierr.InvalidParameterValue, "A function can have at most %d tags.", maxTags)
	}
	for k := range tags {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return apierr.Newf(apierr.InvalidParameterValue, "Tag keys cannot begin with aws: %s.", k)
		}
	}
	return nil
}

// Retag sets tags of a function and takes others away. Tags are of the function
// as a whole and no part of a version: its revision stays.
func (s *Service) Retag(ctx context.Context, f arn.Function, set map[string]string, remove []string) error {
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		record, doc, err := s.load(tx, f)
		if err != nil {
			return err
		}
		tags := maps.Clone(doc.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, set)
		for _, k := range remove {
			delete(tags, k)
		}
		if err := checkTags(tags); err != nil {
			return err
		}
		doc.Tags = tags
		if record.Doc, err = json.Marshal(doc); err != nil {
			return err
		}
		record.UpdatedAt = s.now()
		return tx.UpdateFunction(record)
	})
	if errors.Is(err, store.ErrConflict) {
		return apierr.New(apierr.ResourceConflict, "The operation cannot be performed at this time. An update is in progress for resource: "+f.String()).Because(err)
	}
	return err
}
