package sandbox_test

import (
	"testing"

	"github.com/rockpoolhq/rockpool/internal/sandbox"
)

func TestQuickJS(t *testing.T) {
	h := open(t, sandbox.Options{NodePath: "none"})
	f := h.Function(node(code(t, "index.mjs", `const handler = async (event) => {
  event.response = { claimsOverrideDetails: { claimsToAddOrOverride: {
    tenantId: event.request.userAttributes['custom:tenantId'] } } };
  console.log('hi', event);
  return event;
};
export { handler };`)))
	res := invoke(t, f, `{"request":{"userAttributes":{"custom:tenantId":"t1"}}}`)
	t.Logf("%s", logText(f))
	answered(t, res, `{"request":{"userAttributes":{"custom:tenantId":"t1"}},"response":{"claimsOverrideDetails":{"claimsToAddOrOverride":{"tenantId":"t1"}}}}`)
	t.Log(res.Engine, res.InitDuration)
}
