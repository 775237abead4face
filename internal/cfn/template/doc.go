// Package template reads CloudFormation templates and works out what they say:
// sections, parameters, conditions, intrinsic functions, the order of
// resources. It is pure: it creates nothing, reads no file and no store, and
// knows no resource type.
//
//	Parse        JSON or YAML text → Template (parse.go, yaml.go): Read, then Build
//	Read, Head   what package transform works on, before Build
//	Resolve      parameters given → Environment (parameters.go)
//	Evaluate     a value of the template → what it stands for (evaluate.go)
//	Order        resources by what they refer to (graph.go)
//
// A template is untrusted text. Its size, depth, aliases and the number of its
// parts are bounded, and what it makes of itself when it is evaluated is too
// (security PARSE-3).
//
// Where CloudFormation has a text for an error, this package has the same; the
// rules are those of the template anatomy and the intrinsic function reference
// of the CloudFormation user guide.
package template

import "fmt"

// Limits of CloudFormation, and of what is evaluated here.
const (
	MaxBody      = 1 << 20 // bytes
	MaxResources = 500
	maxSection   = 200         // parameters, mappings, outputs
	maxDepth     = 64          // of nesting
	maxNodes     = 100_000     // after aliases are expanded
	maxExpanded  = 4 * MaxBody // bytes of texts, likewise
	maxText      = 1 << 20     // bytes of one text that functions make
	maxValue     = 4096        // bytes of a parameter's value
	maxProgram   = 20_000      // instructions of all patterns, which one text has to run through
)

// Error is what is wrong with a template. Its text is for the caller.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

// formatError is an error in the form that CloudFormation gives it.
func formatError(format string, args ...any) error {
	return &Error{"Template format error: " + fmt.Sprintf(format, args...)}
}

func errorf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }
