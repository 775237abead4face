package console

import "net/http"

func (c *Console) mountHome(mux *http.ServeMux) {
	c.handle(mux, "GET /console/{$}", c.home)
}

type homePage struct {
	page
	URL string
}

func (c *Console) home(w http.ResponseWriter, r *http.Request) error {
	return c.render(w, r, "home", &homePage{URL: c.URL})
}
