package console

import (
	"net/http"

	"github.com/rockpoolhq/rockpool/internal/arn"
)

func (c *Console) mountTryIt(mux *http.ServeMux) {
	c.handle(mux, "GET /console/try", c.tryIt)
	c.handle(mux, "GET /console/token", c.tokenBox)
}

// tryPage is where people sign in from the console. It is a module's: what the
// address names is chosen already.
type tryPage struct {
	page
	Pool, Client, User string
}

func (c *Console) tryIt(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := &tryPage{Pool: q.Get("pool"), Client: q.Get("client"), User: q.Get("user")}
	if !arn.ValidPoolID(p.Pool) {
		p.Pool = ""
	}
	return c.render(w, r, "try", p)
}

// tokenBox takes a token apart. The page has no form, so that no token is sent.
func (c *Console) tokenBox(w http.ResponseWriter, r *http.Request) error {
	return c.render(w, r, "token", &struct{ page }{})
}
