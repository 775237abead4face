package console

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rockpoolhq/rockpool/internal/apierr"
	"github.com/rockpoolhq/rockpool/internal/web"
)

// change is what a form asks for: the operations in their order, the page to
// see when they are done, and what it says.
type change struct {
	calls []call
	to    string
	said  string
	// skip says which refusals of an operation mean that there is nothing to do.
	skip func(call, error) bool
}

// one is a change of a single operation.
func one(operation string, in object, to, said string) change {
	return change{calls: []call{{"cognito-idp", operation, in}}, to: to, said: said}
}

// reader makes a change of the fields of a form.
type reader func(r *http.Request, v url.Values) (change, error)

// pageOf shows the page that a form is on: with these fields instead of what is
// stored unless they are nil, and with what was wrong with them.
type pageOf func(w http.ResponseWriter, r *http.Request, v url.Values, problem string) error

// previewHeader marks a form that is sent to learn its commands only.
const previewHeader = "X-Console-Preview"

// form serves what a form is sent to. When something is refused its page comes
// again with what was typed.
func (c *Console) form(read reader, again pageOf) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ch, err := read(r, r.PostForm)
		if r.Header.Get(previewHeader) != "" {
			text := commands(ch.calls)
			if err != nil {
				text = "# " + said(err)
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			web.Write(w, http.StatusOK, []byte(text))
			return nil
		}
		done := 0
		for err == nil && done < len(ch.calls) {
			one := ch.calls[done]
			if err = c.do(r)(r.Context(), one.Service, one.Operation, one.Input, nil); err != nil && ch.skip != nil && ch.skip(one, err) {
				err = nil
			}
			if err == nil {
				done++
			}
		}
		if err == nil {
			return c.redirect(w, r, ch.to, ch.said)
		}
		problem := said(err)
		if problem == "" {
			return err
		}
		noteError(r, err)
		for _, one := range ch.calls[:done] {
			problem += " " + one.Operation + " was done before that."
		}
		return again(w, r, r.PostForm, problem)
	}
}

// show serves a form's page as it is stored.
func show(p pageOf) handler {
	return func(w http.ResponseWriter, r *http.Request) error { return p(w, r, nil, "") }
}

// formPage is a page with a form. Its fields are those that were typed, else
// those that are stored.
type formPage struct {
	page
	Problem string
	Fields  url.Values
}

// V is the value of a field.
func (p *formPage) V(name string) string { return p.Fields.Get(name) }

// Has reports whether a value of a field is chosen.
func (p *formPage) Has(name, value string) bool { return slices.Contains(p.Fields[name], value) }

// fill takes the stored fields, and over them what was typed. Fields that a
// form did not have keep what is stored, so several forms can share a page.
func (p *formPage) fill(stored, typed url.Values, problem string) {
	p.Fields, p.Problem = stored, problem
	// A box that is not ticked is not sent: each form names its boxes.
	for _, name := range typed["boxes"] {
		delete(p.Fields, name)
	}
	for name, values := range typed {
		if name != tokenField && name != "boxes" {
			p.Fields[name] = values
		}
	}
}

// cliFor shows the commands of a form as its fields are now.
func (c *Console) cliFor(r *http.Request, read reader, v url.Values) template.HTML {
	ch, err := read(r, v)
	if err != nil {
		return ""
	}
	return cliOf(ch.calls...)
}

// set puts a text into an input unless it is empty.
func set(in object, name, value string) {
	if value != "" {
		in[name] = value
	}
}

// setNumber puts a number into an input unless the field is empty.
func setNumber(in object, name, label string, v url.Values, field string) error {
	text := strings.TrimSpace(v.Get(field))
	if text == "" {
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return apierr.Newf(apierr.InvalidParameter, "%s has to be a whole number.", label)
	}
	in[name] = int(n)
	return nil
}

// lines are the lines of a text that are not blank.
func lines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// typedName refuses a deletion unless the name was typed.
func typedName(v url.Values, want string) error {
	if v.Get("confirm") == want {
		return nil
	}
	return apierr.New(apierr.InvalidParameter, "Nothing was deleted: type the name exactly as it is shown.")
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}
