package rockpool

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/cfn"
	"github.com/rockpoolhq/rockpool/internal/function"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// maxTemplate is how large a template in a bucket can be, as in CloudFormation.
const maxTemplate = 1 << 20

// fetchTemplate reads a template from a bucket of this server. Whatever host an
// address names, no request leaves the server (security NET-1).
func (s *Server) fetchTemplate(ctx context.Context, address string) (string, error) {
	name, key, version, ok := s.s3.Locate(address)
	if !ok {
		return "", apierr.New("ValidationError", "TemplateURL must be the address of an object in a bucket of this server.")
	}
	data, err := s.object(ctx, name, key, version, maxTemplate)
	if err != nil {
		return "", apierr.Newf("ValidationError", "S3 error: %s (TemplateURL: bucket %.63s, key %.200s)", apierr.Public(err).Message, name, key).Because(err)
	}
	return string(data), nil
}

// codeObject reads a deployment package from a bucket of this server.
func (s *Server) codeObject(ctx context.Context, name, key, version string) ([]byte, error) {
	return s.object(ctx, name, key, version, function.MaxPackageBytes)
}

// object reads a whole object that is at most so large, with the rights of who
// asks.
func (s *Server) object(ctx context.Context, name, key, version string, most int64) ([]byte, error) {
	if err := s.api.Allowed(ctx, "s3", "GetObject", "arn:aws:s3:::"+name+"/"+key); err != nil {
		return nil, err
	}
	o, err := s.buckets.Stat(ctx, name, key, version)
	if err != nil {
		return nil, err
	}
	if o.Size > most {
		return nil, apierr.Newf("EntityTooLarge", "The object is larger than %d bytes.", most)
	}
	var out strings.Builder
	if err := s.buckets.Read(ctx, o, 0, o.Size, &out); err != nil {
		return nil, err
	}
	return []byte(out.String()), nil
}

// signalPath is where programs tell wait conditions how it went. Who may is
// whoever knows the token in the query, as with an address that S3 has signed.
const signalPath = "/_rockpool/signal"

func (s *Server) takeSignal(w http.ResponseWriter, r *http.Request) {
	body, err := web.ReadBody(w, r, cfn.MaxSignal)
	if errors.Is(err, web.ErrTooLarge) {
		err = apierr.Newf(apierr.RequestEntityTooLarge, "A signal can have %d bytes.", cfn.MaxSignal)
	}
	if err == nil {
		err = s.stacks.Signal(r.Context(), r.URL.Query().Get("token"), body)
	}
	if err != nil {
		writeError(w, r, err)
		return
	}
	web.SecurityHeaders(w.Header())
	w.WriteHeader(http.StatusOK)
}

// orS3 takes the requests that are for S3 before anything looks at their path,
// which is a bucket and a key.
func (s *Server) orS3(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.s3.Mine(r) {
			s.s3.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
