package console

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rockpoolhq/rockpool/internal/arn"
)

// parseForm reads a form from a body that has been read already. Unlike
// net/http it does not mix the address's query into the fields.
func parseForm(r *http.Request, body []byte) (err error) {
	r.PostForm, err = url.ParseQuery(string(body))
	r.Form = r.PostForm
	return err
}

// regions are those offered; any other can be named in the address.
var regions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1",
	"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1",
	"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
}

func regionsWith(region string) []string {
	if slices.Contains(regions, region) {
		return regions
	}
	return append([]string{region}, regions...)
}

const (
	regionCookie = "rockpool-region"
	themeCookie  = "rockpool-theme"
	yearSeconds  = 365 * 24 * 3600
)

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)

// regionOf is the region of a request: that of the pool it is about, else what
// the address or, from then on, the cookie says.
func regionOf(r *http.Request) string {
	if pool := r.PathValue("pool"); arn.ValidPoolID(pool) {
		return arn.PoolRegion(pool)
	}
	if region := r.URL.Query().Get("region"); regionName.MatchString(region) {
		return region
	}
	if cookie, err := r.Cookie(regionCookie); err == nil && regionName.MatchString(cookie.Value) {
		return cookie.Value
	}
	return arn.DefaultRegion
}

// keepRegion remembers the region that the address names, unless a page of
// another site has sent the reader here.
func keepRegion(w http.ResponseWriter, r *http.Request) {
	region := r.URL.Query().Get("region")
	if r.Method != http.MethodGet || !regionName.MatchString(region) || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return
	}
	http.SetCookie(w, &http.Cookie{Name: regionCookie, Value: region, Path: "/console/", MaxAge: yearSeconds, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func themeOf(r *http.Request) string {
	if cookie, err := r.Cookie(themeCookie); err == nil && (cookie.Value == "light" || cookie.Value == "dark") {
		return cookie.Value
	}
	return ""
}

// setTheme remembers light, dark, or what the system says.
func (c *Console) setTheme(w http.ResponseWriter, r *http.Request) error {
	cookie := &http.Cookie{Name: themeCookie, Value: r.PostFormValue("theme"), Path: "/console/", MaxAge: yearSeconds, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if cookie.Value != "light" && cookie.Value != "dark" {
		cookie.Value, cookie.MaxAge = "", -1
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, ownPath(r.PostFormValue("back")), http.StatusSeeOther)
	return nil
}

// ownPath returns an address to go back to if it is one of the console, else
// its home: an address of elsewhere must not pass for ours.
func ownPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/console/") || strings.Contains(to, `\`) || path.Clean(u.Path)+"/" != strings.TrimSuffix(u.Path, "/")+"/" {
		return "/console/"
	}
	return u.String()
}

// ago says how long ago something was, for reading at a glance.
func ago(t time.Time, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return t.UTC().Format("2006-01-02")
}

// moment is a time of the Query protocol's JSON for reading: text or seconds.
func moment(v any) string {
	switch t := v.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339Nano, t); err == nil {
			return at.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		return t
	case float64:
		return epoch(t).String()
	}
	return "–"
}
