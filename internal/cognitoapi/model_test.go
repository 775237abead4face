package cognitoapi

import (
	"testing"

	"github.com/rockpoolhq/rockpool/internal/awsapi/awsapitest"
)

// The generated types are unexported, so these tests are in the package.

func wire() awsapitest.Suite {
	return awsapitest.Suite{Service: Model(), Operations: stubs(), Model: "model/cognito-idp.json"}
}

func TestSec_PARSE_2_everyConstraint(t *testing.T) { wire().Constraints(t) }

func TestSec_API_1_everyOperation(t *testing.T) { wire().Authorization(t) }

func FuzzDecode(f *testing.F) { wire().Fuzz(f) }

func BenchmarkWire(b *testing.B) {
	for _, operation := range []string{"AdminGetUser", "AdminCreateUser", "CreateUserPool", "InitiateAuth"} {
		b.Run(operation, func(b *testing.B) { wire().Benchmark(b, operation) })
	}
}
