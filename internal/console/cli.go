package console

import (
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
)

// call is an operation that a form performs.
type call struct {
	Service, Operation string
	Input              object
}

// cli shows the AWS CLI command of an operation, to be opened by who wants to
// see it.
func (c *Console) cli(service, operation string, input object) template.HTML {
	return cliOf(call{service, operation, input})
}

// cliOf shows the commands of what a form does, in their order.
func cliOf(calls ...call) template.HTML {
	return template.HTML(`<details class="cli"><summary>AWS CLI</summary><pre tabindex="0"><code>` + // escaped in the next line
		template.HTMLEscapeString(commands(calls)) + `</code></pre></details>`)
}

func commands(calls []call) string {
	lines := make([]string, len(calls))
	for i, c := range calls {
		lines[i] = command(c)
	}
	return strings.Join(lines, "\n")
}

// hidden are the inputs whose value is not for a page or a shell's history.
var hidden = map[string]string{
	"Password": `"$PASSWORD"`, "TemporaryPassword": `"$PASSWORD"`, "PreviousPassword": `"$PREVIOUS_PASSWORD"`,
	"ProposedPassword": `"$PASSWORD"`, "ClientSecret": `"$CLIENT_SECRET"`,
}

// command is the AWS CLI command of an operation, for a POSIX shell.
func command(c call) string {
	parts := []string{"aws", c.Service, kebab(c.Operation)}
	last := ""
	for _, name := range slices.Sorted(maps.Keys(c.Input)) {
		value := c.Input[name]
		option := "--" + kebab(name)
		if c.Service == "lambda" {
			switch {
			case name == "Code" || name == "ZipFile":
				parts = append(parts, "--zip-file fileb://function.zip")
				continue
			case name == "Payload" && c.Operation == "Invoke":
				parts = append(parts, "--payload fileb://event.json")
				continue
			}
		}
		if ref, ok := hidden[name]; ok {
			parts = append(parts, option+" "+ref)
			continue
		}
		if on, ok := value.(bool); ok {
			if !on {
				option = "--no-" + kebab(name)
			}
			parts = append(parts, option)
			continue
		}
		parts = append(parts, option+argument(value))
	}
	if c.Service == "lambda" && c.Operation == "Invoke" {
		last = " answer.json"
	}
	return strings.Join(parts, " ") + last
}

// argument is the value of an option with what separates it from its name.
func argument(value any) string {
	switch v := value.(type) {
	case string:
		return word(v)
	case []string:
		// What looks like an option or an address, which the CLI would fetch,
		// goes as JSON.
		if len(v) > 0 && !slices.ContainsFunc(v, func(s string) bool { return !plain.MatchString(s) || strings.Contains(s, "://") }) {
			return " " + strings.Join(v, " ")
		}
	case int, int32, int64:
		return fmt.Sprintf(" %d", v)
	}
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return " ?" // inputs are made of values that encode
	}
	return word(string(text))
}

// plain are words that no shell reads as anything else.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@+=,][A-Za-z0-9_./:@+=,-]*$`)

func word(s string) string {
	quoted := s
	if !plain.MatchString(s) {
		quoted = "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		if strings.ContainsFunc(s, unseen) {
			quoted = escaped(s)
		}
	}
	if strings.HasPrefix(s, "-") {
		return "=" + quoted // else it would pass for an option
	}
	return " " + quoted
}

// unseen reports whether a character acts on a terminal that it is pasted into,
// or hides what comes next to it.
func unseen(r rune) bool {
	return unicode.Is(unicode.C, r) && r != '\n' && r != '\t' || r == unicode.ReplacementChar
}

// escaped quotes what is not to be in a paste: a Ctrl-C in a description would
// end the command, and begin another.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '\\' || c == '\'':
			b.WriteString(`\` + string(c))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}

var (
	plural   = regexp.MustCompile(`[A-Z]{2,}s$`)
	capWord  = regexp.MustCompile(`(.)([A-Z][a-z]+)`)
	afterLow = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// kebab spells a name as the AWS CLI does: CallbackURLs is callback-urls.
func kebab(name string) string {
	if m := plural.FindString(name); m != "" {
		name = strings.TrimSuffix(name, m) + "-" + strings.ToLower(m)
	}
	name = capWord.ReplaceAllString(name, "$1-$2")
	return strings.ToLower(afterLow.ReplaceAllString(name, "$1-$2"))
}
