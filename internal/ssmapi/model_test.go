package ssmapi

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rockpoolhq/rockpool/internal/awsapi"
	"github.com/rockpoolhq/rockpool/internal/awsapi/awsapitest"
)

// The generated types are unexported, so these tests are in the package.

func wire() awsapitest.Suite {
	return awsapitest.Suite{Service: Model(), Operations: stubs(), Model: "model/ssm.json"}
}

// Nothing is answered to who has not signed, built or not.
func TestSec_API_1_everyOperation(t *testing.T) {
	api := awsapi.New(awsapi.Options{Profile: awsapi.Dev})
	api.Register(Model(), stubs()...)
	n := 0
	for _, op := range Model().Operations {
		r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
		r.Header.Set("X-Amz-Target", "AmazonSSM."+op.Name)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != 400 || !strings.Contains(w.Body.String(), "MissingAuthenticationToken") {
			t.Errorf("%s unsigned: %d %s", op.Name, w.Code, w.Body)
		}
		n++
	}
	if n < 13 {
		t.Errorf("only %d operations", n)
	}
}

func FuzzDecode(f *testing.F) { wire().Fuzz(f) }
